//! The JSON API: how commands change things through a running server, and how monitors ask how it is.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::sync::Semaphore;

use super::site::Site;

mod changes;
pub mod client;
pub mod health;
mod relocate;
mod restore;

use health::Health;

/// Changes that are made side by side: each brings up to 2 MiB. More are refused: one that waited with its body unread would
/// hold its connection, and no time-out runs for who is not waited for.
const CHANGES_MAX: usize = 8;

/// The routes of the API.
pub(super) fn routes() -> Router<Site> {
    let changes = Router::new()
        .route("/api/requeue", post(changes::requeue))
        .route("/api/redrive", post(changes::redrive))
        .route("/api/remove-absent", post(changes::remove_absent))
        .route("/api/take-down", post(changes::take_down))
        .route("/api/rewrite-urls", post(changes::rewrite_urls))
        .route("/api/restore", post(restore::restore))
        .route("/api/dismiss", post(restore::dismiss))
        .route("/api/move", post(relocate::relocate));
    changes
        .layer(middleware::from_fn_with_state(Arc::new(Semaphore::new(CHANGES_MAX)), at_most))
        // Beside the limit: a monitor is to hear how the server is, most of all while it has much to do.
        .route("/api/health", get(changes::health).layer(Extension(Health::default())))
        .layer(DefaultBodyLimit::max(changes::BODY_MAX_BYTES))
}

/// Refuses a request where as many as there may be are being worked on.
async fn at_most(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.try_acquire() else {
        let text = "too many changes are being made at once; try again";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], text).into_response();
    };
    next.run(request).await
}
