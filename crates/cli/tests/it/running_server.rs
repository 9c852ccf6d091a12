//! A server with its data folder, asked as commands and clients ask it: through the socket, with tokens, and by upload addresses.

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use cameo::{
    client::{
        Client, Line, Server as Address,
        wire::{
            CreatedToken, EntitiesSummary, FileToUpload, NewToken, Page, Revoked, Upload, UploadState, Uploads, Whoami,
        },
    },
    clock::{Clock, SystemClock},
    config::Config,
    local_socket,
    model::{
        error::Kind,
        token::{Role, Token, TokenSecret, Verticals},
    },
    server::accounts::open_accounts,
};
use http::Method;
use serde_json::Value;

use crate::commands::cameo;

/// A free port.
const ANY: &str = "127.0.0.1:0";
/// The MD5 of what is uploaded.
const MD5_OF_PHOTO: &str = "5ae0c1c8a5260bc7b6648f6fbd115c35";

/// A server that runs until it is ended, and where its console is.
struct Running {
    console: Option<String>,
    child: Child,
}

fn start(data: &Path, console: &str) -> Running {
    let mut command = cameo(&[
        "serve",
        "--json",
        "--no-worker",
        "--s3-listen",
        ANY,
        "--images-listen",
        "off",
        "--console-listen",
        console,
    ]);
    let command = command.arg("--data").arg(data).args(["--public-url", "https://image.example"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).expect("a server that is ready");
    Running { console: ready["console"].as_str().map(str::to_owned), child }
}

impl Running {
    fn console(&self) -> &str {
        self.console.as_deref().unwrap()
    }

    fn end(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After a failed test; one that has ended cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn new_token(name: &str, role: Role, verticals: &[&str]) -> NewToken {
    let verticals = Verticals::only_or_all(verticals.iter().map(|name| name.parse().unwrap()));
    NewToken { name: name.to_owned(), role, verticals, expires: None }
}

/// What a client is to send of a file.
fn uploads(name: &str) -> Uploads {
    let file = FileToUpload { name: name.to_owned(), size: 5, md5: MD5_OF_PHOTO.to_owned() };
    Uploads { vertical: "eye".to_owned(), files: vec![file], addresses: true }
}

async fn address_of(client: &Client, name: &str) -> Upload {
    client.post::<Page<Upload>>("/api/v1/uploads", &uploads(name)).await.unwrap().items.remove(0)
}

/// The status that a plain client is answered with.
async fn send(method: Method, url: &str, upload: &Upload, content: &'static [u8]) -> u16 {
    let mut request = reqwest::Client::new().request(method, url).body(content);
    for (name, value) in &upload.headers {
        request = request.header(name, value);
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_socket_answers_its_owner_without_a_console_and_without_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a-folder-that-lies-deep".repeat(6));
    let server = start(&data, "off");
    assert!(server.console.is_none());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join(local_socket::FILE))), (0o700, 0o600));
    let client = Client::new(&Address::InFolder(data.clone())).unwrap();
    let whoami: Whoami = client.get("/api/v1/whoami").await.unwrap();
    assert_eq!((whoami.name.as_str(), whoami.role), ("local", Role::Admin));
    assert_eq!(client.requeue(&["origin/eye/1_0.jpg".to_owned()]).await.unwrap().gone, ["origin/eye/1_0.jpg"]);
    let mut lines = client.stream(Method::GET, "/api/v1/verticals/eye/entities", None::<&()>).await.unwrap();
    let Some(Line::Summary(summary)) = lines.next().await.unwrap() else { panic!("no summary") };
    assert_eq!(serde_json::from_value::<EntitiesSummary>(summary).unwrap(), EntitiesSummary { entities: 0, photos: 0 });
    assert_eq!(lines.next().await.unwrap(), None);
    let error = client.get::<Whoami>("/api/v1/none").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Misconfigured);
    server.end();
    assert!(!data.join(local_socket::FILE).exists());
    let error = client.get::<Whoami>("/api/v1/whoami").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_client_is_told_why_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), ANY);
    let url = server.console().to_owned();
    let chief = Client::new(&Address::InFolder(folder.path().to_owned())).unwrap();
    let before: Whoami = Client::at(&url, None).unwrap().get("/api/v1/whoami").await.unwrap();
    assert_eq!(before.name, "loopback");
    let made: CreatedToken = chief.post("/api/v1/tokens", &new_token("kim", Role::Viewer, &[])).await.unwrap();
    let kim = Client::at(&url, Some(made.token.clone())).unwrap();
    assert_eq!(kim.get::<Whoami>("/api/v1/whoami").await.unwrap().id, Some(made.of.id.clone()));
    let error = Client::at(&url, None).unwrap().get::<Whoami>("/api/v1/whoami").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Denied);
    assert!(error.to_string().contains("cameo token create") && error.to_string().contains("request "), "{error}");
    let error = kim.post::<CreatedToken>("/api/v1/tokens", &new_token("x", Role::Viewer, &[])).await.unwrap_err();
    assert!(error.kind() == Kind::Denied && error.to_string().contains("needs the role admin"), "{error}");
    let error = chief.post::<CreatedToken>("/api/v1/tokens", &new_token("kim", Role::Viewer, &[])).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    chief.delete::<Revoked>("/api/v1/tokens/kim").await.unwrap();
    assert_eq!(kim.get::<Whoami>("/api/v1/whoami").await.unwrap_err().kind(), Kind::Denied, "at once");
    server.end();
}

/// The address works for what it was made for, and for nothing else: no other key, method, vertical or content.
#[tokio::test]
async fn an_upload_address_is_good_for_one_file_and_ends_with_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), ANY);
    let chief = Client::new(&Address::InFolder(folder.path().to_owned())).unwrap();
    let made: CreatedToken = chief.post("/api/v1/tokens", &new_token("kim", Role::Operator, &["eye"])).await.unwrap();
    let kim = Client::at(server.console(), Some(made.token.clone())).unwrap();
    let upload = address_of(&kim, "1_0.jpg").await;
    let url = upload.url.clone().unwrap();
    assert_eq!(upload.state, UploadState::Upload);
    for (changed, why) in [
        (url.replace("1_0.jpg", "2_0.jpg"), "another key"),
        (url.replace("/origin/eye/", "/origin/nose/"), "another vertical"),
        (url.replace("X-Amz-Expires=3600", "X-Amz-Expires=604800"), "more time"),
        (url.replace("celebtide-image-upload", "celebtide"), "another bucket"),
    ] {
        assert_eq!(send(Method::PUT, &changed, &upload, b"photo").await, 403, "{why}");
    }
    for method in [Method::GET, Method::DELETE, Method::POST] {
        assert!(send(method.clone(), &url, &upload, b"").await >= 400, "{method}");
    }
    let bare = Upload { headers: std::collections::BTreeMap::new(), ..upload.clone() };
    assert_eq!(send(Method::PUT, &url, &bare, b"photo").await, 403, "without the header that was signed");
    assert_eq!(send(Method::PUT, &url, &upload, b"other").await, 400, "another content");
    assert_eq!(send(Method::PUT, &url, &upload, b"photo").await, 200);
    assert_eq!(address_of(&kim, "1_0.jpg").await.state, UploadState::Present);
    let second = address_of(&kim, "2_0.jpg").await;
    server.end();
    // The port is another one, which the signature covers: so the keys are looked at by what a new address is made with.
    let server = start(folder.path(), ANY);
    let kim = Client::at(server.console(), Some(made.token.clone())).unwrap();
    let again = address_of(&kim, "2_0.jpg").await;
    let credential = |upload: &Upload| {
        upload.url.as_ref().unwrap().split("X-Amz-Credential=").nth(1).unwrap().split("%2F").next().unwrap().to_owned()
    };
    assert_eq!(credential(&second), credential(&again));
    assert!(credential(&again).starts_with("token.kim."));
    let revoked: Revoked =
        Client::new(&Address::InFolder(folder.path().to_owned())).unwrap().delete("/api/v1/tokens/kim").await.unwrap();
    assert_eq!(revoked.revoked, made.of.id);
    assert_eq!(send(Method::PUT, again.url.as_ref().unwrap(), &again, b"photo").await, 403, "revoked with its token");
    server.end();
}

/// With no server running the folder is locked and written, also where it was not there; the server that is started then knows the token.
#[tokio::test]
async fn a_token_made_without_a_server_opens_the_one_that_is_started_then() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Config::default();
    settings.server.data = folder.path().join("data");
    let clock = Arc::new(SystemClock);
    let accounts = open_accounts(&settings, clock.clone()).await.unwrap();
    let (secret, now) = (TokenSecret::generate(), clock.now());
    let token = Token::new("kim", Role::Viewer, Verticals::All, "local", now);
    assert!(accounts.catalog.add_token(&token, &secret.hash()).await.unwrap());
    let refused = open_accounts(&settings, clock.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("another server"), "{refused}");
    drop(accounts);
    let server = start(&settings.server.data, ANY);
    let url = server.console().to_owned();
    assert_eq!(Client::at(&url, None).unwrap().get::<Whoami>("/api/v1/whoami").await.unwrap_err().kind(), Kind::Denied);
    let kim = Client::at(&url, Some(secret.expose().to_owned())).unwrap();
    assert_eq!(kim.get::<Whoami>("/api/v1/whoami").await.unwrap().name, "kim");
    server.end();
}
