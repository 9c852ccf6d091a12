//! Changes of originals that people ask for: taken down, dismissed, tried again, brought back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Originals: `POST /api/v1/originals/retry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OriginalsToRetry {
    /// Their keys in the upload bucket: 1,000 at most.
    #[schema(max_items = 1000)]
    pub keys: Vec<String>,
}

/// Originals whose events were sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OriginalsRetried {
    /// How many.
    pub retried: u64,
    /// Keys without an original: nothing can be made from them.
    pub gone: Vec<String>,
}

/// Dead letters: `POST /api/v1/dead-letters/retry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LettersToRetry {
    /// The queue that they failed in.
    pub queue: String,
    /// Their ids: 1,000 at most.
    #[schema(max_items = 1000)]
    pub letters: Vec<String>,
}

/// Dead letters that were sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LettersRetried {
    /// How many.
    pub retried: u64,
}

/// Rejected or misplaced files that are settled: `POST /api/v1/originals/dismiss`. They go to quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OriginalsToDismiss {
    /// Their keys in the upload bucket: 1,000 at most.
    #[schema(max_items = 1000)]
    pub keys: Vec<String>,
    /// Why, for whoever looks later; 500 characters at most.
    #[schema(max_length = 500)]
    pub note: String,
}

/// A photo or all photos of an entity that the public is to see no more: `POST /api/v1/originals/unpublish`. The originals go to
/// quarantine, and everything that was made from them is taken down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unpublish {
    /// The vertical.
    pub vertical: String,
    /// The entity's number.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub cd_idx: u64,
    /// Only this photo; all of the entity where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u16>,
    /// Why, for whoever looks later: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

/// What became of files that were to go to quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetAside {
    /// The keys that are in quarantine now.
    pub moved: Vec<String>,
    /// The keys that were left as they are, since by now they are other than was asked for: looked at again, they were gone, replaced, or
    /// not rejected any more, or an older one of them is served.
    pub left: Vec<String>,
    /// What to give to `POST /api/v1/originals/undo` to bring them back, for as long as they are kept; null where nothing was moved.
    pub undo: Option<Undo>,
}

/// What is to be undone: `POST /api/v1/originals/undo`. What was removed of these keys since that time comes back as new uploads, of each
/// key the newest; never over what has its key now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// The keys: 1,000 at most.
    #[schema(max_items = 1000)]
    pub keys: Vec<String>,
    /// Since when.
    pub since: Timestamp,
}

/// Originals that come back from quarantine: `POST /api/v1/originals/restore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OriginalsToRestore {
    /// Their ids in quarantine: 1,000 at most.
    #[schema(max_items = 1000)]
    pub ids: Vec<String>,
    /// Whether they replace what has their keys now, which goes to quarantine itself. Needed for `replaced` ones.
    #[serde(default)]
    pub over: bool,
    /// With `cd_idx`: the vertical of the entity that they must all be of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
    /// With `vertical`: the number of the entity that they must all be of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cd_idx: Option<u64>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OriginalsRestored {
    /// The ids that came back.
    pub restored: Vec<String>,
    /// The ids that did not: they are in quarantine no more, or their keys have other objects now.
    pub left: Vec<String>,
}

/// Originals of an entity that are in quarantine: `GET /api/v1/verticals/{vertical}/entities/{cd_idx}/quarantine`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineView {
    /// Newest first.
    pub items: Vec<KeptOriginal>,
    /// Whether there is more in quarantine than was looked at.
    pub truncated: bool,
}

/// An original in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptOriginal {
    /// Its id.
    pub id: String,
    /// The key that it had.
    pub key: String,
    /// The photo's sequence; null where the name is not a photo's.
    pub sequence: Option<u16>,
    /// Its `ETag`.
    pub etag: String,
    /// Its length, bytes.
    pub size: u64,
    /// When it was removed.
    pub removed_at: Timestamp,
    /// When it is gone for good.
    pub expires_at: Timestamp,
    /// Why: `deleted`, `replaced`, `superfluous`, `moved`, `dismissed` or `unpublished`.
    pub why: String,
    /// What somebody noted.
    pub note: Option<String>,
    /// What restoring would do: `restore` (it comes back), `occupied` (its key has an object: needs `over`), `newer` (a newer one of the
    /// key would come back: needs `over`), `on_demand` (it was replaced: needs `over`).
    pub verdict: String,
}
