//! Whoever names what is not there hears of it, by name and by the exit code, in every command that takes a list of ids or keys; and a push
//! of which nothing can be sent says so.

use std::{fs, process::Output};

use object_store::ObjectStoreExt;
use serde_json::Value;

use crate::{
    commands::cameo,
    remote_commands::{Running, errors, jpeg},
};

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap() + &errors(output)
}

fn last_line(output: &Output) -> Value {
    serde_json::from_slice(output.stdout.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty()).unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_named_and_not_there_is_said_by_every_command() {
    let server = Running::start();
    let bucket = server.bucket();
    for (name, content) in [("1_0.jpg", jpeg(1)), ("2_0.jpg", b"no photo".to_vec()), ("6.jpg", jpeg(6))] {
        bucket.put(&format!("origin/eye/{name}").into(), content.into()).await.unwrap();
    }
    server.wait();
    for words in [
        &["retry", "--ids", "2,99", "--dry-run"][..],
        &["dismiss", "--ids", "2,99", "--dry-run"],
        &["reconcile", "--ids", "1,99"],
        &["status", "--ids", "1,99"],
        &["verify", "--ids", "1,99"],
        &["move", "--from", "eye", "--to", "nose", "--ids", "1,99"],
        &["restore", "--ids", "99", "--list"],
    ] {
        let output = server.here(words);
        assert_eq!(output.status.code(), Some(7), "{words:?}: {}", text(&output));
        assert!(text(&output).contains("99: "), "{words:?}: {}", text(&output));
    }

    unknown_verticals(&server);

    // A misnamed file is of the number that it begins with.
    for command in ["retry", "dismiss"] {
        let output = server.here(&[command, "--ids", "6", "--dry-run"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        assert!(text(&output).contains("origin/eye/6.jpg: "), "{}", text(&output));
    }
    let dry = server.here(&["dismiss", "--ids", "2,6", "--dry-run"]);
    assert!(text(&dry).contains("2 rejected files: 2 would be dismissed"), "{}", text(&dry));
    let dry = last_line(&server.here(&["dismiss", "--ids", "2,6", "--dry-run", "--json"]));
    assert_eq!(
        (&dry["summary"]["to_dismiss"], &dry["summary"]["dismissed"], &dry["dry_run"]),
        (&2.into(), &0.into(), &true.into())
    );
    let done = server.here(&["dismiss", "--ids", "6"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    assert!(text(&done).contains("1 rejected files: 1 dismissed"), "{}", text(&done));

    let key = "origin/eye/6.jpg";
    let list = server.here(&["restore", "--list", "--ids", "6,7"]);
    assert_eq!(list.status.code(), Some(7), "{}", text(&list));
    assert!(text(&list).contains("7: nothing of it is in quarantine") && text(&list).contains(key), "{}", text(&list));
    let list = server.here(&["restore", "--list", key, "origin/eye/8.jpg", "--json"]);
    assert_eq!(list.status.code(), Some(7));
    assert!(text(&list).contains(r#"{"unknown_ids":[],"unknown_keys":["origin/eye/8.jpg"]}"#), "{}", text(&list));
    let back = server.here(&["restore", key, "origin/eye/8.jpg"]);
    assert_eq!(back.status.code(), Some(7), "restored, and yet one was not there: {}", text(&back));
    assert!(text(&back).contains("1 restored"), "{}", text(&back));

    // What asks for others than it names is refused, and nothing is done.
    for command in ["dismiss", "retry", "verify", "status"] {
        let output = server.here(&[command, "--ids", "cd_idx NOT IN (1,2)"]);
        assert_eq!(output.status.code(), Some(2), "{command}: {}", text(&output));
        assert!(text(&output).contains("asks for what is not named"), "{command}: {}", text(&output));
    }
}

/// One rule for every command that takes a vertical: a name that nobody knows is named, with those that are near to it.
fn unknown_verticals(server: &Running) {
    let admin = server.token("admin", &[]);
    for words in [
        &["deliveries", "--vertical", "eyee"][..],
        &["status", "--vertical", "eyee"],
        &["verify", "--vertical", "eyee"],
        &["retry", "--vertical", "eyee", "--dry-run"],
        &["reconcile", "--vertical", "eyee"],
        &["dismiss", "--vertical", "eyee", "--dry-run"],
        &["restore", "--vertical", "eyee", "--list"],
        &["restore", "--vertical", "eyee"],
        &["restore", "--vertical", "eyee", "--ids", "1", "--list"],
        &["move", "--from", "eyee", "--to", "nose"],
    ] {
        for (lang, named) in [
            ("en", "no such vertical \"eyee\"; did you mean eye?"),
            ("ko", "\"eyee\"라는 버티컬이 없습니다. 비슷한 이름: eye"),
        ] {
            let words = [words, &["--lang", lang]].concat();
            let here = server.here(&words);
            assert_eq!(here.status.code(), Some(7), "{words:?}: {}", text(&here));
            assert!(text(&here).contains(named), "{words:?}: {}", text(&here));
            let remote = server.remote(&words, &admin);
            assert_eq!((remote.status.code(), &remote.stdout), (Some(7), &here.stdout), "{words:?}");
            assert!(text(&remote).contains(named), "{words:?}: {}", text(&remote));
        }
        let here = server.here(&[words, &["--json"]].concat());
        assert_eq!(here.status.code(), Some(7), "{words:?} --json");
        let said = String::from_utf8(here.stdout.clone()).unwrap();
        assert!(said.contains(r#""unmatched":{"vertical":"eyee","near":["eye"]}"#), "{words:?}: {said}");
    }
    let known = server.both(&["deliveries", "--vertical", "eye"], &admin);
    assert!(known.code == Some(0) && known.stdout.contains("-day-eye"), "{known:?}");
    assert_eq!(server.both(&["deliveries", "--vertical", "eyee", "--json"], &admin).code, Some(7));
    let new = server.here(&["move", "--from", "eye", "--to", "eyee"]);
    assert!(
        errors(&new).contains("the vertical \"eyee\" is new") && errors(&new).contains("did you mean eye?"),
        "{new:?}"
    );
    let own = server.here(&["move", "--from", "eye", "--to", "ear"]);
    assert!(errors(&own).contains("\"ear\" is new"), "{own:?}");
    let unsaved = server.here(&["move", "--from", "eye", "--to", "ear", "--apply", "--save", "/no/such/saved.jsonl"]);
    assert_eq!(unsaved.status.code(), Some(2), "{unsaved:?}");
    assert!(
        errors(&unsaved).contains("/no/such/saved.jsonl") && errors(&unsaved).contains("nothing was moved"),
        "{unsaved:?}"
    );
    let list = tempfile::NamedTempFile::new().unwrap();
    fs::write(list.path(), "cd_idx,file\n1,1_0.jpg\n").unwrap();
    let undone = server.here(&["move", "--undo", list.path().to_str().unwrap()]);
    assert_eq!(undone.status.code(), Some(2), "{undone:?}");
    assert!(errors(&undone).contains("line 1: it was not written by `cameo move --apply`"), "{undone:?}");
}

#[tokio::test]
async fn a_push_of_which_nothing_can_be_sent_says_so() {
    let server = Running::start();
    let token = server.token("operator", &[]);
    let photos = tempfile::tempdir().unwrap();
    fs::write(photos.path().join("1_0.jpg"), "no photo").unwrap();
    fs::write(photos.path().join("2 (1).jpg"), jpeg(2)).unwrap();
    let folder = photos.path().to_str().unwrap();
    for words in [&["push", folder, "--vertical", "eye", "--skip-faulty"][..], &["push", folder, "--vertical", "eye"]] {
        let output = server.remote(words, &token);
        let said = errors(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(
            said.contains("none of the 2 files can be sent as it is") && said.contains("file.not_jpeg 1"),
            "{said}"
        );
        assert!(!said.contains("--skip-faulty"), "{said}");
    }

    // Of the two files for one photo, each has something said of it; and nobody hears of a table in which nothing is.
    fs::write(photos.path().join("1_0.jpg"), jpeg(1)).unwrap();
    fs::remove_file(photos.path().join("2 (1).jpg")).unwrap();
    for (name, colour) in [("3_0.jpg", 3), ("3_0.JPG", 30), ("4_0.jpeg", 4)] {
        fs::write(photos.path().join(name), jpeg(colour)).unwrap();
    }
    let pushed = server.remote(&["push", folder, "--vertical", "eye", "--skip-faulty", "--wait"], &token);
    assert_eq!(pushed.status.code(), Some(4), "{}", text(&pushed));
    assert!(errors(&pushed).contains("failed.csv"), "{}", errors(&pushed));
    let said = text(&pushed);
    let delivery = said.split("delivery ").nth(1).unwrap().split(':').next().unwrap();
    for command in ["status", "verify"] {
        let english = text(&server.remote(&[command, delivery], &token));
        let korean = text(&server.remote(&[command, delivery, "--lang", "ko"], &token));
        assert!(english.lines().all(|line| !line.trim_end().ends_with("name.duplicate:")), "{english}");
        assert!(english.contains("4_0.jpeg") && english.contains(r#"ends in ".jpeg""#), "{english}");
        assert!(korean.contains(r#"".jpeg"(으)로 끝납니다"#), "{korean}");
    }
    for name in ["3_0.JPG", "4_0.jpeg"] {
        fs::remove_file(photos.path().join(name)).unwrap();
    }
    let pushed = server.remote(&["push", folder, "--vertical", "eye", "--wait"], &token);
    assert_eq!(pushed.status.code(), Some(0), "{}", text(&pushed));
    assert!(!errors(&pushed).contains("failed.csv"), "{}", errors(&pushed));
    let report = cameo(&["explain", "no.such", "--lang", "ko"]).output().unwrap();
    assert_eq!(report.status.code(), Some(2));
}
