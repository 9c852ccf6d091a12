//! The JSON API: health, and the changes that other commands ask a running server for.
//!
//! A change must be asked for in JSON and with the header [`ASKED_BY`]: a web page of somebody else's can send neither
//! across origins without our leave, which is never given.

use axum::{
    Extension, Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::health::Health;
use crate::{
    flow::requeue,
    model::error::Error,
    proof::repair,
    serve::{audited::Named, site::Site},
};

/// Header that every change must carry, whatever its value.
pub(super) const ASKED_BY: &str = "x-cameo-client";
/// Keys in one request, at most.
pub(super) const KEYS_MAX: usize = 1000;
/// Body of one request, at most.
pub(super) const BODY_MAX_BYTES: usize = 2 << 20;

/// Proof that a request does not come from a web page of somebody else's.
pub(super) struct OwnClient;

impl<S: Sync> FromRequestParts<S> for OwnClient {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let asked = parts.headers.contains_key(ASKED_BY);
        asked.then_some(Self).ok_or((StatusCode::FORBIDDEN, "changes need the header x-cameo-client"))
    }
}

/// Originals to send through the flow again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    /// Their keys in the upload bucket.
    pub(super) keys: Vec<String>,
}

/// Dead letters to send again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Letters {
    /// The queue that they failed in.
    pub(super) queue: String,
    /// Their ids.
    pub(super) ids: Vec<String>,
}

/// How many dead letters were sent again.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Redriven {
    pub(super) redriven: u64,
}

/// How many rows were rewritten.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rewritten {
    pub(super) rewritten: u64,
}

/// 200 where an upload would go all the way now; else 503 with what it would fail at.
pub(super) async fn health(State(site): State<Site>, Extension(health): Extension<Health>) -> Response {
    let checks = health.of(&site.flow).await;
    let failed: Vec<&str> = checks.iter().filter_map(|check| check.error.as_deref()).collect();
    if failed.is_empty() {
        return Json(serde_json::json!({"status": "ok", "checks": checks})).into_response();
    }
    let error = failed.join("; ");
    tracing::warn!(%error, "the server is not healthy");
    let body = serde_json::json!({"status": "unavailable", "error": error, "checks": checks});
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

pub(super) fn too_many() -> Response {
    (StatusCode::PAYLOAD_TOO_LARGE, format!("at most {KEYS_MAX} keys at a time")).into_response()
}

/// The answer of a change, which names for the audit trail what it was about.
pub(super) fn answer(named: Vec<String>, result: Result<impl Serialize, Error>) -> Response {
    let mut response = match result {
        Ok(done) => Json(done).into_response(),
        Err(error) => failed(&error),
    };
    response.extensions_mut().insert(Named(named));
    response
}

pub(super) async fn redrive(State(site): State<Site>, _: OwnClient, Json(asked): Json<Letters>) -> Response {
    if asked.ids.len() > KEYS_MAX {
        return (StatusCode::PAYLOAD_TOO_LARGE, format!("at most {KEYS_MAX} dead letters at a time")).into_response();
    }
    let queues = [&site.events, &site.registrations];
    let Some(queue) = queues.into_iter().find(|queue| queue.name() == asked.queue) else {
        return (StatusCode::NOT_FOUND, "no such queue").into_response();
    };
    let redriven = queue.redrive(&asked.ids).await;
    answer(asked.ids, redriven.map(|redriven| Redriven { redriven }))
}

pub(super) async fn requeue(State(site): State<Site>, _: OwnClient, Json(asked): Json<Keys>) -> Response {
    if asked.keys.len() > KEYS_MAX {
        return too_many();
    }
    let requeued = requeue::requeue(&site.flow, &*site.events, &asked.keys, site.clock.now()).await;
    answer(asked.keys, requeued)
}

/// Takes down what is left of originals that are gone.
pub(super) async fn remove_absent(State(site): State<Site>, _: OwnClient, Json(asked): Json<Keys>) -> Response {
    if asked.keys.len() > KEYS_MAX {
        return too_many();
    }
    let removed = repair::remove_absent(&site.flow, &*site.events, &asked.keys, site.clock.now()).await;
    answer(asked.keys, removed)
}

/// Moves objects of the image bucket to quarantine that nobody owns.
pub(super) async fn take_down(State(site): State<Site>, _: OwnClient, Json(asked): Json<Keys>) -> Response {
    if asked.keys.len() > KEYS_MAX {
        return too_many();
    }
    let taken_down = repair::take_down(&site.flow, &asked.keys, site.clock.now()).await;
    answer(asked.keys, taken_down)
}

pub(super) async fn rewrite_urls(State(site): State<Site>, _: OwnClient, Json(asked): Json<Keys>) -> Response {
    if asked.keys.len() > KEYS_MAX {
        return too_many();
    }
    let rewritten = repair::rewrite_urls(&site.flow, &site.images_url, &asked.keys).await;
    answer(asked.keys, rewritten.map(|rewritten| Rewritten { rewritten }))
}

fn failed(error: &Error) -> Response {
    tracing::warn!(%error, "a request of the API failed");
    let body = serde_json::json!({"status": "unavailable", "error": error.to_string()});
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}
