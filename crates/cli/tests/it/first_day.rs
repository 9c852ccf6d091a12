//! What an operator meets on the first day: no log-in yet, the address of another listener, rights to some verticals, and nothing uploaded.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

use object_store::ObjectStoreExt;
use serde_json::Value;

use crate::{
    commands::cameo,
    remote_commands::{Running, errors, jpeg, left},
};

fn text(output: &Output) -> String {
    left(output).stdout + &errors(output)
}

/// On a computer that has neither a log-in nor a data folder.
fn nowhere(words: &[&str], home: &Path) -> Output {
    cameo(words).current_dir(home).env("HOME", home).output().unwrap()
}

#[test]
fn who_has_not_logged_in_is_told_so_before_anything_of_data_folders() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("photos")).unwrap();
    fs::write(home.path().join("photos/1_0.jpg"), jpeg(1)).unwrap();
    for words in [
        &["status"][..],
        &["verify"],
        &["deliveries"],
        &["report", "20261126-k3f9"],
        &["retry", "--reason", "file.empty"],
        &["reconcile"],
        &["restore", "--list"],
        &["dismiss", "--vertical", "v"],
        &["move", "--from", "v", "--to", "w"],
        &["push", "photos", "--vertical", "v"],
        &["token", "list"],
        &["account", "list"],
        &["webhook", "list"],
    ] {
        for lang in ["en", "ko"] {
            let output = nowhere(&[words, &["--lang", lang]].concat(), home.path());
            let said = errors(&output);
            assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
            let (log_in, folder) = (said.find("`cameo login "), said.find("cameo-data"));
            assert!(log_in.is_some() && folder.is_some() && log_in < folder, "{words:?}: {said}");
        }
    }
    assert!(!home.path().join("cameo-data").exists(), "looking makes no data folder");
}

fn log_in(at: &str, token: &str, lang: &str, home: &Path) -> Output {
    let mut command = cameo(&["login", at, "--lang", lang]);
    let command = command.current_dir(home).env("HOME", home).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[tokio::test]
async fn rights_to_some_verticals_are_no_fault_and_what_they_do_not_cover_is_named() {
    let server = Running::start();
    let token = server.token("operator", &["ear", "eye"]);
    let home = tempfile::tempdir().unwrap();

    // Each listener has an address of its own, and only one of them is asked by commands.
    for (at, what, korean) in [
        (&server.images, "under which the images are served", "이미지가 표시되는 주소"),
        (&server.s3, "of an S3 endpoint", "S3 주소"),
    ] {
        for (lang, named, wanted) in
            [("en", what, "the address of the console"), ("ko", korean, "웹 콘솔의 주소가 필요")]
        {
            let output = log_in(at, &token, lang, home.path());
            assert_eq!(output.status.code(), Some(2), "{}", text(&output));
            let said = errors(&output);
            assert!(said.contains(named) && said.contains(wanted), "{said}");
        }
    }
    assert!(!home.path().join(".config/cameo/login.json").exists());
    let output = log_in(&server.console, &token, "ko", home.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));

    // Nothing is there yet, which is no fault.
    for words in
        [&["status"][..], &["status", "--vertical", "ear"], &["deliveries", "--vertical", "eye"], &["deliveries"]]
    {
        let output = nowhere(words, home.path());
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", text(&output));
    }
    assert!(
        text(&nowhere(&["status", "--vertical", "ear"], home.path()))
            .contains("nothing is there of the vertical \"ear\" yet")
    );
    let single = server.token("viewer", &["ear"]);
    assert_eq!(server.remote(&["status"], &single).status.code(), Some(0));
    assert_eq!(server.remote(&["verify", "--vertical", "ear"], &single).status.code(), Some(7), "nothing is no proof");

    // What others have is shown to nobody, and counts for nobody.
    let bucket = server.bucket();
    for key in ["origin/nose/1_0.jpg", "nose/5_0.jpg", "origin/eye/2_0.jpg", "origin/eye/3 (1).jpg"] {
        bucket.put(&key.into(), jpeg(2).into()).await.unwrap();
    }
    server.wait();
    let status = nowhere(&["status"], home.path());
    let said = text(&status);
    assert_eq!(status.status.code(), Some(4), "{said}");
    assert!(said.contains("eye: 1 serving") && said.contains("3 (1).jpg") && !said.contains("nose"), "{said}");
    assert_eq!(server.remote(&["status"], &single).status.code(), Some(0), "the fault is of another vertical");

    for (lang, asked) in
        [("en", "name one of them with --vertical (ear, eye)"), ("ko", "--vertical 로 하나를 적어 주세요: ear, eye")]
    {
        let output = nowhere(&["verify", "--lang", lang], home.path());
        assert!(output.status.code() == Some(6) && errors(&output).contains(asked), "{}", text(&output));
    }

    // A vertical that the token may not see: it, those that it may, and whom to ask.
    let photos = home.path().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("1_0.jpg"), "no photo").unwrap();
    let no_table = home.path().join("no/such.csv");
    for words in [
        &["push", "photos", "--vertical", "nose"][..],
        &["status", "--vertical", "nose"],
        &["verify", "--vertical", "nose"],
        &["retry", "--vertical", "nose"],
        &["deliveries", "--vertical", "nose"],
        &["deliveries", "--vertical", "none"],
    ] {
        for (lang, whom) in [("en", "ask your engineers"), ("ko", "엔지니어에게")] {
            let output = nowhere(&[words, &["--lang", lang]].concat(), home.path());
            let said = text(&output);
            assert_eq!(output.status.code(), Some(6), "{words:?}: {said}");
            let vertical = format!("\"{}\"", words.last().unwrap());
            assert!(said.contains(&vertical) && said.contains("ear, eye") && said.contains(whom), "{words:?}: {said}");
            assert!(!said.contains("file.not_jpeg"), "{words:?}: it is said before the folder is checked: {said}");
        }
    }

    // A table that cannot be written is refused before anything is sent.
    fs::write(photos.join("1_0.jpg"), jpeg(1)).unwrap();
    for table in [no_table.to_str().unwrap(), photos.to_str().unwrap()] {
        let output = nowhere(&["push", "photos", "--vertical", "ear", "--csv", table], home.path());
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(errors(&output).contains(table), "{}", errors(&output));
    }
    assert_eq!(text(&nowhere(&["deliveries", "--vertical", "ear"], home.path())), "no deliveries\n");
    refused_as_sent(home.path(), &photos);
}

/// The summary of a push that was refused has the fields of one that was sent, and counts that add up.
fn refused_as_sent(home: &Path, photos: &Path) {
    for (name, content) in [("2_0.jpg", b"no photo".to_vec()), ("3_0.jpg", jpeg(3)), ("3_0.JPG", jpeg(4))] {
        fs::write(photos.join(name), content).unwrap();
    }
    fs::write(home.join("list.csv"), "cd_idx\n1\n2\n3\n9\n12a\n").unwrap();
    let push = |more: &[&str]| {
        let words = ["push", "photos", "--vertical", "ear", "--expect", "list.csv", "--json"];
        let output = nowhere(&[&words, more].concat(), home);
        let lines: Vec<Value> = left(&output).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.code(), lines)
    };
    let (code, refused) = push(&[]);
    assert_eq!(code, Some(3));
    let (_, sent) = push(&["--skip-faulty"]);
    let summary = |lines: &[Value]| lines.last().unwrap()["summary"].as_object().unwrap().clone();
    let (refused_summary, sent_summary) = (summary(&refused), summary(&sent));
    let names = |summary: &serde_json::Map<String, Value>| summary.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&refused_summary), names(&sent_summary));
    assert_eq!((&refused_summary["delivery"], &refused_summary["state"]), (&Value::Null, &"different".into()));
    for (name, value) in
        [("entities", 4), ("photos", 6), ("live", 0), ("failed", 5), ("pending", 1), ("failed_entities", 3)]
    {
        assert_eq!(refused_summary[name], value, "{name}: {refused_summary:?}");
    }
    for name in ["entities", "photos", "failed", "failed_entities"] {
        assert_eq!(refused_summary[name], sent_summary[name], "{name}: {sent_summary:?}");
    }
    let of = |code: &str| refused.iter().filter(|line| line["code"] == code).count();
    let counts = [of("file.not_jpeg"), of("name.duplicate"), of("list.missing"), of("list.unreadable")];
    assert_eq!(counts, [1, 2, 1, 1], "each that failed has a line: {refused:?}");
}

const PAGE: &str = include_str!("../../../../README.ko.md");

/// The commands of the page: lines of its blocks that begin with `cameo`, without what is behind a `#`.
fn commands_of_the_page() -> Vec<Vec<&'static str>> {
    let blocks = PAGE
        .split("```")
        .skip(1)
        .step_by(2)
        .filter(|block| block.starts_with("sh\n") || block.starts_with("console\n"));
    let lines = blocks.flat_map(str::lines).map(|line| line.trim_start_matches("$ "));
    let commands = lines.filter_map(|line| line.strip_prefix("cameo "));
    commands.map(|line| line.split('#').next().unwrap().split_whitespace().collect()).collect()
}

/// Each command of the page for operators does something for an operator at their own computer, with rights to one vertical.
#[tokio::test]
async fn every_command_of_the_operators_page_works_from_an_operators_computer() {
    let server = Running::start();
    let token = server.token("operator", &["ssgdfm_eye"]);
    let home = tempfile::tempdir().unwrap();
    let photos = home.path().join("사진폴더");
    fs::create_dir(&photos).unwrap();
    for (name, colour) in [("351518_0.jpg", 1), ("351519_0.jpg", 2), ("351530_0.JPG", 3)] {
        fs::write(photos.join(name), jpeg(colour)).unwrap();
    }
    fs::write(home.path().join("전달목록.csv"), "cd_idx\n351518\n351519\n351530\n").unwrap();
    let commands = commands_of_the_page();
    assert!(commands.len() > 10 && commands[0][0] == "login", "{commands:?}");
    let logged_in = log_in(&server.console, &token, "ko", home.path());
    assert_eq!(logged_in.status.code(), Some(0), "{}", text(&logged_in));
    let mut delivery = None;
    for words in commands.iter().filter(|words| words[0] != "login") {
        let is_delivery = |word: &str| word.starts_with("2026") && word.len() == "20261127-23x3".len();
        let words: Vec<String> = words
            .iter()
            .map(|word| match *word {
                "전달목록.xlsx" => "전달목록.csv".to_owned(),
                word if is_delivery(word) => delivery.clone().expect("a push comes before what is asked of it"),
                word => word.to_owned(),
            })
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = nowhere(&[&words, &["--lang", "ko"][..]].concat(), home.path());
        let said = text(&output);
        assert!(matches!(output.status.code(), Some(0 | 3 | 4 | 5 | 7)), "{words:?}: {:?} {said}", output.status);
        if let Some(begun) = said.lines().find_map(|line| line.strip_prefix("전달 ")?.split_once(": 파일 ")) {
            delivery = Some(begun.0.to_owned());
        }
    }
    assert!(delivery.is_some());
    assert!(!PAGE.contains("aws s3 rm"), "keys of operators only upload");
}

/// What the page says of buttons and pages of the console is what the console calls them.
#[test]
fn the_operators_page_calls_things_of_the_console_by_their_names() {
    let console = Path::new(env!("CARGO_MANIFEST_DIR")).join("../console");
    let mut words = fs::read_to_string(console.join("src/words.rs")).unwrap();
    for entry in fs::read_dir(console.join("templates")).unwrap() {
        words += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    let section = PAGE.split("### 브라우저로 하기").nth(1).unwrap().split("\n## ").next().unwrap();
    let named: Vec<&str> = section.split('‘').skip(1).map(|rest| rest.split('’').next().unwrap()).collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        let is_there = [format!("\"{name}\""), format!("\"{name}:\""), format!(">{name}<")]
            .iter()
            .any(|it| words.contains(it.as_str()))
            || words.contains(&format!("\"{name} ("));
        assert!(is_there, "{name} is nothing of the console's");
    }
}
