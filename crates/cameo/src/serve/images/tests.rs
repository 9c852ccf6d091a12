//! Images that change while they are asked for: who asks after a change was acknowledged never gets what was before it. And the answers
//! of both ways, from memory and by hyper, are the same.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::http::HeaderValue;
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::*;
use crate::{
    clock::SystemClock,
    db::Sqlite,
    queue::sqlite::SqliteQueue,
    store::{
        Attributes, Condition, Store,
        embedded::{Embedded, EmbeddedOptions, Planted},
    },
};

const BUCKET: &str = "images";
const KEY: &str = "v/sq/1_sq_0.jpg";

struct House {
    store: Embedded,
    address: std::net::SocketAddr,
    _folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock);
    let db = Sqlite::open(&folder.path().join("cameo.db")).await.unwrap();
    let events = SqliteQueue::new(db.clone(), "events", 5, clock.clone());
    let options = EmbeddedOptions::new("uploads", BUCKET, events);
    let store = Embedded::open(folder.path(), db, clock, options).await.unwrap();
    let images = Images {
        store: Arc::new(store.clone()),
        bucket: BUCKET.into(),
        cache_control: HeaderValue::from_static("public, max-age=60"),
        foreign: Arc::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (stop, stopped)) = (listener.local_addr().unwrap(), oneshot::channel::<()>());
    tokio::spawn(serve(listener, images, ConnectionLimits::default(), Vec::new(), async { drop(stopped.await) }));
    House { store, address, _folder: folder, _stop: stop }
}

impl House {
    async fn put_as(&self, content_type: &str, content: String) {
        let attributes = Attributes { content_type: Some(content_type.to_owned()), ..Attributes::default() };
        Store::put(&self.store, BUCKET, KEY, content.into(), &attributes, Condition::Always).await.unwrap();
    }

    async fn put(&self, content: String) {
        self.put_as("image/jpeg", content).await;
    }

    async fn client(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }
}

/// A connection that is kept.
struct Client(TcpStream);

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: String,
    /// In order of their names, without the date.
    headers: Vec<String>,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Client {
    async fn ask(&mut self, method: &str, target: &str, header: &str) -> Answer {
        self.0.write_all(format!("{method} /{target} HTTP/1.1\r\nhost: h\r\n{header}\r\n").as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let end = loop {
            assert!(self.0.read_buf(&mut bytes).await.unwrap() > 0, "an answer to {method} {target} {header}");
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
        };
        let mut body = bytes.split_off(end + 4);
        let head = String::from_utf8(bytes).unwrap();
        let mut lines = head.lines().filter(|line| !line.is_empty() && !line.starts_with("date: ")).map(str::to_owned);
        let status = lines.next().unwrap();
        let mut headers: Vec<String> = lines.collect();
        headers.sort();
        let mut answer = Answer { status, headers, body: Bytes::new() };
        let has_body = method != "HEAD" && !answer.status.contains(" 304 ");
        let length = answer.header("content-length").filter(|_| has_body).map_or(0, |length| length.parse().unwrap());
        let have = body.len();
        assert!(have <= length, "more than was announced: {answer:?}");
        body.resize(length, 0);
        self.0.read_exact(&mut body[have..]).await.unwrap();
        answer.body = body.into();
        answer
    }
}

/// A query means nothing here, and makes a request hyper's.
#[tokio::test]
async fn both_ways_give_the_same_answers() {
    let house = house().await;
    house.put("first".repeat(100_000)).await;
    let head = house.client().await.ask("HEAD", KEY, "").await;
    let [etag, modified] = ["etag", "last-modified"].map(|name| head.header(name).unwrap());
    let mut kept = house.client().await;
    for (method, header, status) in [
        ("GET", String::new(), "200"),
        ("HEAD", String::new(), "200"),
        ("GET", format!("if-none-match: {etag}\r\n"), "304"),
        ("HEAD", format!("if-none-match: {etag}\r\n"), "304"),
        ("GET", format!("if-none-match: \"x\"\r\nIf-None-Match: W/{etag}\r\n"), "304"),
        ("GET", "if-none-match: \"x\"\r\n".to_owned(), "200"),
        ("GET", format!("if-modified-since: {modified}\r\n"), "304"),
        ("GET", "if-modified-since: Fri, 02 Jan 1970 00:00:00 GMT\r\n".to_owned(), "200"),
    ] {
        let direct = kept.ask(method, KEY, &header).await;
        let by_hyper = house.client().await.ask(method, &format!("{KEY}?"), &header).await;
        assert_eq!(direct, by_hyper, "{method} {header}");
        assert!(direct.status.contains(status), "{method} {header}: {direct:?}");
    }
    assert_eq!(kept.ask("GET", "v/sq/2_sq_0.jpg", "").await.status, "HTTP/1.1 404 Not Found");
    assert_eq!(kept.ask("GET", KEY, "").await.body.len(), 500_000, "it goes on after what is hyper's");
}

#[tokio::test]
async fn what_is_not_served_or_damaged_is_neither_when_it_is_in_memory() {
    let house = house().await;
    let mut kept = house.client().await;
    house.put_as("text/html", "<script>".to_owned()).await;
    assert!(kept.ask("GET", KEY, "").await.status.contains(" 404 "));
    house.put("image".to_owned()).await;
    let mut kept = house.client().await;
    assert_eq!(kept.ask("GET", KEY, "").await.body, "image");
    let found = house.store.locate(BUCKET, KEY).unwrap().unwrap();
    std::fs::remove_file(&found.path).unwrap();
    let answer = kept.ask("GET", KEY, "").await;
    assert!(answer.status.contains(" 500 ") && answer.header("cache-control") == Some("no-store"), "{answer:?}");
    assert!(!String::from_utf8_lossy(&answer.body).contains("image\n"));
}

/// Versions of the image, as far as its changes were begun and acknowledged. Each fifth is a deletion.
#[derive(Default)]
struct Versions {
    begun: AtomicU64,
    acknowledged: AtomicU64,
}

const IS_DELETION: u64 = 5;

fn content_of(version: u64) -> String {
    format!("{version}|{}", "x".repeat(usize::try_from(version % 7).unwrap() * 3000))
}

/// Changes the image until `last`.
async fn change(house: &House, versions: &Versions, last: u64) {
    for version in 1..=last {
        versions.begun.store(version, Ordering::SeqCst);
        if version.is_multiple_of(IS_DELETION) {
            let etag = house.store.head(BUCKET, KEY).await.unwrap().unwrap().etag;
            assert!(Store::delete(&house.store, BUCKET, KEY, &etag).await.unwrap());
        } else {
            house.put(content_of(version)).await;
        }
        versions.acknowledged.store(version, Ordering::SeqCst);
    }
}

/// Asks until the last version is acknowledged; the first answer that was wrong, put into words.
async fn ask(house: &House, versions: &Versions, last: u64, method: &str) -> Option<String> {
    let mut client = house.client().await;
    loop {
        let before = versions.acknowledged.load(Ordering::SeqCst);
        let answer = client.ask(method, KEY, "").await;
        let after = versions.begun.load(Ordering::SeqCst);
        if answer.status.contains(" 404 ") {
            // Hyper has the connection now.
            client = house.client().await;
        }
        if let Some(wrong) = wrong(&answer, method == "HEAD", before, after) {
            return Some(wrong);
        }
        if before == last {
            return None;
        }
    }
}

/// What is wrong with an answer that was asked for after `before` was acknowledged, and came before what follows `after` was begun.
fn wrong(answer: &Answer, head_only: bool, before: u64, after: u64) -> Option<String> {
    let mut possible = before..=after;
    let is_gone = |version: u64| version.is_multiple_of(IS_DELETION);
    if answer.status.contains(" 404 ") {
        return (!possible.any(is_gone)).then(|| format!("gone, although {before} was acknowledged"));
    }
    let etag = answer.header("etag").unwrap_or_default().trim_matches('"').to_owned();
    let etag_of = |content: &[u8]| hex::encode(fast_md5::digest(content));
    if !head_only && etag_of(&answer.body) != etag {
        return Some(format!("{} bytes that are not those of the ETag", answer.body.len()));
    }
    let is_possible = possible.any(|version| !is_gone(version) && etag_of(content_of(version).as_bytes()) == etag);
    (!is_possible).then(|| format!("an image from before {before}, which was acknowledged: {answer:?}"))
}

/// The first wrong answer while the image is changed.
async fn under_load(bug: Option<Planted>) -> Option<String> {
    const LAST: u64 = 149;
    let (house, versions) = (house().await, Versions::default());
    if let Some(bug) = bug {
        house.store.plant(bug);
    }
    let asking = ["GET", "GET", "GET", "HEAD"].map(|method| ask(&house, &versions, LAST, method));
    let ((), wrong) = tokio::join!(change(&house, &versions, LAST), futures::future::join_all(asking));
    wrong.into_iter().flatten().next()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_asks_after_a_change_never_gets_what_was_before_it() {
    assert_eq!(under_load(None).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_test_of_changes_finds_an_index_that_drops_nothing() {
    assert!(under_load(Some(Planted::DropNothing)).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_test_of_changes_finds_an_index_that_keeps_what_was_read_before_a_commit() {
    assert!(under_load(Some(Planted::KeepWhateverChanged)).await.is_some());
}
