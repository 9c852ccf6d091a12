//! `verify`, `status`, `retry` and `reconcile` beside the data folder and through `--server` with a token, from a folder that knows nothing
//! of the server: the same output and the same exit codes.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use cameo::{
    proof::{
        deliveries::{DeliveredFile, NewRecord, Record},
        delivery::DeliveryFolder,
    },
    server::data_folder::Credentials,
};
use jiff::Timestamp;
use object_store::{
    ObjectStoreExt,
    aws::{AmazonS3, AmazonS3Builder},
};
use serde_json::Value;

use crate::commands::cameo;

/// A free port.
const ANY: &str = "127.0.0.1:0";
/// Looks at whether everything is registered, at most; each is a command, which takes its time.
const LOOKS_MAX: usize = 2000;
const EXIT_PENDING: i32 = 5;

/// A server that renders and registers, on a folder of its own.
pub(crate) struct Running {
    folder: tempfile::TempDir,
    pub(crate) desk: tempfile::TempDir,
    pub(crate) s3: String,
    pub(crate) images: String,
    pub(crate) console: String,
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
}

impl Running {
    pub(crate) fn start() -> Self {
        let (folder, desk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let listen = ["--s3-listen", ANY, "--images-listen", ANY, "--console-listen", ANY];
        let mut command = cameo(&[&["serve", "--json"], &listen[..]].concat());
        let command =
            command.arg("--data").arg(folder.path().join("data")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).expect("a server that is ready");
        let url = |name: &str| ready[name].as_str().unwrap().to_owned();
        let (s3, images, console) = (url("s3"), url("images"), url("console"));
        Self { folder, desk, s3, images, console, child }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn bucket(&self) -> AmazonS3 {
        cameo::tls::install_crypto_provider();
        let credentials = fs::read(self.data().join("credentials.json")).unwrap();
        let credentials: Credentials = serde_json::from_slice(&credentials).unwrap();
        let builder = AmazonS3Builder::new().with_endpoint(&self.s3).with_allow_http(true).with_region("us-east-1");
        let builder = builder.with_bucket_name("celebtide-image-upload");
        let keys = builder.with_access_key_id(credentials.access_key_id);
        keys.with_secret_access_key(credentials.secret_access_key).build().unwrap()
    }

    pub(crate) fn token(&self, role: &str, verticals: &[&str]) -> String {
        let name = format!("{role}-{}", verticals.join("-"));
        let mut command = cameo(&["token", "create", "--json", "--role", role, "--name", &name]);
        for vertical in verticals {
            command.args(["--vertical", vertical]);
        }
        let made: Value =
            serde_json::from_slice(&command.arg("--data").arg(self.data()).output().unwrap().stdout).unwrap();
        made["token"].as_str().unwrap().to_owned()
    }

    /// Beside the data folder.
    pub(crate) fn here(&self, words: &[&str]) -> Output {
        cameo(words).arg("--data").arg(self.data()).output().unwrap()
    }

    /// From a folder elsewhere.
    pub(crate) fn remote(&self, words: &[&str], token: &str) -> Output {
        let mut command = cameo(words);
        let command = command.current_dir(self.desk.path()).env("HOME", self.desk.path()).env("CAMEO_TOKEN", token);
        command.args(["--server", &self.console]).output().unwrap()
    }

    /// What both leave, which is the same.
    pub(crate) fn both(&self, words: &[&str], token: &str) -> Left {
        let (here, remote) = (self.here(words), self.remote(words, token));
        assert_eq!(left(&here), left(&remote), "{words:?}: {} | {}", errors(&here), errors(&remote));
        left(&here)
    }

    pub(crate) fn wait(&self) {
        let looks = (0..LOOKS_MAX).map(|_| self.here(&["status"]).status.code());
        assert!(looks.into_iter().any(|code| code != Some(EXIT_PENDING)), "it never became quiet");
    }
}

pub(crate) fn left(output: &Output) -> Left {
    Left { code: output.status.code(), stdout: String::from_utf8(output.stdout.clone()).unwrap() }
}

pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn jpeg(colour: u8) -> Vec<u8> {
    cameo_image::encode_rgb(&[colour, 120, 40].repeat(64 * 64), 64, 64, 90)
}

/// A good photo, one that is cut off, and one that never arrives; their record, and the folder that they are in.
async fn hand_over(server: &Running, folder: &Path) -> Record {
    let bucket = server.bucket();
    let cut = jpeg(9)[..300].to_vec();
    let files = [("1_0.jpg", jpeg(1)), ("2_0.jpg", cut), ("3_0.jpg", jpeg(3))];
    for (name, content) in &files {
        fs::write(folder.join(name), content).unwrap();
        if *name != "3_0.jpg" {
            bucket.put(&format!("origin/eye/{name}").into(), content.clone().into()).await.unwrap();
        }
    }
    bucket.put(&"origin/nose/7_0.jpg".into(), jpeg(7).into()).await.unwrap();
    let (id, vertical) = ("20261126-k3f9".parse().unwrap(), "eye".parse().unwrap());
    let originals = DeliveryFolder::of_folder(folder, &vertical).unwrap().to_verify().unwrap().originals;
    let files = originals.into_iter().map(|(photo, handed_over)| DeliveredFile {
        name: photo.file_name(),
        size: handed_over.size,
        md5: handed_over.md5,
        sha256: "b".repeat(64),
    });
    let content = NewRecord { by: "kim".into(), files: files.collect(), ..NewRecord::default() };
    let record = Record { version: 1, id, vertical, created: Timestamp::UNIX_EPOCH, content };
    bucket.put(&record.key().key().into(), record.to_json().unwrap().into()).await.unwrap();
    record
}

#[tokio::test]
async fn commands_answer_from_elsewhere_as_beside_the_data_folder() {
    let server = Running::start();
    let photos = tempfile::tempdir().unwrap();
    let record = hand_over(&server, photos.path()).await;
    fs::write(photos.path().join("4 (1).jpg"), b"x").unwrap();
    server.wait();
    let (viewer, admin) = (server.token("viewer", &[]), server.token("admin", &[]));
    let (delivery, folder) = (record.id.to_string(), photos.path().to_str().unwrap().to_owned());
    let list = photos.path().join("list.txt");
    fs::write(&list, "cd_idx\n1\n2\n99\n").unwrap();
    for (words, code) in [
        (&["verify"][..], 4),
        (&["verify", "--all"], 4),
        (&["verify", "--vertical", "eye", "--deep"], 4),
        (&["verify", "--vertical", "nose"], 0),
        (&["verify", "--vertical", "eyee"], 7),
        (&["verify", "--ids", "1,99"], 7),
        (&["verify", "--ids-from", list.to_str().unwrap()], 7),
        (&["verify", "--sample", "2", "--seed", "7"], 4),
        (&["verify", &folder, "--vertical", "eye"], 7),
        (&["verify", &delivery], 7),
        (&["verify", "eye/20261126-k3f9", "--all"], 7),
        (&["verify", "20261126-aaaa"], 7),
        (&["status"], 4),
        (&["status", "--vertical", "eye"], 4),
        (&["status", "--ids", "1,99"], 7),
        (&["status", &delivery], 7),
        (&["status", &delivery, "--all"], 7),
        (&["status", "20200101-day-eye"], 7),
        (&["retry", "--vertical", "eye", "--dry-run"], 0),
        (&["retry", &delivery, "--dry-run"], 0),
        (&["retry", "--ids", "99"], 7),
        (&["dismiss", "--vertical", "eye", "--dry-run"], 0),
        (&["dismiss", "--vertical", "eyee"], 7),
        (&["dismiss", "--ids", "1,99", "--dry-run"], 7),
        (&["dismiss", "origin/eye/4 (1).jpg", "--dry-run"], 7),
        (&["dismiss", "--delivery", &delivery, "--dry-run"], 0),
        (&["dismiss", "--delivery", "20261126-aaaa"], 7),
        (&["restore", "--list"], 0),
        (&["restore", "--vertical", "nose", "--dry-run"], 7),
        (&["restore", "--vertical", "eyee"], 7),
        (&["restore", "--ids", "1,99", "--dry-run"], 7),
        (&["restore", "origin/eye/1_0.jpg"], 7),
        (&["move", "--from", "eye", "--to", "nose"], 5),
        (&["move", "--from", "eye", "--to", "nose", "--ids", "1,99"], 7),
        (&["move", "--from", "eyee", "--to", "nose"], 7),
        (&["move", "--from", "eye", "--to", "nose", "--delivery", &delivery], 5),
        (&["move", "--from", "eye", "--to", "nose", "--delivery", "20261126-aaaa"], 7),
        (&["reconcile"], 4),
        (&["reconcile", "--vertical", "none"], 7),
    ] {
        let looks = ["verify", "status"].contains(&words[0]);
        let token = if looks { &viewer } else { &admin };
        assert_eq!(server.both(words, token).code, Some(code), "{words:?}");
        let as_json = server.both(&[words, &["--json"]].concat(), token);
        assert_eq!(as_json.code, Some(code), "{words:?} --json");
        let objects: Vec<Value> = as_json.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!objects.is_empty(), "{words:?} --json");
    }
    let text = server.both(&["status", &delivery], &viewer).stdout;
    assert!(text.contains("2_0.jpg: rejected: file.") && text.contains("3_0.jpg: missing"), "{text}");
    repaired_from_elsewhere(&server, &admin).await;
    let operator = server.token("operator", &["eye", "nose"]);
    moved_from_elsewhere(&server, &operator);
    refused_from_elsewhere(&server, &viewer);
}

/// What a command changes from elsewhere, it has changed.
async fn repaired_from_elsewhere(server: &Running, admin: &str) {
    server.bucket().delete(&"origin/nose/7_0.jpg".into()).await.unwrap();
    server.bucket().put(&"origin/nose/8_0.jpg".into(), jpeg(8).into()).await.unwrap();
    server.wait();
    let retried = server.remote(&["retry", "--vertical", "eye"], admin);
    assert_eq!(left(&retried).code, Some(5), "{}", errors(&retried));
    assert!(left(&retried).stdout.contains("origin/eye/2_0.jpg: sent through the flow again"));
    server.wait();
    let audit = fs::read_to_string(server.data().join("audit/audit.jsonl")).unwrap();
    let line = audit.lines().find(|line| line.contains("/api/v1/retry")).expect("a line of the audit trail");
    assert!(line.contains("origin/eye/2_0.jpg") && line.contains("\"actor\":\"admin-\""), "{line}");
    let applied = server.remote(&["reconcile", "--apply"], admin);
    assert_eq!(left(&applied).code, Some(4), "{} {}", left(&applied).stdout, errors(&applied));
}

/// What belongs elsewhere, what is settled and what comes back, from another computer by who may upload.
fn moved_from_elsewhere(server: &Running, operator: &str) {
    let ended = |words: &[&str], code: i32| {
        let output = server.remote(words, operator);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {} {}", left(&output).stdout, errors(&output));
        server.wait();
        left(&output).stdout
    };
    let moved = ended(&["move", "--from", "eye", "--to", "nose", "--ids", "1", "--apply"], 0);
    assert!(moved.contains("1 photos: 1 moved"), "{moved}");
    let file = server.desk.path().join("cameo-move-eye-nose.jsonl");
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(written, "{\"from\":\"origin/eye/1_0.jpg\",\"to\":\"origin/nose/1_0.jpg\"}\n");
    ended(&["status", "--vertical", "nose", "--ids", "1"], 0);
    ended(&["move", "--undo", file.to_str().unwrap(), "--apply"], 0);
    ended(&["status", "--vertical", "eye", "--ids", "1"], 0);
    let settled = ended(&["dismiss", "--vertical", "eye", "--ids", "2", "--note", "sold"], 0);
    assert!(settled.contains("1 dismissed"), "{settled}");
    let back = ended(&["restore", "--vertical", "eye", "origin/eye/2_0.jpg"], 5);
    assert!(back.contains("1 restored"), "{back}");
    let audit = fs::read_to_string(server.data().join("audit/audit.jsonl")).unwrap();
    let noted = audit.lines().find(|line| line.contains("/api/v1/dismiss")).expect("a line of the audit trail");
    assert!(noted.contains("origin/eye/2_0.jpg") && noted.contains("\"note\":\"sold\""), "{noted}");
    assert!(audit.lines().any(|line| line.contains("/api/v1/move") && line.contains("origin/nose/1_0.jpg")), "{audit}");
}

/// Who may not is told so, with the exit code of credentials, and nobody needs more than the address.
fn refused_from_elsewhere(server: &Running, viewer: &str) {
    for (words, token, code, why) in [
        (&["retry", "--vertical", "eye"][..], viewer, 6, "needs the role operator"),
        (&["reconcile"], viewer, 6, "needs the role admin"),
        (&["dismiss", "--vertical", "eye"], viewer, 6, "needs the role operator"),
        (&["restore", "--list"], viewer, 6, "needs the role operator"),
        (&["move", "--from", "eye", "--to", "nose"], viewer, 6, "needs the role operator"),
        (&["status"], "cameo_wrong", 6, ""),
        (&["verify", "--vertical", "eye", "20261126-day-nose"], viewer, 2, "not of the vertical eye"),
        (&["verify", "./photos"], viewer, 2, "--vertical"),
        (&["status", "yesterday"], viewer, 2, "is not the id of a delivery"),
    ] {
        let output = server.remote(words, token);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", errors(&output));
        assert!(errors(&output).contains(why), "{words:?}: {}", errors(&output));
    }
    // Nothing goes where somebody may not look, nor comes from there.
    let of_eye = server.token("operator", &["eye"]);
    for words in [
        &["move", "--from", "eye", "--to", "nose"][..],
        &["move", "--from", "nose", "--to", "eye"],
        &["restore", "--vertical", "nose"],
        &["dismiss", "--vertical", "nose"],
    ] {
        let output = server.remote(words, &of_eye);
        assert!(!output.status.success() && errors(&output).contains("nose"), "{words:?}: {output:?}");
    }
    let eye = server.token("viewer", &["eye"]);
    let own = server.remote(&["status"], &eye);
    assert!(own.status.code() == Some(4) && !left(&own).stdout.contains("nose"), "{own:?}");
    let mut ended = Command::new("kill");
    assert!(ended.arg(server.child.id().to_string()).status().unwrap().success());
}
