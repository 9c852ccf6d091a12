//! The console: a plain page a vertical, with its entities, their renditions as they are served, and what is missing or
//! rejected and why. Rendered here, no script, loopback only unless configured otherwise; it only reads.

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use tower::limit::GlobalConcurrencyLimitLayer;

use super::site::Site;
use crate::model::error::Error;

mod pages;
mod stored_images;
mod text;

use text::Language;

/// Pages that are made side by side: each reads much of the database. More wait.
const PAGES_MAX: usize = 16;

/// The routes of the pages.
pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/", get(overview))
        .route("/verticals/{vertical}", get(vertical))
        .layer(GlobalConcurrencyLimitLayer::new(PAGES_MAX))
}

/// What a page may be asked.
#[derive(Debug, Default, Deserialize)]
struct PageQuery {
    /// `ko` or `en`; otherwise what the browser prefers.
    lang: Option<String>,
    /// The key after which the page begins.
    #[serde(default)]
    after: String,
    /// Only this entity.
    #[serde(default)]
    cd_idx: String,
}

async fn overview(State(site): State<Site>, Query(asked): Query<PageQuery>, headers: HeaderMap) -> Response {
    page(pages::overview(&site, Language::of(asked.lang.as_deref(), &headers)).await)
}

async fn vertical(
    State(site): State<Site>,
    Path(vertical): Path<String>,
    Query(asked): Query<PageQuery>,
    headers: HeaderMap,
) -> Response {
    let Ok(vertical) = vertical.parse() else {
        return (StatusCode::NOT_FOUND, "no such vertical").into_response();
    };
    let language = Language::of(asked.lang.as_deref(), &headers);
    page(pages::vertical(&site, &vertical, &asked.after, &asked.cd_idx, language).await)
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
