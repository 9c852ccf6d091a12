//! S3 on an emulator and on our own endpoint: the one contract, and what is refused.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use cameo::{
    aws::{AccessKeys, AwsAccess},
    clock::SystemClock,
    db::Sqlite,
    model::{
        actor::Actor,
        error::{Kind, Place},
        event,
    },
    queue::{Queue, sqlite::SqliteQueue},
    serve::{
        AuditTrail,
        s3_api::{self, AccessKey, KeyRing, S3Endpoint},
    },
    store::{
        Attributes, Condition, Store, contract,
        embedded::{Embedded, EmbeddedOptions},
        s3::{KeptConditions, S3Limits, S3Store},
    },
};
use cameo_testbed::emulators::Emulator;
use http::Method;

use crate::emulators::access;

const BUCKET: &str = "bucket";

fn store(access: &AwsAccess, buckets: &[&str]) -> S3Store {
    S3Store::new(access, buckets.iter().map(|bucket| (*bucket).to_owned()).collect(), S3Limits::default()).unwrap()
}

/// Makes a bucket on an emulator, which asks nobody for a signature.
pub(crate) async fn make_bucket(emulator: &Emulator, bucket: &str) {
    cameo::tls::install_crypto_provider();
    let url = format!("{}/{bucket}", emulator.url());
    let made = reqwest::Client::new().request(Method::PUT, url).send().await.unwrap();
    assert!(made.status().is_success(), "{made:?}");
}

async fn empty(store: &S3Store) {
    for info in store.list(BUCKET, "", "", usize::MAX).await.unwrap() {
        assert!(store.delete(BUCKET, &info.key, &info.etag).await.unwrap());
    }
}

/// The contract: as a store is where nobody asked which conditions it keeps, and as it is once somebody did.
async fn passes(mut store: S3Store, copies: bool) {
    contract::all(&store, BUCKET).await;
    assert_eq!(store.learn_conditions(BUCKET).await.unwrap(), KeptConditions { writes: true, copies });
    empty(&store).await;
    contract::all(&store, BUCKET).await;
    let error = store.get("no-such-bucket", "key", 10).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
}

/// What the distributed server gives to whoever may upload, signed with its own keys.
async fn presigned_addresses_are_good_for_one_content_at_one_key(store: &S3Store) {
    let (key, other, md5) = ("origin/가나/1_0.jpg", "origin/eye/2_0.jpg", fast_md5::digest(b"photo"));
    let holds = Duration::from_mins(1);
    let signed = store.presigned_put(BUCKET, &[(key, &md5), (other, &md5)], holds, None).await.unwrap().unwrap();
    let send = async |url: &str, content: &'static [u8], md5: &str| {
        let request = reqwest::Client::new().put(url).header("content-md5", md5).body(content);
        request.send().await.unwrap().status().as_u16()
    };
    let md5 = &signed[0].headers["content-md5"];
    assert_eq!(send(&signed[0].url, b"other", md5).await, 400);
    assert_eq!(send(&signed[0].url, b"photo", "AAAAAAAAAAAAAAAAAAAAAA==").await, 403);
    assert_eq!(send(&signed[1].url.replace("2_0.jpg", "3_0.jpg"), b"photo", md5).await, 403);
    assert_eq!(send(&signed[0].url, b"photo", md5).await, 200);
    assert_eq!(store.head(BUCKET, key).await.unwrap().unwrap().size, 5);
    assert!(store.head(BUCKET, other).await.unwrap().is_none());
    let public = Some("https://s3.example.com:9443");
    let signed = store.presigned_put(BUCKET, &[(other, &[7; 16])], holds, public).await.unwrap().unwrap();
    assert!(signed[0].url.starts_with("https://s3.example.com:9443/bucket/origin/eye/2_0.jpg?"), "{}", signed[0].url);
}

#[tokio::test]
async fn ministack_passes_the_contract() {
    let Some(emulator) = Emulator::ministack() else { return };
    let store = store(&access(&emulator), &[BUCKET]);
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
    make_bucket(&emulator, BUCKET).await;
    passes(store, false).await;
}

/// moto cannot keep a line break in a key, so it cannot pass the whole contract; the conditions it keeps.
#[tokio::test]
async fn moto_keeps_conditions() {
    let Some(emulator) = Emulator::moto() else { return };
    make_bucket(&emulator, BUCKET).await;
    let learnt = store(&access(&emulator), &[BUCKET]).learn_conditions(BUCKET).await.unwrap();
    assert_eq!(learnt, KeptConditions { writes: true, copies: false });
}

/// The S3 endpoint of this program over a store of its own: where it listens, what it serves, and the queue of its events.
pub(crate) async fn endpoint(
    folder: &Path,
    [uploads, images]: [&str; 2],
) -> (tokio::net::TcpListener, String, S3Endpoint, SqliteQueue) {
    let clock = Arc::new(SystemClock);
    let db = Sqlite::open(&folder.join("cameo.db")).await.unwrap();
    let events = SqliteQueue::new(db.clone(), "events", 5, clock.clone());
    let options = EmbeddedOptions::new(uploads, images, events.clone());
    let embedded = Embedded::open(folder, db, clock, options).await.unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("s3://?endpoint=http://{}", listener.local_addr().unwrap());
    let keys = Arc::new(KeyRing::fixed(vec![AccessKey::all("id", "secret")]));
    let watch = s3_api::Watch::new(Arc::new(SystemClock), AuditTrail::off());
    let (limits, cors) = (s3_api::S3Limits::default(), s3_api::Cors::default());
    let endpoint = S3Endpoint { store: embedded, keys, limits, domains: Vec::new(), cors, watch };
    (listener, url, endpoint, events)
}

/// Who uploads and deletes is named by the event, as S3 names it; and records of deliveries are written through S3's API too.
#[tokio::test]
async fn the_endpoint_of_ours_names_who_made_a_change_and_takes_records() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, url, endpoint, events) = endpoint(folder.path(), ["uploads", BUCKET]).await;
    let keys = AccessKeys { id: "id".into(), secret: "secret".into() };
    let access = AwsAccess::from_url(Place::Store, &url).unwrap().with_keys(Some(keys));
    let checks = async {
        let store = store(&access, &["uploads"]);
        let (key, body) = ("origin/v/1_0.jpg", Bytes::from_static(b"photo"));
        store.put("uploads", key, body, &Attributes::default(), Condition::Always).await.unwrap();
        let etag = store.head("uploads", key).await.unwrap().unwrap().etag;
        assert!(store.delete("uploads", key, &etag).await.unwrap());
        let bodies = events.bodies(10).await.unwrap().unwrap();
        let actors: Vec<_> = bodies.iter().map(|body| event::parse(body).unwrap().remove(0).actor).collect();
        assert_eq!(actors, [Actor::new("id"), Actor::new("id")]);
        crate::deliveries::records_are_kept(&store, "uploads").await;
        crate::deliveries::dismissals_are_noted(&store, "uploads").await;
        assert_eq!(events.bodies(10).await.unwrap().unwrap().len(), 2, "a record causes no event");
    };
    tokio::select! {
        () = checks => {}
        ended = s3_api::serve(listener, endpoint, std::future::pending()) => panic!("the endpoint ended: {ended:?}"),
    }
}

/// The S3 endpoint of this program and its S3 client, one against the other: signatures and conditions are checked.
#[tokio::test]
async fn the_endpoint_of_ours_passes_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, url, endpoint, _) = endpoint(folder.path(), ["uploads", BUCKET]).await;
    let access = |secret: &str| {
        let keys = AccessKeys { id: "id".into(), secret: secret.into() };
        AwsAccess::from_url(Place::Store, &url).unwrap().with_keys(Some(keys))
    };
    let checks = async {
        passes(store(&access("secret"), &[BUCKET]), true).await;
        presigned_addresses_are_good_for_one_content_at_one_key(&store(&access("secret"), &[BUCKET])).await;
        let stranger = store(&access("guessed"), &[BUCKET]);
        let error = stranger.get(BUCKET, "key", 10).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Denied, "{error}");
    };
    tokio::select! {
        () = checks => {}
        ended = s3_api::serve(listener, endpoint, std::future::pending()) => panic!("the endpoint ended: {ended:?}"),
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_unavailable() {
    // Port 1 is nobody's.
    let access = AwsAccess::from_url(Place::Store, "s3://?endpoint=http://127.0.0.1:1").unwrap();
    let access = access.with_keys(Some(AccessKeys { id: "a".into(), secret: "b".into() }));
    let error = store(&access, &[BUCKET]).ping().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

/// A proxy, or the page of a log-in, that answers 200 in the store's place: what it says is not the original, and nothing was written.
#[tokio::test]
async fn an_answer_without_an_etag_is_not_the_store_s() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("s3://?endpoint=http://{}", listener.local_addr().unwrap());
    let answers = async {
        let page = axum::Router::new().fallback(|| async { axum::response::Html("<html>log in</html>") });
        axum::serve(listener, page).await
    };
    let access = AwsAccess::from_url(Place::Store, &url).unwrap();
    let access = access.with_keys(Some(AccessKeys { id: "a".into(), secret: "b".into() }));
    let store = store(&access, &[BUCKET]);
    let checks = async {
        let body = Bytes::from_static(b"photo");
        for error in [
            store.get(BUCKET, "key", 1000).await.unwrap_err(),
            store.head(BUCKET, "key").await.unwrap_err(),
            store.put(BUCKET, "key", body, &Attributes::default(), Condition::Always).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), Kind::Unavailable, "{error}");
            assert!(error.to_string().contains("no ETag"), "{error}");
        }
    };
    tokio::select! {
        () = checks => {}
        ended = answers => panic!("the page ended: {ended:?}"),
    }
}
