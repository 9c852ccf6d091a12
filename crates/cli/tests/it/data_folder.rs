//! What `serve` leaves of a data folder and refuses to start on, and `recover`, the way on.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Output, Stdio},
};

use crate::commands::cameo;

const PORTS: [&str; 6] =
    ["--s3-listen", "127.0.0.1:0", "--images-listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0"];

fn arguments<'a>(command: &'a str, data: &'a Path, others: &[&'a str]) -> Vec<&'a str> {
    [&[command, "--data", data.to_str().unwrap()], others].concat()
}

fn run(arguments: &[&str]) -> Output {
    cameo(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Starts a server, waits until it is ready, and ends it with SIGTERM.
fn serve_once(data: &Path) {
    let mut command = cameo(&arguments("serve", data, &[&PORTS[..], &["--json"]].concat()));
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.contains("\"ready\":true"), "{ready}");
    let ended = std::process::Command::new("kill").arg(server.id().to_string()).status().unwrap();
    assert!(ended.success());
    assert!(server.wait().unwrap().success());
}

/// users.md 49.
#[test]
fn a_start_that_ends_at_a_port_leaves_no_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = folder.path().join("cameo-data");
    let others = ["--s3-listen", "127.0.0.1:0", "--images-listen", "127.0.0.1:0", "--console-listen", &address];
    let output = run(&arguments("serve", &data, &others));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("console_listen"), "{}", stderr(&output));
    assert!(!data.exists());
}

/// users.md 28: copying cameo.db alone after a clean end loses nothing.
#[test]
fn after_a_clean_end_the_database_file_is_everything() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    serve_once(&data);
    let log = data.join("cameo.db-wal").metadata().map_or(0, |log| log.len());
    assert_eq!(log, 0, "bytes in the write-ahead log");
}

/// users.md 9 and 15.
#[test]
fn slips_of_the_pen_in_the_configuration_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let refused = |name: &str, value: &str, arguments: &[&str]| {
        let output = cameo(arguments).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        stderr(&output)
    };
    let serve = arguments("serve", &data, &PORTS);
    assert!(refused("CAMEO_LOG_LEVEL", "inof", &serve).contains("log.level = \"inof\""));
    assert!(refused("CAMEO_LOG", "inof", &serve).contains("CAMEO_LOG = \"inof\""));
    assert!(refused("CAMEO_IMAGES_PUBLIC_URL", "image.mycelebs.com", &serve).contains("images.public_url"));
    let flag = arguments("serve", &data, &[&PORTS[..], &["--public-url", "htps://image.mycelebs.com"]].concat());
    assert!(refused("CAMEO_LOG", "info", &flag).contains("images.public_url"));
    assert!(!data.exists());
}

/// flow.md 1: the start stops with one line, and the way on that it names works.
#[test]
fn a_lost_database_stops_the_start_and_recover_is_the_way_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    serve_once(&data);
    fs::create_dir_all(data.join("objects/0")).unwrap();
    fs::write(data.join("objects/0/0000000000000001"), "of an older version").unwrap();
    fs::remove_file(data.join("cameo.db")).unwrap();
    let stopped = run(&arguments("serve", &data, &PORTS));
    let told = stderr(&stopped);
    assert_eq!(stopped.status.code(), Some(2), "{told}");
    assert!(told.contains("cameo recover --data") && told.contains("cameo.db is missing"), "{told}");

    let missing = run(&arguments("recover", &data, &["--accept-restored"]));
    assert_eq!(missing.status.code(), Some(2), "{}", stderr(&missing));
    let dry = run(&arguments("recover", &data, &["--rebuild-index", "--dry-run", "--json"]));
    assert_eq!(dry.status.code(), Some(0), "{}", stderr(&dry));
    let answer: serde_json::Value = serde_json::from_slice(&dry.stdout).unwrap();
    assert_eq!((answer["dry_run"].as_bool(), answer["quarantined"].as_u64()), (Some(true), Some(1)));
    assert!(!data.join("cameo.db").exists() && !data.join("quarantine").exists());
    let done = run(&arguments("recover", &data, &["--rebuild-index"]));
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    serve_once(&data);
}

#[test]
fn recover_wants_one_side_and_a_folder_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    for wrong in [&[][..], &["--rebuild-index", "--accept-restored"]] {
        assert_eq!(run(&arguments("recover", folder.path(), wrong)).status.code(), Some(2));
    }
    let nowhere = run(&arguments("recover", &folder.path().join("nowhere"), &["--rebuild-index"]));
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(stderr(&nowhere).contains("there is no such folder"), "{}", stderr(&nowhere));
    let lock = fs::File::create(folder.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let running = run(&arguments("recover", folder.path(), &["--rebuild-index"]));
    assert_eq!(running.status.code(), Some(2));
    assert!(stderr(&running).contains("another server is running"), "{}", stderr(&running));
}
