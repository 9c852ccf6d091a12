//! The id that a request of the API has in answers, logs and the audit trail, and which requests are of the API.

use axum::extract::Request;
use rand::Rng;

use crate::client::wire::REQUEST_ID;

/// Characters of an id that a client chose, at most.
const ID_MAX_CHARS: usize = 64;

/// The id of a request, as an extension of it.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

impl RequestId {
    /// The client's own, where it is one that a log line can hold; else a new one.
    pub(super) fn of(request: &Request) -> Self {
        let sent = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
        let is_sane = |id: &&str| {
            (1..=ID_MAX_CHARS).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        Self(sent.filter(is_sane).map_or_else(|| format!("{:016X}", rand::rng().random::<u64>()), str::to_owned))
    }
}

/// Whether a path is one of the API.
pub(super) fn is_of_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}
