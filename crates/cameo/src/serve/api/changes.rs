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
use serde::Serialize;

use super::{
    health::{Health, certificate_check},
    rights::{Admin, Caller, Operator},
};
use crate::{
    client::wire::{ASKED_BY, KEYS_MAX, Keys, Letters, Redriven, Rewritten},
    flow::requeue,
    model::{
        error::Error,
        key::{ImageKey, UploadKey, Vertical},
        token::Verticals,
    },
    proof::repair,
    queue::Queue,
    serve::{
        audited::Named,
        problem::{Answer, Problem},
        site::Site,
    },
};

/// Dead letters that are looked through for those that a token limited to verticals names.
const DEAD_LOOKED_AT_MAX: usize = 10_000;
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

/// 200 where an upload would go all the way now; else 503 with what it would fail at.
pub(super) async fn health(State(site): State<Site>, Extension(health): Extension<Health>) -> Response {
    let now = site.clock.now();
    let mut checks = health.of(&site.flow).await;
    checks.extend(certificate_check(&site.host, now));
    let failed: Vec<&str> = checks.iter().filter_map(|check| check.error.as_deref()).collect();
    if failed.is_empty() {
        let warning = site.host.certificate.as_ref().and_then(|certificate| certificate.warning(now));
        let warnings: Vec<_> = warning.into_iter().collect();
        return Json(serde_json::json!({"status": "ok", "checks": checks, "warnings": warnings})).into_response();
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

pub(super) async fn redrive(
    State(site): State<Site>,
    _: OwnClient,
    Operator(caller): Operator,
    Json(asked): Json<Letters>,
) -> Answer<Response> {
    if asked.ids.len() > KEYS_MAX {
        return Ok(
            (StatusCode::PAYLOAD_TOO_LARGE, format!("at most {KEYS_MAX} dead letters at a time")).into_response()
        );
    }
    let queues = [&site.events, &site.registrations];
    let Some(queue) = queues.into_iter().find(|queue| queue.name() == asked.queue) else {
        return Ok((StatusCode::NOT_FOUND, "no such queue").into_response());
    };
    require_own_letters(&caller, &**queue, &asked.ids).await?;
    let redriven = queue.redrive(&asked.ids).await;
    Ok(answer(asked.ids, redriven.map(|redriven| Redriven { redriven })))
}

/// A token that is limited to verticals names only letters that are about them.
pub(super) async fn require_own_letters(caller: &Caller, queue: &dyn Queue, ids: &[String]) -> Answer<()> {
    if caller.verticals == Verticals::All {
        return Ok(());
    }
    let letters = queue.dead_letters(DEAD_LOOKED_AT_MAX).await.map_err(Problem::from)?;
    let keys = ids.iter().flat_map(|id| match letters.iter().find(|letter| letter.id == *id) {
        Some(letter) if !letter.keys.is_empty() => letter.keys.iter().map(|key| UploadKey::vertical(key)).collect(),
        _ => vec![None],
    });
    caller.change(keys)
}

pub(in crate::serve::api) fn of_originals(keys: &[String]) -> impl Iterator<Item = Option<Vertical>> {
    keys.iter().map(|key| UploadKey::vertical(key))
}

fn of_images(keys: &[String]) -> impl Iterator<Item = Option<Vertical>> {
    keys.iter().map(|key| match ImageKey::parse(key) {
        ImageKey::Rendition(photo, _) => Some(photo.entity.vertical),
        ImageKey::Alias(entity, _) => Some(entity.vertical),
        ImageKey::Other(vertical) => Some(vertical),
        ImageKey::Foreign => None,
    })
}

pub(super) async fn requeue(
    State(site): State<Site>,
    _: OwnClient,
    Operator(caller): Operator,
    Json(asked): Json<Keys>,
) -> Answer<Response> {
    if asked.keys.len() > KEYS_MAX {
        return Ok(too_many());
    }
    caller.change(of_originals(&asked.keys))?;
    let requeued = requeue::requeue(&site.flow, &*site.events, &asked.keys, site.clock.now()).await;
    Ok(answer(asked.keys, requeued))
}

/// Takes down what is left of originals that are gone.
pub(super) async fn remove_absent(
    State(site): State<Site>,
    _: OwnClient,
    Admin(caller): Admin,
    Json(asked): Json<Keys>,
) -> Answer<Response> {
    if asked.keys.len() > KEYS_MAX {
        return Ok(too_many());
    }
    caller.change(of_originals(&asked.keys))?;
    let removed = repair::remove_absent(&site.flow, &*site.events, &asked.keys, site.clock.now()).await;
    Ok(answer(asked.keys, removed))
}

/// Moves objects of the image bucket to quarantine that nobody owns.
pub(super) async fn take_down(
    State(site): State<Site>,
    _: OwnClient,
    Admin(caller): Admin,
    Json(asked): Json<Keys>,
) -> Answer<Response> {
    if asked.keys.len() > KEYS_MAX {
        return Ok(too_many());
    }
    caller.change(of_images(&asked.keys))?;
    let taken_down = repair::take_down(&site.flow, &asked.keys, site.clock.now()).await;
    Ok(answer(asked.keys, taken_down))
}

pub(super) async fn rewrite_urls(
    State(site): State<Site>,
    _: OwnClient,
    Admin(caller): Admin,
    Json(asked): Json<Keys>,
) -> Answer<Response> {
    if asked.keys.len() > KEYS_MAX {
        return Ok(too_many());
    }
    caller.change(of_originals(&asked.keys))?;
    let rewritten = repair::rewrite_urls(&site.flow, &site.images_url, &asked.keys).await;
    Ok(answer(asked.keys, rewritten.map(|rewritten| Rewritten { rewritten })))
}

fn failed(error: &Error) -> Response {
    tracing::warn!(%error, "a request of the API failed");
    let body = serde_json::json!({"status": "unavailable", "error": error.to_string()});
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}
