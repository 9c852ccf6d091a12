//! The console: a plain page a vertical, with its entities, their renditions as they are served, and what is missing or
//! rejected and why. Rendered here, no script, loopback only unless configured otherwise; it only reads.

use std::{future::Future, io, sync::Arc};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::{
    catalog::image_urls::ImageUrls,
    clock::Clock,
    error::Error,
    flow::{Flow, window::Window},
    queue::Queue,
};

mod api;
pub mod client;
pub mod health;
mod pages;
mod stored_images;
mod text;

use health::Health;
use text::Language;

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
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Serves until `shutdown` completes.
pub async fn serve(
    listener: TcpListener,
    console: Console,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    super::http::serve(listener, router(console), shutdown).await
}

/// The routes.
pub fn router(console: Console) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/verticals/{vertical}", get(vertical))
        // Browsers ask for it unbidden, and a 404 would stand as an error in their consoles.
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route("/api/health", get(api::health).layer(Extension(Health::default())))
        .route("/api/requeue", post(api::requeue))
        .route("/api/redrive", post(api::redrive))
        .route("/api/remove-absent", post(api::remove_absent))
        .route("/api/take-down", post(api::take_down))
        .route("/api/rewrite-urls", post(api::rewrite_urls))
        .layer(DefaultBodyLimit::max(api::BODY_MAX_BYTES))
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such page") })
        .layer(middleware::from_fn(harden))
        .with_state(console)
}

/// Refuses foreign host names, through which a web page could reach a loopback listener (DNS rebinding), and tells
/// browsers to load nothing but our images and style.
async fn harden(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    if name != "localhost" && name.parse::<std::net::IpAddr>().is_err() {
        return (StatusCode::MISDIRECTED_REQUEST, "the console answers at its address or at localhost").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = "default-src 'none'; img-src *; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
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
