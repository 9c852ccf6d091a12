//! The API from the outside, over memory backends: who is let in, what the document says, and what each endpoint answers.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
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
        token::{Role, Token, TokenSecret, Verticals},
    },
    queue::memory::MemoryQueue,
    render::in_process::InProcess,
    serve::{
        AuditLines, AuditTrail, Door, OpenDeliveries, Outside, UploadAddresses,
        host::Host,
        http::{ClientAddress, Peer},
        operator::router,
        s3_api::{Cors, SessionKeys},
        site::{PublicImages, Site},
    },
    store::{Attributes, Condition, Store, memory::MemoryStore},
};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

mod console;
mod delivery_states;
mod document;
mod door;
mod endpoints;
mod feed;
mod oidc;
mod open_deliveries;
mod operations;
mod pages;
mod people;
mod schemas;
mod uploads;
mod webhooks;

/// A server with some photos.
struct Api {
    site: Site,
    clock: Arc<ManualClock>,
    audit: AuditLines,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The code of a problem, which must be one in every respect.
    fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.text);
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        assert_eq!(body["request_id"], self.headers["x-request-id"].to_str().unwrap());
        assert_eq!(body["type"], format!("urn:cameo:{}", body["code"].as_str().unwrap()));
        assert!(!body["detail"].as_str().unwrap().is_empty() && !body["title"].as_str().unwrap().is_empty());
        (self.status.as_u16(), body["code"].as_str().unwrap().to_owned())
    }
}

const REMOTE: &str = "192.0.2.7:1234";
const LOOPBACK: &str = "127.0.0.1:1234";

/// A request in the making.
struct Ask {
    method: Method,
    path: String,
    peer: Option<Peer>,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

fn ask(method: Method, path: &str) -> Ask {
    let peer = Some(Peer::Tcp(REMOTE.parse().unwrap()));
    let headers = vec![("host".to_owned(), "127.0.0.1:9002".to_owned())];
    Ask { method, path: path.to_owned(), peer, headers, body: None }
}

fn get(path: &str) -> Ask {
    ask(Method::GET, path)
}

fn post(path: &str, body: &Value) -> Ask {
    let asked = ask(Method::POST, path).header("content-type", "application/json");
    Ask { body: Some(body.to_string()), ..asked }
}

impl Ask {
    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn from(self, address: &str) -> Self {
        Self { peer: Some(Peer::Tcp(address.parse().unwrap())), ..self }
    }

    fn over_socket(self) -> Self {
        Self { peer: Some(Peer::LocalUser), ..self }
    }

    fn with(self, secret: &TokenSecret) -> Self {
        self.header("authorization", &format!("Bearer {}", secret.expose()))
    }

    async fn of(self, api: &Api) -> Answer {
        self.at(router(api.site.clone())).await
    }

    async fn at(self, router: Router) -> Answer {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(self.body.map_or_else(Body::empty, Body::from)).unwrap();
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
            if let Peer::Tcp(address) = peer {
                request.extensions_mut().insert(ClientAddress(address));
            }
        }
        let response = router.oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }
}

impl Api {
    /// Entities 1 to 3 of the vertical `eye`, of which 2 has a rejected photo, and one of `nose`.
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_700_000_000).unwrap()));
        let (store, catalog) = (MemoryStore::new(clock.clone()), MemoryCatalog::new(rules(), clock.clone()));
        for key in ["origin/eye/1_0.jpg", "origin/eye/2_0.jpg"] {
            store
                .put("uploads", key, Bytes::from_static(b"x"), &Attributes::default(), Condition::Always)
                .await
                .unwrap();
        }
        let outcomes = [
            rendered("origin/eye/1_0.jpg", 9, &["sq", "ve"]),
            rendered("origin/eye/1_1.jpg", 9, &["sq", "ve"]),
            Outcome {
                key: "origin/eye/2_0.jpg".to_owned(),
                generation: Generation::from_counter(9),
                etag: "e".to_owned(),
                size: None,
                actor: None,
                fate: Fate::Rejected { reason: ReasonCode::FileTruncated, detail: "ends at byte 7".to_owned() },
            },
            rendered("origin/eye/3_0.jpg", 9, &["sq"]),
            rendered("origin/nose/1_0.jpg", 9, &["sq"]),
        ];
        catalog.register(&outcomes).await.unwrap();
        let settings = Settings {
            upload_bucket: "uploads".into(),
            image_bucket: "images".into(),
            size_sets: SizeSets::default(),
            max_original_bytes: 1000,
            cache_control: "public, max-age=60".into(),
            publish_alias: true,
            delete_unpublishes: true,
        };
        let render = Arc::new(InProcess::new(cameo_image::Limits::default(), 1));
        let queue = |name| Arc::new(MemoryQueue::new(name, 5, clock.clone()));
        let (trail, audit) = AuditTrail::new();
        let site = Site {
            zone: jiff::tz::TimeZone::UTC,
            flow: Flow { store: Arc::new(store), catalog: Arc::new(catalog), render, settings: Arc::new(settings) },
            events: queue("events"),
            registrations: queue("registrations"),
            images_url: ImageUrls::new("https://image.example"),
            public_images: PublicImages::default(),
            window: None,
            audit: trail,
            door: Door::default(),
            uploads: UploadAddresses::Endpoint {
                sessions: Arc::new(SessionKeys::new(b"secret", "uploads", clock.clone())),
                public_url: None,
                local_url: "http://127.0.0.1:9000".to_owned(),
                port: 9000,
            },
            cors: Cors::default(),
            clock: clock.clone(),
            host: Host::default(),
            outside: Outside::default(),
            open: OpenDeliveries::default(),
            webhooks: cameo::webhooks::Courier::default(),
            // Streams without an end of their own end at once.
            ending: {
                let ended = CancellationToken::new();
                ended.cancel();
                ended
            },
        };
        Self { site, clock, audit }
    }

    async fn token(&self, name: &str, role: Role, verticals: &[&str]) -> (Token, TokenSecret) {
        let verticals = Verticals::only_or_all(verticals.iter().map(|name| name.parse().unwrap()));
        let token = Token::new(name, role, verticals, "test", self.site.clock.now());
        let secret = TokenSecret::generate();
        assert!(self.site.flow.catalog.add_token(&token, &secret.hash()).await.unwrap());
        (token, secret)
    }
}
