//! The S3 endpoint from the outside, by hand: what it lets in, what it refuses, and how it holds its limits.
//!
//! Real clients are checked in `e2e/clients`; here are the requests that no proper client sends.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

mod answers;

use super::*;
use crate::{
    clock::{Clock, SystemClock},
    db::Sqlite,
    queue::sqlite::SqliteQueue,
    serve::AuditTrail,
    store::{Store, embedded::EmbeddedOptions},
};

const BUCKET: &str = "uploads";

struct Server {
    folder: TempDir,
    address: String,
    store: Embedded,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<io::Result<()>>,
}

async fn server_with(limits: S3Limits, keys: Vec<AccessKey>) -> Server {
    server_of(limits, keys, Cors::default()).await
}

async fn server_of(limits: S3Limits, keys: Vec<AccessKey>, cors: Cors) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    write_keys(&path, &keys);
    let db = Sqlite::open(&folder.path().join("cameo.db")).await.unwrap();
    let events = SqliteQueue::new(db.clone(), "events", 5, Arc::new(SystemClock));
    let options = EmbeddedOptions::new(BUCKET, "images", events);
    let store = Embedded::open(folder.path(), db, Arc::new(SystemClock), options).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let keys = Arc::new(KeyRing::from_file(&path).unwrap());
    let watch = Watch::new(Arc::new(SystemClock), AuditTrail::off());
    let domains = vec!["s3.example.com".to_owned()];
    let endpoint = S3Endpoint { store: store.clone(), keys, limits, domains, cors, watch };
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(serve(listener, endpoint, async { drop(stopped.await) }));
    Server { folder, address, store, stop: Some(stop), running }
}

async fn server(limits: S3Limits) -> Server {
    server_with(limits, vec![AccessKey::all("id", "secret-1")]).await
}

fn write_keys(path: &std::path::Path, keys: &[AccessKey]) {
    fs::write(path, key_file(keys).unwrap()).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A request to be signed.
#[derive(Clone)]
struct Ask {
    key: (&'static str, &'static str),
    method: &'static str,
    path: String,
    query: &'static str,
    body: &'static [u8],
    headers: Vec<(&'static str, String)>,
    age: Duration,
}

fn ask(method: &'static str, path: &str) -> Ask {
    let (key, path) = (("id", "secret-1"), path.to_owned());
    Ask { key, method, path, query: "", body: b"", headers: Vec::new(), age: Duration::ZERO }
}

impl Ask {
    fn body(self, body: &'static [u8]) -> Self {
        Self { body, ..self }
    }

    fn by(self, id: &'static str) -> Self {
        Self { key: (id, "secret-1"), ..self }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The head of the request, signed for a body of which only the length is told.
    fn head(&self, address: &str) -> String {
        let at = SystemClock.now().checked_sub(self.age).unwrap();
        let (date, time) = (at.strftime("%Y%m%d").to_string(), at.strftime("%Y%m%dT%H%M%SZ").to_string());
        let mut headers = self.headers.clone();
        headers.push(("host", address.to_owned()));
        headers.push(("x-amz-content-sha256", "UNSIGNED-PAYLOAD".to_owned()));
        headers.push(("x-amz-date", time.clone()));
        headers.sort();
        let lines = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect::<Vec<_>>().concat();
        let signed = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let Self { method, path, query, .. } = self;
        let canonical_query =
            if query.is_empty() || query.contains('=') { (*query).to_owned() } else { format!("{query}=") };
        let canonical = format!("{method}\n{path}\n{canonical_query}\n{lines}\n{signed}\nUNSIGNED-PAYLOAD");
        let scope = format!("{date}/us-east-1/s3/aws4_request");
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
        let key = [date.as_str(), "us-east-1", "s3", "aws4_request"];
        let key = key.iter().fold(format!("AWS4{}", self.key.1).into_bytes(), |key, part| hmac(&key, part.as_bytes()));
        let signature = hex::encode(hmac(&key, to_sign.as_bytes()));
        let id = self.key.0;
        let target = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
        let sent = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
        format!(
            "{method} {target} HTTP/1.1\r\n{sent}content-length: {}\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}\r\n",
            self.body.len()
        )
    }
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64, "longer keys would have to be hashed");
    let padded = |pad: u8| -> Vec<u8> { (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ pad).collect() };
    let inner = Sha256::digest([padded(0x36), message.to_vec()].concat());
    Sha256::digest([padded(0x5c), inner.to_vec()].concat()).to_vec()
}

/// An answer as text: small ones only.
struct Answer(String);

impl Answer {
    fn status(&self) -> u16 {
        self.0.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    fn code(&self) -> &str {
        self.0.split("<Code>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or("")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap_or_default();
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// Sends a request on a connection of its own, and reads the answer to the end.
    async fn answer(&self, ask: Ask) -> Answer {
        let mut stream = self.connect().await;
        let head = format!("{}connection: close\r\n\r\n", ask.head(&self.address));
        stream.write_all(&[head.as_bytes(), ask.body].concat()).await.unwrap();
        read_to_end(stream).await
    }

    async fn put(&self, key: &str, body: &'static [u8]) {
        assert_eq!(self.answer(ask("PUT", &format!("/{BUCKET}/{key}")).body(body)).await.status(), 200);
    }

    async fn content(&self, key: &str) -> Option<Vec<u8>> {
        self.store.get(BUCKET, key, 1000).await.unwrap().map(|object| object.body.to_vec())
    }
}

async fn read_to_end(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A reset after the answer is an end too.
    let _ = stream.read_to_end(&mut bytes).await;
    Answer(String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn signed_requests_are_let_in_and_no_others() {
    let server = server(S3Limits::default()).await;
    server.put("k", b"content").await;
    assert_eq!(server.answer(ask("GET", "/uploads/k")).await.body(), "content");
    let refused = |ask: Ask| async { server.answer(ask).await.code().to_owned() };
    assert_eq!(refused(Ask { key: ("id", "wrong"), ..ask("GET", "/uploads/k") }).await, "SignatureDoesNotMatch");
    assert_eq!(refused(Ask { key: ("other", "secret-1"), ..ask("GET", "/uploads/k") }).await, "InvalidAccessKeyId");
    let old = Ask { age: Duration::from_mins(16), ..ask("GET", "/uploads/k") };
    assert_eq!(refused(old).await, "RequestTimeTooSkewed");
    let mut stream = server.connect().await;
    stream.write_all(b"GET /uploads/k HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    assert_eq!(read_to_end(stream).await.code(), "AccessDenied");
}

#[tokio::test]
async fn errors_tell_the_id_of_the_request() {
    let server = server(S3Limits::default()).await;
    let answer = server.answer(ask("GET", "/uploads/absent")).await;
    assert_eq!((answer.status(), answer.code()), (404, "NoSuchKey"));
    let id = answer.0.split("x-amz-request-id: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
    assert!(answer.body().contains(&format!("<RequestId>{id}</RequestId>")), "{}", answer.0);
}

#[tokio::test]
async fn rights_are_held_by_prefix_and_action() {
    let grant = |prefix: &str, rights| Grant { bucket: BUCKET.into(), prefix: prefix.into(), rights };
    let key = |id: &str, grants| AccessKey::with(id, "secret-1", grants);
    let keys = vec![
        AccessKey::all("id", "secret-1"),
        key("uploader", vec![grant("origin/eye/", Rights::Upload)]),
        key("reader", vec![grant("", Rights::Read)]),
    ];
    let server = server_with(S3Limits::default(), keys).await;
    let status = |ask: Ask| async { server.answer(ask).await.status() };
    let (mine, others) = ("/uploads/origin/eye/1_0.jpg", "/uploads/origin/shop/1_0.jpg");
    assert_eq!(status(ask("PUT", mine).by("uploader").body(b"x")).await, 200);
    assert_eq!(status(ask("PUT", others).by("uploader").body(b"x")).await, 403);
    assert_eq!(status(ask("GET", mine).by("uploader")).await, 403);
    assert_eq!(status(ask("DELETE", mine).by("uploader")).await, 403);
    assert_eq!(status(ask("GET", "/uploads").by("uploader")).await, 403);
    assert_eq!(status(ask("GET", mine).by("reader")).await, 200);
    assert_eq!(status(ask("GET", "/uploads").by("reader")).await, 200);
    assert_eq!(status(ask("PUT", mine).by("reader").body(b"y")).await, 403);
    server.put("origin/shop/secret", b"hidden").await;
    let copy =
        ask("PUT", "/uploads/origin/eye/copy").by("uploader").header("x-amz-copy-source", "uploads/origin/shop/secret");
    assert_eq!(status(copy).await, 403, "who may not read it may not copy it either");
    let list = server.answer(ask("GET", "/").by("reader")).await;
    assert!(list.body().contains("uploads") && !list.body().contains("images"), "{}", list.0);
}

#[tokio::test]
async fn keys_are_rotated_without_a_restart() {
    let server = server(S3Limits::default()).await;
    server.put("k", b"x").await;
    write_keys(&server.folder.path().join("keys.toml"), &[AccessKey::all("newer", "secret-1")]);
    assert_eq!(server.answer(ask("GET", "/uploads/k")).await.code(), "InvalidAccessKeyId");
    assert_eq!(server.answer(ask("GET", "/uploads/k").by("newer")).await.status(), 200);
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let limits = S3Limits { object_max_bytes: 10, metadata_max_bytes: 10, ..S3Limits::default() };
    let server = server(limits).await;
    server.put("k", b"kept").await;
    let refused = |ask: Ask| async { server.answer(ask).await.code().to_owned() };
    let put = || ask("PUT", "/uploads/k").body(b"12345678");
    assert_eq!(refused(put().body(b"12345678901")).await, "EntityTooLarge");
    assert_eq!(refused(put().header("content-md5", "dV+FxXCkxBYYkrskZOZMpQ==")).await, "BadDigest");
    assert_eq!(refused(put().header("x-amz-checksum-crc32", "AAAAAA==")).await, "BadDigest");
    assert_eq!(refused(put().header("x-amz-meta-name", "much too long")).await, "MetadataTooLarge");
    assert_eq!(refused(put().header("x-amz-server-side-encryption", "AES256")).await, "NotImplemented");
    assert_eq!(refused(put().header("if-match", "\"other\"")).await, "PreconditionFailed");
    assert_eq!(server.content("k").await.unwrap(), b"kept");
    assert_eq!(fs::read_dir(server.folder.path().join("tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn keys_that_no_client_may_use_are_refused() {
    let server = server(S3Limits::default()).await;
    let refused = |path: String| async move { path };
    for (path, code) in [
        ("/uploads/a%00b".to_owned(), "InvalidURI"),
        ("/uploads/../../../../tmp/1_0.jpg".to_owned(), "InvalidURI"),
        (format!("/uploads/{}", "k".repeat(1025)), "KeyTooLongError"),
    ] {
        let answer = server.answer(ask("PUT", &refused(path).await).body(b"x")).await;
        assert_eq!((answer.status(), answer.code()), (400, code));
    }
    server.put(&"k".repeat(1024), b"x").await;
}

#[tokio::test]
async fn texts_and_headers_have_limits() {
    let limits = S3Limits { xml_max_bytes: 20, headers_max: 12, delete_max: 1, ..S3Limits::default() };
    let server = server(limits).await;
    let xml =
        Ask { query: "delete", ..ask("POST", "/uploads").body(b"<Delete><Object><Key>k</Key></Object></Delete>") };
    assert_eq!(server.answer(xml).await.code(), "MaxMessageLengthExceeded");
    let many = (0..12).fold(ask("GET", "/uploads/k"), |ask, _| ask.header("x-other", "1"));
    assert_eq!(server.answer(many).await.status(), 431);
}

#[tokio::test]
async fn an_empty_body_that_waits_to_be_asked_for_closes_the_connection() {
    let server = server(S3Limits::default()).await;
    let mut stream = server.connect().await;
    let head = format!("{}expect: 100-continue\r\n\r\n", ask("PUT", "/uploads/empty").head(&server.address));
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_to_end(stream).await;
    assert_eq!(answer.status(), 200, "{}", answer.0);
    assert!(answer.0.contains("connection: close"), "{}", answer.0);
    assert_eq!(server.content("empty").await.unwrap(), b"");
}

/// Waits for the `100` that tells that the body is being read.
async fn begin(server: &Server, ask: &Ask) -> TcpStream {
    let mut stream = server.connect().await;
    let head = format!("{}expect: 100-continue\r\nconnection: close\r\n\r\n", ask.head(&server.address));
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn more_bytes_in_flight_than_allowed_are_told_to_slow_down() {
    let server = server(S3Limits { in_flight_max_bytes: 1024, ..S3Limits::default() }).await;
    let put = ask("PUT", "/uploads/first").body(b"12345");
    let mut first = begin(&server, &put).await;
    let second = server.answer(ask("PUT", "/uploads/second").body(b"12345")).await;
    assert_eq!((second.status(), second.code()), (503, "SlowDown"));
    assert_eq!(server.answer(ask("GET", "/uploads")).await.status(), 200, "what holds nothing is not slowed down");
    first.write_all(put.body).await.unwrap();
    assert_eq!(read_to_end(first).await.status(), 200);
    server.put("second", b"12345").await;
}

#[tokio::test]
async fn bodies_that_are_told_of_and_do_not_come_take_no_room_from_others() {
    static BODY: [u8; 300_000] = [7; 300_000];
    let server = server(S3Limits { in_flight_max_bytes: 1 << 20, ..S3Limits::default() }).await;
    let slow = ask("PUT", "/uploads/slow").body(&BODY);
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(begin(&server, &slow).await);
    }
    server.put("normal", &BODY).await;
}

#[tokio::test]
async fn a_body_that_finds_no_more_room_is_told_to_slow_down() {
    static BODY: [u8; 60 << 10] = [7; 60 << 10];
    let server = server(S3Limits { in_flight_max_bytes: 64 << 10, ..S3Limits::default() }).await;
    let mut first = begin(&server, &ask("PUT", "/uploads/first").body(&BODY)).await;
    let second = server.answer(ask("PUT", "/uploads/second").body(&BODY)).await;
    assert_eq!((second.status(), second.code()), (503, "SlowDown"));
    first.write_all(&BODY).await.unwrap();
    assert_eq!(read_to_end(first).await.status(), 200);
    server.put("second", &BODY).await;
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up() {
    let server = server(S3Limits { idle_timeout: Duration::from_millis(50), ..S3Limits::default() }).await;
    let put = ask("PUT", "/uploads/k").body(b"12345");
    let mut stream = begin(&server, &put).await;
    stream.write_all(b"12").await.unwrap();
    let answer = read_to_end(stream).await;
    assert_eq!((answer.status(), answer.code()), (400, "RequestTimeout"));
    assert_eq!(server.content("k").await, None);
    assert_eq!(fs::read_dir(server.folder.path().join("tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn headers_that_do_not_come_are_given_up() {
    let server = server(S3Limits { header_timeout: Duration::from_millis(50), ..S3Limits::default() }).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    // The end of the connection is what is waited for.
    assert!(!read_to_end(stream).await.0.contains("200"));
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let server = server(S3Limits { connections_max: 1, ..S3Limits::default() }).await;
    let put = ask("PUT", "/uploads/first").body(b"1");
    let mut first = begin(&server, &put).await;
    let mut second = server.connect().await;
    let head = format!("{}connection: close\r\n\r\n", ask("GET", "/uploads/first").head(&server.address));
    second.write_all(head.as_bytes()).await.unwrap();
    first.write_all(put.body).await.unwrap();
    assert_eq!(read_to_end(first).await.status(), 200);
    assert_eq!(read_to_end(second).await.body(), "1", "it was served after the first, which wrote what it read");
}

#[tokio::test]
async fn requests_under_way_finish_when_the_server_ends() {
    let mut server = server(S3Limits::default()).await;
    let put = ask("PUT", "/uploads/k").body(b"12345");
    let mut stream = begin(&server, &put).await;
    drop(server.stop.take());
    stream.write_all(put.body).await.unwrap();
    assert_eq!(read_to_end(stream).await.status(), 200);
    assert_eq!(server.content("k").await.unwrap(), b"12345");
    server.running.await.unwrap().unwrap();
}

/// security.md A1: what only the signature of a presigned address or of a header binds.
#[tokio::test]
async fn headers_that_nobody_signed_are_refused() {
    let server = server(S3Limits::default()).await;
    server.put("secret", b"hidden").await;
    server.put("k", b"kept").await;
    let head = ask("PUT", "/uploads/k").head(&server.address);
    for (from, to) in [
        ("connection", "x-amz-copy-source: uploads/secret\r\nconnection"),
        ("AWS4-HMAC-SHA256 ", "x "),
        ("SignedHeaders=host;", "SignedHeaders="),
        ("SignedHeaders=", "signedHeaders="),
        ("host: ", "x-host: "),
        ("x-amz-date: ", "x-amz-date: 20200101T000000Z\r\nx-amz-date: "),
    ] {
        let changed = format!("{head}connection: close\r\n\r\n").replacen(from, to, 1);
        let mut stream = server.connect().await;
        stream.write_all(changed.as_bytes()).await.unwrap();
        let answer = read_to_end(stream).await;
        assert!(matches!(answer.status(), 400 | 403), "{to}: {}", answer.0);
        assert!(answer.body().contains("<Message>"), "{to}: {}", answer.0);
    }
    assert_eq!(server.content("k").await.unwrap(), b"kept");
}

/// s3-endpoint.md F02.
#[tokio::test]
async fn buckets_stand_below_configured_domains_only() {
    let server = server(S3Limits::default()).await;
    server.put("k", b"content").await;
    let at = |host: &str, path: &str| {
        let head = format!("{}connection: close\r\n\r\n", ask("GET", path).head(host));
        let connecting = server.connect();
        async move {
            let mut stream = connecting.await;
            stream.write_all(head.as_bytes()).await.unwrap();
            read_to_end(stream).await
        }
    };
    assert_eq!(at("uploads.s3.example.com", "/k").await.body(), "content");
    assert_eq!(at("s3.example.com", "/uploads/k").await.body(), "content");
    let refused = at("uploads.example.com", "/").await;
    assert_eq!((refused.status(), refused.code()), (400, "InvalidRequest"));
    assert!(refused.body().contains("s3.domains"), "{}", refused.0);
}

/// security.md A9.
#[tokio::test]
async fn a_prefix_gives_no_right_on_the_bucket() {
    let grant = Grant { bucket: "team-*".into(), prefix: "mine/".into(), rights: Rights::All };
    let mine = AccessKey::with("mine", "secret-1", vec![grant]);
    let server = server_with(S3Limits::default(), vec![AccessKey::all("id", "secret-1"), mine]).await;
    assert_eq!(server.answer(ask("PUT", "/team-a")).await.status(), 200);
    let with = |method, path, query| Ask { query, ..ask(method, path) }.by("mine");
    for (method, path) in [("DELETE", "/team-a"), ("PUT", "/team-b")] {
        assert_eq!(server.answer(with(method, path, "prefix=mine%2F")).await.status(), 501);
        assert_eq!(server.answer(with(method, path, "")).await.status(), 403);
    }
    assert_eq!(server.answer(ask("HEAD", "/team-a")).await.status(), 200);
    assert_eq!(server.answer(with("GET", "/team-a", "prefix=mine%2F")).await.status(), 200);
    assert_eq!(server.answer(with("GET", "/team-a", "prefix=m")).await.status(), 403);
}

/// security.md A3, s3-endpoint.md F03: neither what nobody signed nor what did not come takes room.
#[tokio::test]
async fn what_nobody_signed_takes_no_room() {
    static TEXT: [u8; 60_000] = [b'x'; 60_000];
    static PHOTO: [u8; 40 << 10] = [7; 40 << 10];
    let server = server(S3Limits { in_flight_max_bytes: 64 << 10, ..S3Limits::default() }).await;
    let mut open = Vec::new();
    for (method, path, more) in [
        ("PUT", "/uploads/k", "transfer-encoding: chunked"),
        ("PUT", "/uploads/k", "content-length: 1000000000"),
        ("POST", "/uploads", "content-type: multipart/form-data; boundary=b\r\ncontent-length: 60000000"),
        ("POST", "/uploads?delete", "content-length: 2000000"),
    ] {
        for _ in 0..5 {
            let mut stream = server.connect().await;
            let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{more}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            open.push(stream);
        }
    }
    let text = Ask { query: "delete", ..ask("POST", "/uploads").body(&TEXT) };
    for _ in 0..5 {
        open.push(begin(&server, &text).await);
    }
    server.put("k", &PHOTO).await;
}

/// security.md A6.
#[tokio::test]
async fn the_rest_of_a_refused_body_is_not_waited_for() {
    let limits = S3Limits { drain_timeout: Duration::from_millis(50), ..S3Limits::default() };
    let server = server(limits).await;
    let mut stream = server.connect().await;
    stream.write_all(b"PUT /uploads/k HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nx").await.unwrap();
    let answer = read_to_end(stream).await;
    assert_eq!(answer.status(), 403);
    assert!(answer.0.contains("connection: close"), "{}", answer.0);
}
