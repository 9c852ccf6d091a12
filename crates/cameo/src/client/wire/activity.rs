//! Who did what: changes of photos, as the history has them, and acts of people, as the audit trail has them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of the log, newest first: `GET /api/v1/activity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Activity {
    /// The lines. A part may have fewer than `limit`, and still a `next`.
    pub items: Vec<ActivityLine>,
    /// What to give as `after` for older ones; null where there are none.
    pub next: Option<String>,
}

/// Where a line is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivitySource {
    /// The history: what became of a photo.
    History,
    /// The audit trail: what somebody asked for.
    Audit,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActivityLine {
    /// Where it is from.
    pub source: ActivitySource,
    /// When.
    pub at: Timestamp,
    /// Who: the name of a person or token, or an access key.
    pub actor: Option<String>,
    /// What: of the history `registered`, `replaced`, `repeated`, `removed` or `rejected`; of the audit trail the operation, such as
    /// `PutObject` or the path of the API.
    pub what: String,
    /// The vertical.
    pub vertical: Option<String>,
    /// The entity's number.
    pub cd_idx: Option<u64>,
    /// The photo's sequence.
    pub sequence: Option<u16>,
    /// The key.
    pub key: Option<String>,
    /// The reason code, of a rejection.
    pub code: Option<String>,
    /// What somebody did, of the history, where it was neither an upload nor a deletion by a client: `dismissed`, `moved`, `unpublished`, or
    /// `restored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// What was found, or what was noted.
    pub detail: Option<String>,
    /// The status of the answer, of the audit trail.
    pub status: Option<u16>,
    /// The id of the request, of the audit trail.
    pub request_id: Option<String>,
}
