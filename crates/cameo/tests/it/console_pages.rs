//! What the console shows, as text: the pages are rendered here over memory backends and kept as snapshots.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use bytes::Bytes;
use cameo::{
    catalog::{
        Registry,
        contract::{rendered, rules},
        memory::MemoryCatalog,
    },
    clock::ManualClock,
    flow::{Flow, Settings, SizeSets},
    ledger::image_urls::ImageUrls,
    model::{
        generation::Generation,
        outcome::{Fate, Outcome},
        reason::ReasonCode,
    },
    queue::{Queue, memory::MemoryQueue},
    render::in_process::InProcess,
    serve::{
        AuditTrail, UploadAddresses,
        api::Door,
        http::{ClientAddress, Peer},
        operator::router,
        s3_api::Cors,
        site::{PublicImages, Site},
    },
    store::{Attributes, Condition, Store, memory::MemoryStore},
};
use http_body_util::BodyExt;
use jiff::Timestamp;
use tower::ServiceExt;

/// A vertical with a rejected photo, one whose renditions are missing, and a file with a hostile name.
async fn console() -> Site {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let (store, catalog) = (MemoryStore::new(clock.clone()), MemoryCatalog::new(rules(), clock.clone()));
    let hostile = "origin/v/<script>alert(1)</script>.jpg";
    for key in ["origin/v/1_0.jpg", "origin/v/2_0.jpg", hostile] {
        store.put("up", key, Bytes::from_static(b"x"), &Attributes::default(), Condition::Always).await.unwrap();
    }
    let etag = hex::encode(fast_md5::digest(b"x"));
    let rejected = |key: &str, reason, detail: &str| Outcome {
        key: key.to_owned(),
        generation: Generation::from_counter(9),
        etag: etag.clone(),
        size: None,
        actor: None,
        fate: Fate::Rejected { reason, detail: detail.to_owned() },
    };
    let outcomes = [
        Outcome { etag: etag.clone(), ..rendered("origin/v/1_0.jpg", 9, &["sq", "ve", "ho", "or"]) },
        rejected("origin/v/2_0.jpg", ReasonCode::FileTruncated, "ends at byte 7"),
        rejected(hostile, ReasonCode::NameUnparseable, "no name"),
    ];
    catalog.register(&outcomes).await.unwrap();
    let settings = Settings {
        upload_bucket: "up".into(),
        image_bucket: "images".into(),
        size_sets: SizeSets::default(),
        max_original_bytes: 1000,
        cache_control: "public, max-age=60".into(),
        publish_alias: true,
    };
    let render = Arc::new(InProcess::new(cameo_image::Limits::default(), 1));
    let queue = |name| Arc::new(MemoryQueue::new(name, 5, clock.clone()));
    let flow = Flow { store: Arc::new(store), catalog: Arc::new(catalog), render, settings: Arc::new(settings) };
    let (events, registrations) = (queue("events"), queue("registrations"));
    registrations.send(&[r#"{"version":1,"key":"origin/v/5_0.jpg"}"#.to_owned()]).await.unwrap();
    let message = registrations.receive(1, Duration::from_secs(30), Duration::ZERO).await.unwrap().remove(0);
    registrations.dead_letter(&message.receipt, "failed to register: CHECK (cd_idx < 5)").await.unwrap();
    let images_url = ImageUrls::new("https://image.example");
    Site {
        zone: jiff::tz::TimeZone::UTC,
        flow,
        events,
        registrations,
        images_url,
        public_images: PublicImages::default(),
        window: None,
        audit: AuditTrail::off(),
        door: Door::default(),
        uploads: UploadAddresses::Off,
        cors: Cors::default(),
        clock,
    }
}

async fn get(path: &str, headers: &[(header::HeaderName, &str)]) -> (StatusCode, String) {
    let mut request = Request::get(path).header(header::HOST, "127.0.0.1:9002");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let response = router(console().await).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The part of a page that is about its subject.
fn main_part(html: &str) -> &str {
    let from = html.find("<main>").unwrap();
    &html[from..html.find("</main>").unwrap()]
}

#[tokio::test]
async fn the_overview_counts() {
    let (status, html) = get("/?lang=en", &[]).await;
    assert_eq!(status, StatusCode::OK);
    insta::assert_snapshot!(main_part(&html));
}

#[tokio::test]
async fn a_vertical_shows_what_is_missing_and_why_in_both_languages() {
    for language in ["ko", "en"] {
        let (_, html) = get(&format!("/verticals/v?lang={language}"), &[]).await;
        assert!(!html.contains("<script"), "a name must not become markup");
        insta::assert_snapshot!(format!("vertical-{language}"), main_part(&html));
    }
}

#[tokio::test]
async fn korean_is_the_default_and_browsers_may_prefer_english() {
    assert!(get("/", &[]).await.1.contains("lang=\"ko\""));
    assert!(get("/", &[(header::ACCEPT_LANGUAGE, "en-US,en;q=0.9")]).await.1.contains("lang=\"en\""));
}

#[tokio::test]
async fn foreign_host_names_are_refused() {
    let request = Request::get("/").header(header::HOST, "evil.example:9002").body(Body::empty()).unwrap();
    let response = router(console().await).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn changes_need_more_than_a_foreign_page_can_send() {
    let post = |own: bool| async move {
        let mut request = Request::post("/api/requeue")
            .header(header::HOST, "localhost:9002")
            .header(header::CONTENT_TYPE, "application/json");
        if own {
            request = request.header("x-cameo-client", "test");
        }
        let body = Body::from(r#"{"keys":["origin/v/1_0.jpg","origin/v/7_0.jpg"]}"#);
        let mut request = request.body(body).unwrap();
        let address = "127.0.0.1:1234".parse().unwrap();
        request.extensions_mut().insert(ClientAddress(address));
        request.extensions_mut().insert(Peer::Tcp(address));
        let response = router(console().await).oneshot(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    };
    assert_eq!(post(false).await.0, StatusCode::FORBIDDEN);
    let (status, body) = post(true).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &br#"{"requeued":1,"gone":["origin/v/7_0.jpg"]}"#[..]));
}
