//! The console: a plain page a vertical, with its entities, their renditions as they are served, and what is missing or
//! rejected and why. Rendered here, no script, loopback only unless configured otherwise; it only reads.

use std::{future::Future, io, sync::Arc};

use axum::{
    Extension, Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::{net::TcpListener, sync::Semaphore};
use tower::{ServiceExt, limit::GlobalConcurrencyLimitLayer};

use super::{
    audit::AuditTrail,
    http::{self as base, ConnectionLimits, Incoming},
};
use crate::{
    clock::Clock, flow::Flow, ledger::image_urls::ImageUrls, model::error::Error, queue::Queue, worker::window::Window,
};

mod api;
mod audited;
pub mod client;
pub mod health;
mod pages;
mod stored_images;
mod text;

use health::Health;
use text::Language;

/// Pages that are made side by side: each reads much of the database. More wait.
const PAGES_MAX: usize = 16;
/// Changes that are made side by side: each brings up to 2 MiB. More are refused: one that waited with its body unread would
/// hold its connection, and no time-out runs for who is not waited for.
const CHANGES_MAX: usize = 8;

/// What the console shows.
#[derive(Debug, Clone)]
pub struct Console {
    /// Store, catalog and names.
    pub flow: Flow,
    /// From the store to `resize`.
    pub events: Arc<dyn Queue>,
    /// From `resize` to `register`.
    pub registrations: Arc<dyn Queue>,
    /// Where renditions are served.
    pub images_url: ImageUrls,
    /// When registering runs; at once where there is none.
    pub window: Option<Window>,
    /// Where changes are noted.
    pub audit: AuditTrail,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Serves until `shutdown` completes.
pub async fn serve(
    listener: TcpListener,
    console: Console,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    base::serve("console", listener, limits, Listener(router(console)), shutdown).await
}

#[derive(Clone)]
struct Listener(Router);

impl base::Service for Listener {
    type Body = Body;

    /// Browsers load nothing but images and our style, keep nothing, and tell nobody where they have been.
    const HEADERS: &'static [(&'static str, &'static str)] = &[
        (
            "content-security-policy",
            "default-src 'none'; img-src *; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ];

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response> {
        self.0.clone().oneshot(request.map(Body::new)).await.map_err(io::Error::other)
    }

    fn refuse(&self, status: StatusCode, why: &'static str) -> Response {
        (status, why).into_response()
    }
}

/// The routes.
pub fn router(console: Console) -> Router {
    let pages = Router::new().route("/", get(overview)).route("/verticals/{vertical}", get(vertical));
    let changes = Router::new()
        .route("/api/requeue", post(api::requeue))
        .route("/api/redrive", post(api::redrive))
        .route("/api/remove-absent", post(api::remove_absent))
        .route("/api/take-down", post(api::take_down))
        .route("/api/rewrite-urls", post(api::rewrite_urls));
    pages
        .layer(GlobalConcurrencyLimitLayer::new(PAGES_MAX))
        .merge(changes.layer(middleware::from_fn_with_state(Arc::new(Semaphore::new(CHANGES_MAX)), at_most)))
        // Browsers ask for it unbidden, and a 404 would stand as an error in their consoles.
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        // Beside the limit: a monitor is to hear how the server is, most of all while it has much to do.
        .route("/api/health", get(api::health).layer(Extension(Health::default())))
        .layer(DefaultBodyLimit::max(api::BODY_MAX_BYTES))
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such page") })
        .layer(middleware::from_fn(harden))
        .layer(middleware::from_fn_with_state(console.clone(), audited::audited))
        .with_state(console)
}

/// Refuses a request where as many as there may be are being worked on.
async fn at_most(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.try_acquire() else {
        let text = "too many changes are being made at once; try again";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], text).into_response();
    };
    next.run(request).await
}

/// Refuses foreign host names, through which a web page could reach a loopback listener (DNS rebinding).
async fn harden(request: Request, next: Next) -> Response {
    if !base::is_this_machine(&request) {
        return (StatusCode::MISDIRECTED_REQUEST, "the console answers at its address or at localhost").into_response();
    }
    next.run(request).await
}

/// What a page may be asked.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// `ko` or `en`; otherwise what the browser prefers.
    lang: Option<String>,
    /// The key after which the page begins.
    #[serde(default)]
    after: String,
    /// Only this entity.
    #[serde(default)]
    cd_idx: String,
}

async fn overview(State(console): State<Console>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    page(pages::overview(&console, Language::of(asked.lang.as_deref(), &headers)).await)
}

async fn vertical(
    State(console): State<Console>,
    Path(vertical): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let Ok(vertical) = vertical.parse() else {
        return (StatusCode::NOT_FOUND, "no such vertical").into_response();
    };
    let language = Language::of(asked.lang.as_deref(), &headers);
    page(pages::vertical(&console, &vertical, &asked.after, &asked.cd_idx, language).await)
}

fn page(rendered: Result<String, Error>) -> Response {
    match rendered {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::warn!(%error, "a page of the console could not be made");
            (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response()
        }
    }
}
