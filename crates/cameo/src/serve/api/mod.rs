//! The API: `/api/v1` for people and programs on any computer, the changes that commands beside the data folder ask for, and health.
//!
//! ```text
//! request (its id, the form of its errors) → audit → browsers (cors) → host → door (who asks) → handler (what they may)
//! ```
//!
//! A change of the older paths must be asked for in JSON and with a header of ours: a web page of somebody else's can send neither
//! across origins without our leave.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    middleware::{self},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::sync::Semaphore;

use super::site::Site;

mod audit_reader;
mod changes;
mod cors;
mod door;
mod entity_list;
mod etag;
mod found;
pub mod health;
mod input;
mod lines;
mod looked_up;
mod operate;
mod relocate;
mod request;
mod restore;
mod rights;
mod sessions;
mod side_by_side;
mod still;
mod subject;
mod table;
pub mod v1;
mod work_items;
mod worklist;

pub(in crate::serve) use request::finish;

use health::Health;
use side_by_side::at_most;

/// Changes that are made side by side: each brings up to 2 MiB. More are refused: one that waited with its body unread would
/// hold its connection, and no time-out runs for who is not waited for.
const CHANGES_MAX: usize = 8;
/// Requests of `/api/v1` that are answered side by side; more are refused. A stream counts until its first line.
const REQUESTS_MAX: usize = 64;

/// The routes of the API.
pub(super) fn routes(site: &Site) -> Router<Site> {
    let changes = Router::new()
        .route("/api/requeue", post(changes::requeue))
        .route("/api/redrive", post(changes::redrive))
        .route("/api/remove-absent", post(changes::remove_absent))
        .route("/api/take-down", post(changes::take_down))
        .route("/api/rewrite-urls", post(changes::rewrite_urls))
        .route("/api/restore", post(restore::restore))
        .route("/api/dismiss", post(restore::dismiss))
        .route("/api/dismiss-lines", post(restore::dismiss_lines))
        .route("/api/move", post(relocate::relocate))
        .layer(middleware::from_fn_with_state(Arc::new(Semaphore::new(CHANGES_MAX)), at_most));
    let mut v1 = v1::routes().layer(middleware::from_fn_with_state(Arc::new(Semaphore::new(REQUESTS_MAX)), at_most));
    v1 = v1.layer(middleware::from_fn_with_state(site.clone(), door::admit));
    if !site.cors.is_off() {
        v1 = v1.layer(cors::layer(&site.cors));
    }
    changes
        .layer(middleware::from_fn_with_state(site.clone(), door::admit))
        .merge(v1)
        // Beside the door: a monitor is to hear how the server is, most of all while it has much to do.
        .route("/api/health", get(changes::health).layer(Extension(Health::default())))
        .layer(DefaultBodyLimit::max(changes::BODY_MAX_BYTES))
}

/// The answer to paths of the API that it does not have.
pub(super) fn unknown() -> Response {
    request::unknown().into_response()
}
