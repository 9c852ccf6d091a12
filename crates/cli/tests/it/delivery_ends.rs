//! Every command about a delivery ends with the same exit code, beside the data folder and with `--server`; the same folder pushed twice at
//! once is one delivery; and names with control characters are shown in one form, and kept as they are.

use std::{fs, path::Path, process::Stdio};

use cameo::{
    model::key::PhotoId,
    proof::{
        deliveries::{DeliveredFile, Expected, ExpectedFile, NewRecord, Record, SkippedFile},
        delivery::DeliveryFolder,
    },
};
use object_store::ObjectStoreExt;
use serde_json::Value;

use crate::{
    commands::cameo,
    remote_commands::{Running, errors, jpeg, left},
};

/// Writes a record of these files of a folder.
async fn recorded(server: &Running, id: &str, folder: &Path, names: &[&str], content: NewRecord) {
    let vertical = "eye".parse().unwrap();
    let originals = DeliveryFolder::of_folder(folder, &vertical).unwrap().to_verify().unwrap().originals;
    let files = names.iter().map(|name| {
        let handed_over = &originals[&PhotoId::parse(&vertical, name).unwrap()];
        let (size, md5) = (handed_over.size, handed_over.md5.clone());
        DeliveredFile { name: (*name).to_owned(), size, md5, sha256: "b".repeat(64) }
    });
    let content = NewRecord { by: "kim".into(), files: files.collect(), ..content };
    let created = "2026-11-26T00:00:00Z".parse().unwrap();
    let record = Record { version: 1, id: id.parse().unwrap(), vertical, created, content };
    let bucket = server.bucket();
    bucket.put(&record.key().key().into(), record.to_json().unwrap().into()).await.unwrap();
}

fn json_of(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_command_about_a_delivery_ends_with_the_same_code() {
    let server = Running::start();
    let photos = tempfile::tempdir().unwrap();
    let bucket = server.bucket();
    for (n, name) in ["1_0.jpg", "2_0.jpg", "3_0.jpg"].into_iter().enumerate() {
        let content = jpeg(u8::try_from(n).unwrap() + 1);
        fs::write(photos.path().join(name), &content).unwrap();
        if name != "3_0.jpg" {
            bucket.put(&format!("origin/eye/{name}").into(), content.into()).await.unwrap();
        }
    }
    server.wait();
    let listed = |name: &str| {
        let files = ["1_0.jpg", name].map(|name| ExpectedFile { name: name.to_owned(), sha256: None }).to_vec();
        Some(Expected { ids: Vec::new(), files })
    };
    let skipped = SkippedFile {
        file: "9-0.jpg".into(),
        code: "name.unparseable".into(),
        cd_idx: None,
        sequence: None,
        detail: "the name".into(),
        detail_korean: None,
        ..SkippedFile::default()
    };
    let none = NewRecord::default;
    let promised = NewRecord { expected: listed("9_3.jpg"), ..none() };
    recorded(&server, "20261126-aaaa", photos.path(), &["1_0.jpg"], none()).await;
    recorded(&server, "20261126-bbbb", photos.path(), &["1_0.jpg"], promised).await;
    let left_out = NewRecord { skipped: vec![skipped], ..none() };
    recorded(&server, "20261126-cccc", photos.path(), &["1_0.jpg"], left_out).await;
    recorded(&server, "20261126-dddd", photos.path(), &["2_0.jpg"], none()).await;
    recorded(&server, "20261126-eeee", photos.path(), &["3_0.jpg"], none()).await;
    // A bad file over a good one, by somebody else.
    bucket.put(&"origin/eye/2_0.jpg".into(), jpeg(2)[..300].to_vec().into()).await.unwrap();
    server.wait();
    let viewer = server.token("viewer", &[]);
    for (id, code) in
        [("20261126-aaaa", 0), ("20261126-bbbb", 7), ("20261126-cccc", 4), ("20261126-dddd", 4), ("20261126-eeee", 7)]
    {
        for command in ["report", "status", "verify"] {
            for more in [&[][..], &["--json"]] {
                let found = server.both(&[&[command, id], more].concat(), &viewer);
                assert_eq!(found.code, Some(code), "{command} {id}: {}", found.stdout);
            }
        }
    }
    for command in ["report", "status", "verify"] {
        let text = server.both(&[command, "20261126-dddd"], &viewer).stdout;
        assert!(text.contains("the last good original is being served"), "{command}: {text}");
    }
    // Dry runs say the same beside the data folder and from another computer, and change nothing.
    let operator = server.token("operator", &["eye"]);
    for (more, code) in [
        (&[][..], 0),
        (&["--reason", "name.unparseable"], 0),
        (&["--ids", "9"], 0),
        (&["--ids", "8"], 7),
        (&["9-1.jpg"], 7),
    ] {
        let asked = [&["dismiss", "--delivery", "20261126-cccc", "--dry-run"], more].concat();
        let found = server.both(&asked, &operator);
        assert_eq!(found.code, Some(code), "{asked:?}: {}", found.stdout);
        assert_eq!(
            found.stdout.contains("9-0.jpg: name.unparseable: would be dismissed"),
            code == 0,
            "{}",
            found.stdout
        );
    }
    let asked = ["dismiss", "--delivery", "20261126-bbbb", "--note", "sold", "--json"];
    let done = server.remote(&asked, &operator);
    assert_eq!(done.status.code(), Some(0), "{} {}", left(&done).stdout, errors(&done));
    let lines = json_of(&left(&done).stdout);
    assert_eq!((&lines[0]["code"], &lines[0]["file"]), (&"list.missing".into(), &"9_3.jpg".into()), "{lines:?}");
    let asked = ["dismiss", "--delivery", "20261126-cccc", "--note", "sold"];
    assert!(server.here(&asked).status.success());
    for id in ["20261126-bbbb", "20261126-cccc"] {
        for command in ["report", "status", "verify"] {
            let found = server.both(&[command, id], &viewer);
            assert_eq!(found.code, Some(0), "{command} {id}: {}", found.stdout);
            assert!(found.stdout.contains("dismissed at ") && found.stdout.contains(": sold"), "{}", found.stdout);
        }
    }
    let again = server.both(&["dismiss", "--delivery", "20261126-cccc"], &operator);
    assert_eq!(again.code, Some(7), "nothing is open: {}", again.stdout);
    let promised = NewRecord { expected: listed("9_4.jpg"), ..none() };
    recorded(&server, "20261126-ffff", photos.path(), &["1_0.jpg"], promised).await;
    let report = json_of(&server.both(&["report", "20261126-ffff", "--json"], &viewer).stdout);
    assert_eq!((&report[0]["code"], &report[0]["cd_idx"]), (&"list.missing".into(), &9.into()));
    assert_eq!((&report[0]["sequence"], &report[0]["state"]), (&4.into(), &"different".into()), "{report:?}");
    let listed = server.both(&["deliveries", "--json"], &viewer).stdout;
    let states: Vec<_> = json_of(&listed).iter().map(|line| line["state"].clone()).collect();
    assert!(states.iter().all(Value::is_string), "{listed}");
    let days = server.both(&["deliveries"], &viewer).stdout;
    assert!(days.contains("uploaded without a delivery: ") && !days.contains("  -:"), "{days}");
}

/// Of what was promised and never came `push` says the same as `report`; a name that holds control characters is one name.
#[test]
fn a_push_ends_as_its_report_and_keeps_odd_names() {
    let server = Running::start();
    let photos = server.desk.path().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("1_0.jpg"), jpeg(1)).unwrap();
    let odd = "5_0\u{1b}[J\n.jpg";
    fs::write(photos.join(odd), jpeg(5)).unwrap();
    let token = server.token("operator", &["eye"]);
    let push = |more: &[&str]| {
        server.remote(&[&["push", "photos", "--vertical", "eye", "--skip-faulty", "--wait"], more].concat(), &token)
    };
    let pushed = push(&["--json"]);
    assert_eq!(pushed.status.code(), Some(4), "{} {}", left(&pushed).stdout, errors(&pushed));
    let lines = json_of(&left(&pushed).stdout);
    assert_eq!((&lines[0]["file"], &lines[0]["cd_idx"]), (&odd.into(), &5.into()), "{lines:?}");
    let id = lines.last().unwrap()["summary"]["delivery"].as_str().unwrap().to_owned();
    let csv = fs::read_to_string(server.desk.path().join("failed.csv")).unwrap();
    let is_raw = |c: char| c.is_control() && !matches!(c, '\r' | '\n');
    assert!(!csv.contains(is_raw) && csv.contains(r",5_0\u{1b}[J\n.jpg,") && csv.lines().count() == 2, "{csv:?}");
    for command in ["report", "status", "verify"] {
        let text = server.both(&[command, &id], &token).stdout;
        assert!(text.contains(r"5_0\u{1b}[J\n.jpg") && !text.contains('\u{1b}'), "{command}: {text:?}");
        let json = json_of(&server.both(&[command, &id, "--json"], &token).stdout);
        let names = |value: &Value| value.to_string().contains(&serde_json::to_string(odd).unwrap());
        assert!(json.iter().any(names), "{command}: {json:?}");
    }
    fs::remove_file(photos.join(odd)).unwrap();
    fs::write(server.desk.path().join("list.txt"), "1_0.jpg\n7_0.jpg\n").unwrap();
    let promised = push(&["--expect", "list.txt", "--json"]);
    let id = json_of(&left(&promised).stdout).last().unwrap()["summary"]["delivery"].as_str().unwrap().to_owned();
    assert_eq!(promised.status.code(), Some(7), "{} {}", left(&promised).stdout, errors(&promised));
    for command in ["report", "status", "verify"] {
        assert_eq!(server.both(&[command, &id], &token).code, Some(7), "{command}");
    }
}

#[test]
fn a_folder_that_is_pushed_twice_at_once_is_one_delivery() {
    const AT_ONCE: usize = 3;
    let server = Running::start();
    let photos = server.desk.path().join("photos");
    fs::create_dir(&photos).unwrap();
    for id in 1..=9 {
        fs::write(photos.join(format!("{id}_0.jpg")), jpeg(id)).unwrap();
    }
    let token = server.token("operator", &["eye"]);
    let children: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let mut command = cameo(&["push", "photos", "--vertical", "eye", "--wait", "--json"]);
            command.current_dir(server.desk.path()).env("HOME", server.desk.path()).env("CAMEO_TOKEN", &token);
            command.args(["--server", &server.console]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{} {}", left(&output).stdout, errors(&output));
        let summary = json_of(&left(&output).stdout).pop().unwrap();
        assert_eq!((&summary["summary"]["live"], &summary["summary"]["photos"]), (&9.into(), &9.into()), "{summary}");
        ids.insert(summary["summary"]["delivery"].to_string());
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    let listed = json_of(&server.both(&["deliveries", "--json"], &token).stdout);
    let recorded = listed.iter().filter(|line| !line["created"].is_null()).count();
    assert_eq!(recorded, 1, "{listed:?}");
}

/// What a list does not say readably is asked about until somebody says it, also where faulty files are left out.
#[test]
fn cells_of_a_list_that_nobody_can_read_keep_a_delivery_open() {
    let server = Running::start();
    let photos = server.desk.path().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("351518_0.jpg"), jpeg(1)).unwrap();
    fs::write(server.desk.path().join("list.csv"), "번호,사진수\n351518,1\n351998 확인요,1\n").unwrap();
    let token = server.token("operator", &["eye"]);
    let push =
        ["push", "photos", "--vertical", "eye", "--expect", "list.csv", "--skip-faulty", "--wait", "--lang", "ko"];
    let text = server.remote(&push, &token);
    assert_eq!(text.status.code(), Some(4), "{} {}", left(&text).stdout, errors(&text));
    assert!(left(&text).stdout.contains("list.unreadable"), "{}", left(&text).stdout);
    let lines = json_of(&left(&server.remote(&[&push[..], &["--json"]].concat(), &token)).stdout);
    let says_it = |line: &Value| line["detail"].as_str().is_some_and(|detail| detail.contains("351998"));
    let is_open = |line: &&Value| line["code"] == "list.unreadable" && line["file"] == "list.csv" && says_it(line);
    assert_eq!(lines.iter().filter(is_open).count(), 1, "{lines:?}");
    let id = lines.last().unwrap()["summary"]["delivery"].as_str().unwrap().to_owned();
    for command in ["report", "status", "verify"] {
        assert_eq!(server.both(&[command, &id], &token).code, Some(4), "{command}");
    }
}

/// Pushing the same folder again undoes nothing that somebody decided about its photos.
#[test]
fn what_somebody_moved_away_is_not_sent_again() {
    let server = Running::start();
    let photos = server.desk.path().join("photos");
    fs::create_dir(&photos).unwrap();
    for id in [1, 2] {
        fs::write(photos.join(format!("{id}_0.jpg")), jpeg(id)).unwrap();
    }
    let token = server.token("admin", &[]);
    let push = |folder: &str| server.remote(&["push", folder, "--vertical", "eye", "--wait"], &token);
    assert_eq!(push("photos").status.code(), Some(0));
    let moved = server.here(&["move", "--from", "eye", "--to", "nose", "--ids", "2", "--apply"]);
    assert!(moved.status.success(), "{} {}", left(&moved).stdout, errors(&moved));
    server.wait();
    // The same bytes in another folder are another delivery, and no other photo.
    let other = server.desk.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("2_0.jpg"), jpeg(2)).unwrap();
    for folder in ["photos", "other"] {
        let again = push(folder);
        assert!(errors(&again).contains("2_0.jpg is not sent again: moved to nose"), "{}", errors(&again));
        server.wait();
        let there = json_of(&server.both(&["status", "--vertical", "eye", "--ids", "2", "--json"], &token).stdout);
        assert!(!there.iter().any(|line| line["state"] == "complete"), "{folder}: {there:?}");
    }
    // Other bytes are another matter.
    fs::write(other.join("2_0.jpg"), jpeg(3)).unwrap();
    assert_eq!(push("other").status.code(), Some(0));
}
