//! Changes: what happened to photos, in order.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ledger::history::HistoryLine, proof::deliveries::acts::Act};

/// A part of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// The changes, oldest first.
    pub items: Vec<ChangeView>,
    /// What to give as `since` the next time, whether there was a change or not.
    pub next: u64,
    /// What to give as `mark` beside it: it shows a server whose database was put back that `next` is not of its history. Null where there is
    /// none.
    #[serde(default)]
    pub mark: Option<String>,
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
    /// The delivery that the upload came with: the id of a recorded one, or the implicit one of its day. Null of a removal, and of a file
    /// that belongs to no vertical.
    #[serde(default)]
    pub delivery: Option<String>,
    /// The image sizes that are served since; of a removal, those that were taken down.
    pub image_sizes: Vec<String>,
    /// What somebody did, where it was neither an upload nor a deletion by a client: `dismissed`, `moved`, `unpublished`, or `restored`. Of the
    /// history of an entity alone, and of the last act with a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// What they noted about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ChangeView {
    /// The same with what somebody did, where that is known.
    #[must_use]
    pub fn with_act(self, act: Option<&Act>) -> Self {
        let Some(act) = act else { return self };
        let (by, note) = (act.by().map(ToString::to_string), act.note().map(str::to_owned));
        Self { act: Some(act.code().to_owned()), actor: self.actor.or(by), note, ..self }
    }

    /// A line of the history, and the delivery that its upload came with.
    pub fn of(line: &HistoryLine, delivery: Option<String>) -> Self {
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
            delivery,
            image_sizes: change.image_sizes.clone(),
            act: None,
            note: None,
        }
    }
}
