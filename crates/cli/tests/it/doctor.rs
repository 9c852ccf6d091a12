//! `doctor` and `serve` look at the same things: what the one refuses the other does not call good.

use std::{fs, net::TcpListener, path::Path, process::Command};

use serde_json::Value;

use crate::commands::cameo;

const FREE_PORTS: [(&str, &str); 3] = [
    ("CAMEO_SERVER_S3_LISTEN", "127.0.0.1:0"),
    ("CAMEO_SERVER_IMAGES_LISTEN", "127.0.0.1:0"),
    ("CAMEO_SERVER_CONSOLE_LISTEN", "127.0.0.1:0"),
];

fn command(name: &[&str], folder: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = cameo(name);
    command.envs(FREE_PORTS).env("CAMEO_SERVER_DATA", folder.join("data")).envs(variables.iter().copied());
    command
}

/// What is to be bad, by which variables, and what is done to the folder before.
type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], fn(&Path));

/// What `doctor` calls bad, and how it ended.
fn doctor(folder: &Path, variables: &[(&str, &str)]) -> (Vec<Value>, Option<i32>) {
    doctor_for(&[], folder, variables)
}

fn doctor_for(whom: &[&str], folder: &Path, variables: &[(&str, &str)]) -> (Vec<Value>, Option<i32>) {
    let output = command(&[&["doctor", "--json"], whom].concat(), folder, variables).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let found = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    (found.filter(|finding| finding["health"] == "bad").collect(), output.status.code())
}

#[test]
fn a_machine_without_a_configuration_is_well_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(doctor(folder.path(), &[]), (vec![], Some(0)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// `users.md` 21.
#[test]
fn a_worker_beside_a_server_that_keeps_everything_is_bad_to_doctor_too() {
    let folder = tempfile::tempdir().unwrap();
    let (bad, code) = doctor_for(&["--for", "worker"], folder.path(), &[]);
    assert_eq!((bad.len(), code), (1, Some(2)), "{bad:?}");
    assert!(bad[0]["told"].as_str().is_some_and(|told| told.contains("store.url")), "{bad:?}");
    let worker = command(&["worker"], folder.path(), &[]).output().unwrap();
    assert_eq!(worker.status.code(), Some(2));
    assert_eq!(doctor_for(&["--for", "serve"], folder.path(), &[]), (vec![], Some(0)));
}

/// `users.md` 21.
#[test]
fn what_serve_refuses_is_bad_to_doctor() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).unwrap();
    let cases: [Case<'_>; 6] = [
        ("keys", &[("CAMEO_S3_KEY_FILE", "/nowhere/keys.toml")], |_| {}),
        ("keys", &[("CAMEO_ACCESS_KEY_ID", "half")], |_| {}),
        ("listeners", &[("CAMEO_SERVER_CONSOLE_LISTEN", &taken.1)], |_| {}),
        ("data folder", &[], |folder| fs::write(folder.join("data"), "a file").unwrap()),
        ("data folder", &[], |folder| {
            fs::create_dir(folder.join("data")).unwrap();
            fs::write(folder.join("data/cameo.db"), "no database, but something else that is long enough").unwrap();
        }),
        ("keys", &[], |folder| {
            fs::create_dir(folder.join("data")).unwrap();
            fs::write(folder.join("data/credentials.json"), "{").unwrap();
        }),
    ];
    for (what, variables, spoil) in cases {
        let folder = tempfile::tempdir().unwrap();
        spoil(folder.path());
        let (bad, code) = doctor(folder.path(), variables);
        assert_eq!((bad.len(), code), (1, Some(2)), "{what}: {bad:?}");
        assert_eq!(bad[0]["what"], what, "{bad:?}");
        let serve = command(&["serve"], folder.path(), variables).output().unwrap();
        assert_eq!(serve.status.code(), Some(2), "{what}: {}", String::from_utf8_lossy(&serve.stderr));
    }
}
