//! What people read is Korean where they ask for it or their computer is: help, errors, and nothing of what programs read.

use std::{fs, time::Duration};

use object_store::ObjectStoreExt;

use crate::{
    commands::cameo,
    korean_words::english_in,
    remote_commands::{Running, errors, jpeg},
};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_help_of_an_operator_follows_the_flag_and_the_locale() {
    let by_locale = cameo(&["push", "--help"]).env("LANG", "ko_KR.UTF-8").output().unwrap();
    let by_flag = cameo(&["push", "--help", "--lang", "ko"]).output().unwrap();
    assert_eq!((by_locale.status.code(), by_flag.status.code()), (Some(0), Some(0)));
    assert_eq!(text(&by_locale.stdout), text(&by_flag.stdout));
    insta::assert_snapshot!("help-ko-push", text(&by_flag.stdout));
    let all = cameo(&["--help"]).env("LANG", "ko_KR.UTF-8").output().unwrap();
    insta::assert_snapshot!("help-ko", text(&all.stdout));
    let over = cameo(&["--help", "--lang", "en"]).env("LANG", "ko_KR.UTF-8").output().unwrap();
    assert!(text(&over.stdout).contains("Usage:"));
}

#[test]
fn commands_of_engineers_stay_english() {
    let output = cameo(&["doctor", "--lang", "ko", "--config", "/no/such.toml"]).output().unwrap();
    let error = text(&output.stderr);
    assert!(error.starts_with("cameo: failed to ") && error.contains("/no/such.toml"), "{error}");
}

#[test]
fn a_server_that_nobody_reaches_is_explained() {
    let asked = ["status", "--server", "http://127.0.0.1:9", "--lang", "ko"];
    let output = cameo(&asked).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "the exit code is that of every language");
    let error = text(&output.stderr);
    assert!(error.starts_with("cameo: 서버에 연결할 수 없습니다.") && error.contains("http://127.0.0.1:9"), "{error}");
    let english = cameo(&asked[..3]).output().unwrap();
    assert!(text(&english.stderr).starts_with("cameo: failed to ask the server: "), "{english:?}");
}

#[test]
fn an_address_that_is_none_is_explained() {
    let output = cameo(&["login", "cameo.example.com", "--lang", "ko"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).starts_with("cameo: 서버 주소 \"cameo.example.com\" 를 읽을 수 없습니다."),
        "{output:?}"
    );
}

#[test]
fn a_command_line_that_is_wrong_is_explained_and_ends_with_2() {
    for (arguments, said) in [
        (&["push", "x", "--verticl", "v"][..], "오류: '--verticl' 은(는) 알 수 없는 인자입니다"),
        (&["push", "x"], "꼭 있어야 하는 인자가 없습니다: --vertical <V>"),
        (&["nonsense"], "'nonsense' 은(는) 없는 명령입니다"),
        (&["verify", "--ids", "1", "--ids-from", "x"], "함께 쓸 수 없습니다"),
        (&["check", "x", "--vertical", "a b"], "'a b' 은(는) 쓸 수 없는 값입니다"),
    ] {
        let output = cameo(arguments).env("LANG", "ko_KR.UTF-8").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = text(&output.stderr);
        assert!(error.contains(said) && !error.contains("error:") && !error.contains("Usage:"), "{error}");
        let english = cameo(arguments).output().unwrap();
        assert!(text(&english.stderr).starts_with("error:") && english.status.code() == Some(2), "{english:?}");
    }
}

#[test]
fn a_list_that_cannot_be_read_is_explained_with_every_place() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("목록.csv");
    std::fs::write(&list, "cd_idx,비고\n1001,\"넓은\n1002,b\n12a,c\n").unwrap();
    let arguments = ["status", "--lang", "ko", "--ids-from", list.to_str().unwrap()];
    let output = cameo(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("2번째 줄 6번째 글자") && error.contains("따옴표가 닫히지 않았습니다"), "{error}");
    assert!(error.contains("4번째 줄 1번째 글자: \"12a\" 은(는) cd_idx 가 아닙니다"), "{error}");
    let absent = cameo(&["check", "/no/such/folder", "--vertical", "v", "--lang", "ko"]).output().unwrap();
    assert!(text(&absent.stderr).contains("그런 파일이나 폴더가 없음"), "{absent:?}");
}

/// What a command of an operator writes that ends in any way but well, on standard error and standard output.
fn refused(words: &[&str], folder: &std::path::Path, code: i32) {
    let output = cameo(words).current_dir(folder).env("LANG", "ko_KR.UTF-8").env("HOME", folder).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
    let said = text(&output.stdout) + text(&output.stderr).trim_start_matches("cameo: ");
    assert!(!said.trim().is_empty(), "{words:?}");
    is_korean(words, &said);
}

/// Commands, verticals, image sizes, queues, profiles and tokens.
const NAMES: [&str; 18] = [
    "SignatureDoesNotMatch",
    "check",
    "push",
    "dismiss",
    "restore",
    "eye",
    "nose",
    "none",
    "nobody",
    "sq",
    "ve",
    "ho",
    "or",
    "default",
    "local",
    "viewer-nose",
    "mycelebs-image-upload",
    "mycelebs-image-upload-events",
];

/// No English is in what a command says, but for what was typed.
fn is_korean(words: &[&str], said: &str) {
    let mut english = english_in(said);
    let is_name = |word: &str| NAMES.contains(&word) || words.iter().any(|typed| typed.contains(word));
    // An id is of letters and digits, and now and then of letters alone.
    let is_id = |word: &str| word.len() == 12 && said.contains(&format!("({word})"));
    english.retain(|word| !is_name(word) && !is_id(word));
    assert_eq!(english, Vec::<String>::new(), "{words:?}: {said}");
}

/// Everything that an operator can be refused without a server: no English is left in it.
#[test]
fn no_refusal_has_english_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["photos", "empty", "full"] {
        fs::create_dir(at(name)).unwrap();
    }
    fs::write(at("photos/1_0.jpg"), jpeg(1)).unwrap();
    fs::write(at("full/x"), "x").unwrap();
    fs::write(at("text.zip"), "no archive").unwrap();
    fs::write(at("cut.zip"), b"PK\x03\x04 cut").unwrap();
    fs::write(at("list.xlsx"), b"PK\x03\x04 cut").unwrap();
    fs::write(at("list.xls"), b"\xD0\xCF\x11\xE0 cut").unwrap();
    fs::write(at("empty.csv"), "cd_idx\n").unwrap();
    fs::write(at("not.csv"), "cd_idx NOT IN (1, 2)\n").unwrap();
    fs::write(at("mess.csv"), "이름,cd_idx,cd_idx\na,x,7\n합계,2,\n").unwrap();
    fs::write(at("bytes.csv"), b"1\n\xff\xff\xff").unwrap();
    fs::write(at("undo.jsonl"), "no json\n").unwrap();
    let check = |words: &[&str], code| refused(&[&["check", "--vertical", "v"], words].concat(), folder.path(), code);
    check(&["nowhere"], 2);
    check(&["empty"], 2);
    check(&["text.zip"], 2);
    check(&["cut.zip"], 2);
    check(&["not.csv"], 2);
    for list in ["nowhere.csv", "photos", "list.xlsx", "list.xls", "empty.csv"] {
        check(&["photos", "--expect", list], 2);
    }
    for list in ["not.csv", "mess.csv"] {
        check(&["photos", "--expect", list], 3);
    }
    for out in ["full", "photos/in", "text.zip", "text.zip/in", "/proc/no/such"] {
        check(&["photos", "--fix", out], 2);
    }
    for csv in ["no/such.csv", "photos", "/proc/x.csv"] {
        check(&["photos", "--csv", csv], 2);
    }
    let on_nothing = |words: &[&str], code| refused(&[words, &["--data", "nodata"]].concat(), folder.path(), code);
    for words in [
        &["status"][..],
        &["verify"],
        &["reconcile"],
        &["restore", "--list"],
        &["dismiss", "x"],
        &["retry", "--ids", "1"],
    ] {
        on_nothing(words, 2);
    }
    for words in [
        &["status"][..],
        &["deliveries"],
        &["report", "20261126-k3f9"],
        &["push", "photos", "--vertical", "v"],
        &["restore", "--list"],
        &["move", "--from", "v", "--to", "w"],
    ] {
        refused(words, folder.path(), 2);
    }
    on_nothing(&["push", "photos", "--vertical", "v"], 2);
    on_nothing(&["report", "20261126-k3f9"], 2);
    on_nothing(&["deliveries"], 2);
    on_nothing(&["move", "--from", "v", "--to", "w"], 2);
    for file in ["nowhere.csv", "photos", "empty.csv", "not.csv", "mess.csv", "bytes.csv"] {
        refused(&["verify", "--ids-from", file], folder.path(), 2);
    }
    for ids in ["x", "1 two", "NOT IN (1)", "0", "a IN (1) or b IN (2)"] {
        refused(&["status", "--ids", ids], folder.path(), 2);
    }
    for words in [
        &["explain", "no.such"][..],
        &["login", "cameo.example.com"],
        &["login", "ftp://example.com"],
        &["login", "https://a:b@example.com"],
        &["status", "--server", "example"],
        &["status", "--config", "nowhere.toml"],
        &["status", "--catalog", "mysql://x/y"],
        &["status", "--endpoint-url", "http://127.0.0.1:9"],
        &["verify", "nowhere"],
        &["verify", "empty", "--vertical", "v"],
        &["verify", "20261126-day-v", "--vertical", "w"],
        &["token", "create", "--name", "한글", "--role", "viewer"],
        &["token", "create", "--name", "x", "--role", "boss"],
        &["token", "create", "--name", "x", "--role", "viewer", "--expires", "soon"],
        &["restore", "--since", "yesterday"],
        &["deliveries", "--limit", "0"],
        &["retry", "--reason", "no.such"],
        &["report", "yesterday"],
    ] {
        refused(words, folder.path(), 2);
    }
    for words in [
        &["status", "--server", "http://127.0.0.1:9"][..],
        &["report", "20261126-k3f9", "--server", "http://127.0.0.1:9"],
        &["push", "photos", "--vertical", "v", "--server", "http://127.0.0.1:9"],
        &["verify", "--server", "http://no-such-host.invalid"],
    ] {
        refused(words, folder.path(), 5);
    }
}

/// What an operator is answered by a server, about what is there and what is not.
#[tokio::test]
async fn no_answer_has_english_in_it() {
    let server = Running::start();
    let bucket = server.bucket();
    let cut = jpeg(9)[..300].to_vec();
    for (name, content) in [("1_0.jpg", jpeg(1)), ("2_0.jpg", cut), ("6.jpg", jpeg(6)), ("7_0.jpg", b"text".to_vec())] {
        bucket.put(&format!("origin/eye/{name}").into(), content.into()).await.unwrap();
    }
    server.wait();
    let (admin, viewer) = (server.token("admin", &[]), server.token("viewer", &["nose"]));
    let photos = tempfile::tempdir().unwrap();
    // Files of yesterday: the hashes of one that was just written are not remembered, and only what is known is asked of the server before
    // the folder is judged.
    for (name, colour) in [("3_0.jpg", 3), ("4.JPG", 4)] {
        let path = photos.path().join(name);
        fs::write(&path, jpeg(colour)).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        let yesterday = file.metadata().unwrap().modified().unwrap() - Duration::from_hours(24);
        file.set_modified(yesterday).unwrap();
    }
    let folder = photos.path().to_str().unwrap();
    let day = server.here(&["deliveries", "--json"]);
    let day = text(&day.stdout).split('"').find(|word| word.contains("-day-eye")).unwrap().to_owned();
    let words: [&[&str]; 22] = [
        &["status"],
        &["status", "--ids", "1,2,6,99"],
        &["status", "--vertical", "none"],
        &["status", &day],
        &["status", "20261126-aaaa"],
        &["verify"],
        &["verify", "--ids", "1,2,6,99"],
        &["verify", &day],
        &["verify", folder, "--vertical", "eye"],
        &["retry", "--ids", "2,6,99", "--dry-run"],
        &["reconcile"],
        &["deliveries"],
        &["report", &day],
        &["report", "20261126-aaaa"],
        &["report", &day, "--manifest", "/dev/null"],
        &["push", folder, "--vertical", "eye"],
        &["push", folder, "--vertical", "eye", "--skip-faulty"],
        &["push", folder, "--vertical", "eye", "--s3"],
        &["token", "list"],
        &["token", "revoke", "nobody"],
        &["token", "create", "--name", "admin-", "--role", "viewer"],
        &["retry", "--reason", "file.empty", "--vertical", "eye"],
    ];
    for words in words {
        let output = server.remote(&[words, &["--lang", "ko"]].concat(), &admin);
        let said = text(&output.stdout) + &errors(&output).replace("cameo: ", "");
        is_korean(words, &said);
    }
    for (words, token) in [
        (&["status"][..], "cameo_wrong"),
        (&["retry", "--ids", "1"], viewer.as_str()),
        (&["push", folder, "--vertical", "eye"], viewer.as_str()),
    ] {
        let output = server.remote(&[words, &["--lang", "ko"]].concat(), token);
        assert_eq!(output.status.code(), Some(6), "{words:?}");
        let said = errors(&output).replace("cameo: ", "");
        is_korean(words, &said);
    }
    let keys = |secret: &str| {
        let mut push = cameo(&["push", folder, "--vertical", "eye", "--skip-faulty", "--s3", "--lang", "ko"]);
        let id = fs::read_to_string(server.data().join("credentials.json")).unwrap();
        let id: serde_json::Value = serde_json::from_str(&id).unwrap();
        push.env("AWS_ACCESS_KEY_ID", id["access_key_id"].as_str().unwrap()).env("AWS_SECRET_ACCESS_KEY", secret);
        push.arg("--data").arg(server.data()).current_dir(photos.path()).output().unwrap()
    };
    fs::write(photos.path().join("5_0.jpg"), jpeg(5)).unwrap();
    let output = keys("wrong");
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    is_korean(&["push"], &errors(&output).replace("cameo: ", ""));
    let table = photos.path().join("t.csv");
    fs::write(&table, "\u{feff}cd_idx,순번\r\n1,0\r\n").unwrap();
    let table = table.to_str().unwrap();
    for words in [
        &["dismiss", "--ids", "2,6,99", "--dry-run"][..],
        &["dismiss", "--ids", "6"],
        &["restore", "--list"],
        &["restore", "--list", "--ids", "6,98"],
        &["restore", "--ids", "6"],
        &["move", "--from", "eye", "--to", "nose", "--ids", "1,99"],
        &["move", "--from", "eye", "--to", "eye"],
        &["move", "--undo", "/no/such.jsonl"],
        &["move", "--undo", table],
        &["move", "--from", "none", "--to", "nose"],
        &["move", "--from", "eye", "--to", "eyes"],
        &["move", "--from", "eye", "--to", "nose", "--apply", "--save", "/no/such/saved.jsonl"],
        &["deliveries", "--vertical", "none"],
        &["restore", "--list", "--vertical", "none"],
        &["account", "list"],
        &["account", "reset", "nobody"],
    ] {
        let output = server.here(&[words, &["--lang", "ko"]].concat());
        let said = text(&output.stdout) + &errors(&output).replace("cameo: ", "");
        is_korean(words, &said);
    }
}
