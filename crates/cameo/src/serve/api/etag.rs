//! Answers that are sent only where the client has not got them already: `ETag` and `If-None-Match`.

use std::time::SystemTime;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::serve::{
    conditions::precondition,
    problem::{Answer, Problem},
};

/// Bytes of a digest that make a tag.
const TAG_BYTES: usize = 16;

/// JSON with a strong `ETag` of its bytes, or 304 where the request names it.
pub(super) fn json(request: &HeaderMap, value: &impl Serialize) -> Answer<Response> {
    let body = serde_json::to_vec(value).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("failed to write an answer: {error}"))
    })?;
    let tag = hex::encode(&Sha256::digest(&body)[..TAG_BYTES]);
    let quoted = HeaderValue::from_str(&format!("\"{tag}\"")).unwrap_or(HeaderValue::from_static("\"\""));
    let etag = [(header::ETAG, quoted)];
    // There is no time of change: conditions of times are as if they were not there.
    let mut conditions = request.clone();
    conditions.remove(header::IF_MODIFIED_SINCE);
    conditions.remove(header::IF_UNMODIFIED_SINCE);
    Ok(match precondition(&conditions, &tag, SystemTime::UNIX_EPOCH) {
        Some(StatusCode::NOT_MODIFIED) => (StatusCode::NOT_MODIFIED, etag).into_response(),
        Some(status) => (status, etag).into_response(),
        None => (etag, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
    })
}
