//! What people read is Korean where they ask for it or their computer is: help, errors, and nothing of what programs read.

use crate::commands::cameo;

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
