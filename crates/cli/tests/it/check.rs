//! `cameo check` from the outside: what it prints in both languages and to programs, what it writes, and how it ends.

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::{Value, json};

use crate::commands::cameo;

/// A JPEG of one colour.
fn photo(colour: u8) -> Vec<u8> {
    cameo_image::encode_rgb(&[colour, 120, 40].repeat(800 * 640), 800, 640, 90)
}

/// A folder with a fault of each kind, and a list of what was promised.
fn faulty_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir_all(photos.join("sub")).unwrap();
    let whole = photo(1);
    for (name, content) in [
        ("1_0.jpg", photo(10)),
        ("2_0.JPG", photo(20)),
        ("3_0.jpg", whole[..whole.len() / 2].to_vec()),
        ("4_1.jpg", photo(40)),
        ("5_0.jpg", photo(10)),
        ("6_0.jpg", photo(60)),
        ("6_0 (1).jpg", photo(67)),
        ("７_0.jpg", photo(70)),
        ("sub/8_0.jpg", photo(80)),
        ("=9+1.txt", b"x".to_vec()),
        ("10_0.jpg", cameo_image::encode_rgb(&[9; 50 * 50 * 3], 50, 50, 90)),
        (".DS_Store", b"x".to_vec()),
    ] {
        fs::write(photos.join(name), content).unwrap();
    }
    fs::write(folder.path().join("list.csv"), "번호\n1\n2\n3\n4\n5\n6\n7\n8\n10\n11\n열둘\n").unwrap();
    folder
}

fn check(folder: &Path, more: &[&str]) -> Output {
    let arguments = [&["check", "photos", "--vertical", "ssgdfm_eye"], more].concat();
    cameo(&arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json_lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn people_read_it_in_their_language() {
    let folder = faulty_folder();
    let english = check(folder.path(), &["--expect", "list.csv"]);
    assert_eq!(english.status.code(), Some(3), "{}", text(&english.stderr));
    insta::assert_snapshot!("check-en", text(&english.stdout));
    let korean = check(folder.path(), &["--expect", "list.csv", "--lang", "ko"]);
    insta::assert_snapshot!("check-ko", text(&korean.stdout));
    let mut by_locale = cameo(&["check", "photos", "--vertical", "ssgdfm_eye", "--expect", "list.csv"]);
    let by_locale = by_locale.current_dir(folder.path()).env("LANG", "ko_KR.UTF-8").output().unwrap();
    assert_eq!(by_locale.stdout, korean.stdout);
}

#[test]
fn programs_read_english_whatever_the_locale() {
    let folder = faulty_folder();
    let output = check(folder.path(), &["--json", "--lang", "ko", "--expect", "list.csv"]);
    assert_eq!(output.status.code(), Some(3));
    insta::assert_snapshot!("check-json", text(&output.stdout));
    let lines = json_lines(&output);
    let (summary, findings) = lines.split_last().unwrap();
    let keys: Vec<_> = findings[0].as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = ["file", "code", "severity", "cd_idx", "sequence", "detail", "related", "fix"];
    expected.sort_unstable();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(summary["summary"]["files"], json!(11));
    assert_eq!(summary["summary"]["ready"], json!(4));
}

#[test]
fn a_clean_folder_is_0_and_so_are_warnings() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("1_0.jpg"), photo(1)).unwrap();
    let clean = check(folder.path(), &["--json"]);
    assert_eq!(clean.status.code(), Some(0));
    let counts = json!({"files": 1, "ready": 1, "errors": 0, "warnings": 0, "ignored": 0, "entities": 1});
    assert_eq!(json_lines(&clean), [json!({ "summary": counts })]);
    fs::write(photos.join("2_0.jpg"), photo(1)).unwrap();
    let warned = check(folder.path(), &["--json"]);
    assert_eq!(warned.status.code(), Some(0));
    assert_eq!(json_lines(&warned)[0]["code"], json!("file.duplicate_content"));
}

#[test]
fn a_spreadsheet_gets_what_it_can_open() {
    let folder = faulty_folder();
    let path = folder.path().join("findings.csv");
    fs::write(&path, "older").unwrap();
    let output = check(folder.path(), &["--csv", "findings.csv", "--lang", "ko"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let csv = text(&fs::read(&path).unwrap());
    assert!(csv.starts_with("\u{feff}파일,코드,구분,"), "{csv}");
    assert!(csv.contains("\r\n'=9+1.txt,name.unparseable,오류,,,"), "{csv}");
    let nowhere = check(folder.path(), &["--csv", "no/such/folder.csv"]);
    assert_eq!(nowhere.status.code(), Some(2));
}

#[test]
fn what_is_unambiguous_is_copied_and_nothing_else_is_touched() {
    let folder = faulty_folder();
    let before = fs::read_dir(folder.path().join("photos")).unwrap().count();
    let output = check(folder.path(), &["--fix", "fixed", "--json"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let last = json_lines(&output).pop().unwrap();
    assert_eq!(last["fixed"]["copied"], json!(7));
    let renamed = json!([{"file": "2_0.JPG", "to": "2_0.jpg"}, {"file": "sub/8_0.jpg", "to": "8_0.jpg"}, {"file": "７_0.jpg", "to": "7_0.jpg"}]);
    assert_eq!(last["fixed"]["renamed"], renamed);
    assert_eq!(last["fixed"]["left"], json!(["3_0.jpg", "6_0 (1).jpg", "6_0.jpg", "=9+1.txt"]));
    assert_eq!(fs::read_dir(folder.path().join("photos")).unwrap().count(), before);
    assert_eq!(fs::read_dir(folder.path().join("fixed")).unwrap().count(), 7);
    assert_eq!(check(folder.path(), &["--fix", "fixed"]).status.code(), Some(2), "never over an existing file");
}

#[test]
fn what_is_misspelt_ends_with_2() {
    let folder = faulty_folder();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for (arguments, said) in [
        (&["check", "nowhere", "--vertical", "v"][..], "nowhere"),
        (&["check", "empty", "--vertical", "v"], "no files"),
        (&["check", "list.csv", "--vertical", "v"], "must be a folder or a .zip"),
        (&["check", "photos"], "--vertical"),
        (&["check", "photos", "--vertical", "v", "--lang", "fr"], "ko, en"),
        (&["check", "photos", "--vertical", "v", "--expect", "nowhere.csv"], "nowhere.csv"),
    ] {
        let output = cameo(arguments).current_dir(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
}

/// Ctrl-C in the middle of much work ends it with the documented code, and leaves no half a file.
#[test]
fn ctrl_c_ends_it_with_130() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    let large = cameo_image::encode_rgb(&[7, 120, 40].repeat(6000 * 4000), 6000, 4000, 90);
    fs::write(photos.join("1_0.jpg"), large).unwrap();
    for n in 2..2000 {
        fs::hard_link(photos.join("1_0.jpg"), photos.join(format!("{n}_0.jpg"))).unwrap();
    }
    let mut child = cameo(&["check", "photos", "--vertical", "v", "--csv", "findings.csv"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It listens before it opens the first photo.
    let pid = child.id();
    while !opened(pid, &photos) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was interrupted");
        std::thread::yield_now();
    }
    assert!(std::process::Command::new("kill").args(["-INT", &pid.to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!folder.path().join("findings.csv").exists());
}

/// Whether a process has a file of a folder open.
fn opened(pid: u32, folder: &Path) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(folder)))
}
