//! Changes: what happened to photos, in order.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ledger::history::HistoryLine;

/// A part of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// The changes, oldest first.
    pub items: Vec<ChangeView>,
    /// What to give as `since` the next time, whether there was a change or not.
    pub next: u64,
    /// Whether there may be more already.
    pub more: bool,
}

/// A change of one photo, all its image sizes together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// Its place; rises with every change.
    pub position: u64,
    /// When it was registered.
    pub at: Timestamp,
    /// `registered`, `replaced`, `repeated`, `removed` or `rejected`.
    pub change: String,
    /// The vertical; null where the key names none.
    pub vertical: Option<String>,
    /// The entity's number; null where the name gives none.
    pub cd_idx: Option<u64>,
    /// The photo's sequence; null where the name is not a photo's.
    pub sequence: Option<u16>,
    /// The original's key in the upload bucket.
    pub key: String,
    /// Which change of the key it is.
    pub generation: String,
    /// The original's `ETag`.
    pub etag: String,
    /// The original's length, bytes, where it is known.
    pub size: Option<u64>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// What was found, of a rejection.
    pub detail: Option<String>,
    /// Who made the change: an access key or the name of a token.
    pub actor: Option<String>,
    /// The image sizes that are served since; of a removal, those that were taken down.
    pub image_sizes: Vec<String>,
}

impl ChangeView {
    /// A line of the history.
    pub fn of(line: &HistoryLine) -> Self {
        let change = &line.change;
        Self {
            position: line.position,
            at: change.at,
            change: change.change.code().to_owned(),
            vertical: change.vertical.as_ref().map(ToString::to_string),
            cd_idx: change.cd_idx,
            sequence: change.sequence,
            key: change.key.clone(),
            generation: change.generation.to_string(),
            etag: change.etag.clone(),
            size: change.size,
            reason: change.reason.map(|reason| reason.code().to_owned()),
            detail: change.detail.clone(),
            actor: change.actor.as_ref().map(ToString::to_string),
            image_sizes: change.image_sizes.clone(),
        }
    }
}
