//! Commands from the outside, each on folders and ports of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// The built command, with an environment that holds nothing of ours.
pub(crate) fn cameo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cameo"));
    let folder = std::env::temp_dir();
    command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &folder).current_dir(folder);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json_lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A JPEG of one colour.
fn photo(folder: &Path, name: &str, width: u32, height: u32) -> PathBuf {
    let path = folder.join(name);
    let rgb = [200, 120, 40].repeat((width * height) as usize);
    fs::write(&path, cameo_image::encode_rgb(&rgb, width, height, 90)).unwrap();
    path
}

#[test]
fn explain_tells_every_reason_code_in_both_languages() {
    let output = cameo(&["explain"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!("explain", text(&output.stdout));
    let unknown = cameo(&["explain", "file.nonsense"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    insta::assert_snapshot!("explain-unknown", text(&unknown.stderr));
}

#[test]
fn render_writes_every_size_and_says_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let good = photo(folder.path(), "1_0.jpg", 800, 600);
    let out = folder.path().join("out");
    let arguments = ["render", good.to_str().unwrap(), "--out", out.to_str().unwrap(), "--json"];
    let output = cameo(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let answer = &json_lines(&output)[0];
    assert_eq!(
        (answer["state"].as_str(), answer["width"].as_u64(), answer["height"].as_u64()),
        (Some("rendered"), Some(800), Some(600))
    );
    let sizes: Vec<_> = answer["renditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            assert_eq!(fs::metadata(r["path"].as_str().unwrap()).unwrap().len(), r["bytes"].as_u64().unwrap());
            format!("{} {}x{}", r["image_size"].as_str().unwrap(), r["width"], r["height"])
        })
        .collect();
    assert_eq!(sizes, ["sq 320x320", "ve 480x640", "ho 640x360", "or 800x600"]);
}

#[test]
fn render_tells_the_reason_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let good = photo(folder.path(), "good.jpg", 64, 64);
    let (empty, text_file) = (folder.path().join("empty.jpg"), folder.path().join("text.jpg"));
    fs::write(&empty, b"").unwrap();
    fs::write(&text_file, b"no picture").unwrap();
    let files = [&empty, &text_file, &good].map(|path| path.to_str().unwrap());
    let out = folder.path().join("out");
    let output = cameo(&[&["render", "--json", "--out", out.to_str().unwrap()], &files[..]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let details: Vec<_> = json_lines(&output).iter().map(|l| l["detail"].as_str().map(str::to_owned)).collect();
    assert_eq!(details, [Some("no bytes".to_owned()), Some("the first bytes are not FF D8".to_owned()), None]);
    let told: Vec<_> = json_lines(&output).iter().map(|l| l["reason"].as_str().map(str::to_owned)).collect();
    assert_eq!(told, [Some("file.empty".to_owned()), Some("file.not_jpeg".to_owned()), None]);
    let missing = cameo(&["render", "/no/such.jpg", "--out", out.to_str().unwrap()]).output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn files_of_one_name_do_not_overwrite_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["a", "b"].map(|sub| {
        fs::create_dir(folder.path().join(sub)).unwrap();
        photo(&folder.path().join(sub), "1_0.jpg", 64, 64)
    });
    let out = folder.path().join("out");
    let arguments = ["render", names[0].to_str().unwrap(), names[1].to_str().unwrap(), "--out", out.to_str().unwrap()];
    assert_eq!(cameo(&arguments).output().unwrap().status.code(), Some(0));
    assert_eq!(fs::read_dir(&out).unwrap().count(), 8);
}

#[test]
fn demo_verifies_complete() {
    let output = cameo(&["demo", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines = json_lines(&output);
    let (summary, entities) = lines.split_last().unwrap();
    assert_eq!(entities.len(), 12);
    assert!(entities.iter().all(|entity| entity["state"] == "complete"));
    assert_eq!((&summary["summary"]["rows"], &summary["summary"]["photos"]), (&64.into(), &16.into()));
    let cell = &entities[0]["cells"][0];
    for field in ["sequence", "image_size", "original", "rendition", "row", "served", "reason"] {
        assert!(cell.get(field).is_some(), "{field} in {cell}");
    }
}

#[test]
fn demo_takes_a_folder_and_counts_what_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    photo(folder.path(), "7_0.jpg", 300, 200);
    fs::write(folder.path().join("8_0.jpg"), b"\xff\xd8\xff\xe0 not for long").unwrap();
    fs::write(folder.path().join(".DS_Store"), b"x").unwrap();
    let output = cameo(&["demo", folder.path().to_str().unwrap(), "--vertical", "shop", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    let lines = json_lines(&output);
    assert_eq!((lines[0]["state"].as_str(), lines[1]["state"].as_str()), (Some("complete"), Some("rejected")));
}

#[test]
fn what_is_misspelt_ends_with_2_and_says_what() {
    let no_data = cameo(&["verify", "--data", "/no/such/folder"]).output().unwrap();
    assert_eq!(no_data.status.code(), Some(2));
    assert!(text(&no_data.stderr).contains("/no/such/folder"));
    let variable = cameo(&["status"]).env("CAMEO_STORE_BUKCET", "x").output().unwrap();
    assert_eq!(variable.status.code(), Some(2));
    assert!(text(&variable.stderr).contains("CAMEO_STORE_BUKCET"));
    let id = cameo(&["verify", "--ids", "12,x7"]).output().unwrap();
    assert_eq!(id.status.code(), Some(2));
    assert!(text(&id.stderr).contains("--ids: line 1, column 4: \"x7\" is not a cd_idx"), "{}", text(&id.stderr));
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.csv");
    fs::write(&list, "\u{feff}name,cd_idx\nA,1\nB,b\n").unwrap();
    let id = cameo(&["status", "--ids-from", list.to_str().unwrap()]).output().unwrap();
    assert_eq!(id.status.code(), Some(2));
    assert!(text(&id.stderr).contains("line 3, column 3: \"b\" is not a cd_idx"), "{}", text(&id.stderr));
    let missing = cameo(&["status", "--ids-from", "/no/such/list"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(2), "users.md 45");
    assert_eq!(cameo(&["verify", "--vertical", "-rf"]).output().unwrap().status.code(), Some(2));
    assert_eq!(cameo(&["nonsense"]).output().unwrap().status.code(), Some(2));
}
