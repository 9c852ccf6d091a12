//! Sending files straight to the bucket, to a store that refuses, is too busy, is late with its clock, or is not there. One program plays
//! both the API, which says that every file is to be sent, and the store.

use std::{
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{post, put},
};
use bytes::Bytes;
use cameo::{
    aws::{AccessKeys, profile::Profile},
    client::{
        Client,
        wire::{Page, Upload, UploadBucket, UploadState, Uploads},
    },
    clock::{Clock, ManualClock, SystemClock},
    model::error::{Error, Kind},
    preflight::Hashes,
    push::{
        direct::Direct,
        plan::Asked,
        send::{Contents, SIDE_BY_SIDE, Sending, Sent},
    },
};
use serde_json::json;
use tokio::net::TcpListener;

/// How often a file is tried.
const TRIES: usize = 6;
/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:9";

/// What the store answers, in turn; the last one from then on.
#[derive(Clone)]
struct Store {
    answers: Arc<Mutex<Vec<(u16, &'static str)>>>,
    asked: Arc<Mutex<Vec<String>>>,
    address: String,
}

impl Store {
    async fn start(answers: &[(u16, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mut answers = answers.to_vec();
        answers.reverse();
        let store = Self { answers: Arc::new(Mutex::new(answers)), asked: Arc::default(), address };
        let app = Router::new()
            .route("/api/v1/uploads", post(prepare))
            .route("/{bucket}/{*key}", put(take))
            .with_state(store.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        store
    }

    fn direct(&self) -> Direct {
        direct_at(&self.address)
    }

    /// The objects that somebody tried to put.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn push(&self, direct: &Direct, files: usize) -> Result<Vec<Sent>, Error> {
        self.push_by(direct, files, &SystemClock).await
    }

    async fn push_by(&self, direct: &Direct, files: usize, clock: &dyn Clock) -> Result<Vec<Sent>, Error> {
        let (client, vertical) = (Client::at(&self.address, None).unwrap(), "eye".parse().unwrap());
        let files: Vec<Asked> = (1..=files).map(|number| asked_about(&format!("{number}_0.jpg"))).collect();
        let sending = Sending {
            client: &client,
            vertical: &vertical,
            files: &files,
            contents: &Same,
            direct: Some(direct),
            clock,
            first_wait: Duration::from_millis(1),
            stop: &AtomicBool::new(false),
        };
        sending.run(|_, _| {}).await
    }
}

fn direct_at(endpoint: &str) -> Direct {
    let keys = AccessKeys { id: "AKID".into(), secret: "secret".into() };
    let profile = Profile { keys, token: None, region: None, endpoint: None };
    let of_server = UploadBucket { bucket: "uploads".into(), endpoint: Some(endpoint.to_owned()), region: None };
    Direct::new(of_server, profile).unwrap()
}

fn asked_about(name: &str) -> Asked {
    Asked { name: name.to_owned(), size: 5, hashes: Hashes { md5: fast_md5::digest(b"photo"), sha256: [0; 32] } }
}

/// Every file has this content.
struct Same;

impl Contents for Same {
    async fn read(&self, _: usize) -> std::io::Result<Bytes> {
        Ok(Bytes::from_static(b"photo"))
    }
}

async fn prepare(Json(asked): Json<Uploads>) -> Json<Page<Upload>> {
    assert!(!asked.addresses, "nobody signs what is sent with other keys");
    let upload = |name: String| Upload {
        name,
        state: UploadState::Upload,
        accepted: false,
        replaces: false,
        url: None,
        headers: std::collections::BTreeMap::new(),
        expires: None,
        hint: None,
        hint_korean: None,
    };
    let items = asked.files.into_iter().map(|file| upload(file.name)).collect();
    Json(Page { items, next: None })
}

async fn take(State(store): State<Store>, Path((bucket, key)): Path<(String, String)>) -> Response {
    store.asked.lock().unwrap().push(format!("{bucket}/{key}"));
    let mut answers = store.answers.lock().unwrap();
    let (status, code) = if answers.len() > 1 { answers.pop().unwrap() } else { answers[0] };
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>as planned</Message></Error>");
    let region = HeaderName::from_static("x-amz-bucket-region");
    let headers = [(header::CONTENT_TYPE, "application/xml"), (region, "eu-1")];
    (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
}

#[tokio::test]
async fn what_no_other_file_would_fare_better_with_ends_the_push() {
    for (status, code, kind) in [
        (403, "InvalidAccessKeyId", Kind::Denied),
        (403, "SignatureDoesNotMatch", Kind::Denied),
        (403, "AccessDenied", Kind::Denied),
        (400, "ExpiredToken", Kind::Denied),
        (404, "NoSuchBucket", Kind::Misconfigured),
        (301, "PermanentRedirect", Kind::Misconfigured),
    ] {
        let store = Store::start(&[(status, code)]).await;
        let error = store.push(&store.direct(), 100).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{code}: {error}");
        let asked = store.asked();
        assert!((1..=SIDE_BY_SIDE).contains(&asked.len()), "{code}: {} requests", asked.len());
        assert!(asked.iter().all(|key| key.starts_with("uploads/origin/eye/")), "{asked:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_named_and_not_the_keys() {
    let store = Store::start(&[(403, "AccessDenied")]).await;
    let clock = ManualClock::new(SystemClock.now() + jiff::SignedDuration::from_mins(40));
    let error = store.push_by(&store.direct(), 1, &clock).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Misconfigured);
    let text = error.to_string();
    assert!(text.contains("clock") && (text.contains("39 minutes") || text.contains("40 minutes")), "{text}");
}

#[tokio::test]
async fn a_store_that_is_too_busy_is_tried_again_and_given_up_at_last() {
    let passing = Store::start(&[(503, "SlowDown"), (503, "SlowDown"), (200, "")]).await;
    assert_eq!(passing.push(&passing.direct(), 1).await.unwrap(), [Sent::Done]);
    let busy = Store::start(&[(503, "SlowDown")]).await;
    let error = busy.push(&busy.direct(), 1).await.unwrap_err();
    assert_eq!((error.kind(), busy.asked().len()), (Kind::Unavailable, TRIES), "{error}");
    let nowhere = direct_at(NOBODY);
    let error = busy.push(&nowhere, 1).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert!(error.to_string().contains(NOBODY) && error.to_string().contains("AWS_ENDPOINT_URL"), "{error}");
}

#[tokio::test]
async fn a_fault_of_one_file_ends_nothing() {
    let store = Store::start(&[(400, "EntityTooLarge"), (200, "")]).await;
    let sent = store.push(&store.direct(), 3).await.unwrap();
    let failed = sent.iter().filter(|sent| matches!(sent, Sent::Failed(why) if why.contains("EntityTooLarge")));
    assert_eq!((failed.count(), sent.iter().filter(|sent| **sent == Sent::Done).count()), (1, 2), "{sent:?}");
}

#[test]
fn the_field_about_addresses_is_sent_only_where_it_says_something() {
    let question = |addresses| Uploads { vertical: "eye".into(), files: Vec::new(), addresses };
    assert_eq!(serde_json::to_value(question(true)).unwrap(), json!({"vertical": "eye", "files": []}));
    let without = serde_json::to_value(question(false)).unwrap();
    assert_eq!(without, json!({"vertical": "eye", "files": [], "addresses": false}));
    let read: Uploads = serde_json::from_value(json!({"vertical": "eye", "files": []})).unwrap();
    assert!(read.addresses, "an older client wants them");
}
