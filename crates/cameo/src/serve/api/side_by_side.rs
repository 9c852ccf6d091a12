//! How many requests are worked on side by side: more are refused, since one that waited would hold its connection and its body.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use crate::serve::problem::Problem;

/// Refuses a request where as many as there may be are being worked on.
pub(super) async fn at_most(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.try_acquire() else { return Problem::busy().into_response() };
    next.run(request).await
}
