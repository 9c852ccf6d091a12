//! A file of a delivery: what is asked of it, and how far its bytes came.
//!
//! It looks at nothing itself; `state` does.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    dismissed::{Dismissal, Dismissed, Settlement},
    later::Later,
    record::{DeliveredFile, Record, photo_of},
};
use crate::model::{
    key::{ORIGIN_PREFIX, Vertical},
    reason::ReasonCode,
};

/// A file of which the state is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is in the upload bucket.
    pub key: String,
    /// Its name.
    pub file: String,
    /// Length in bytes; any where nobody knows it.
    pub size: Option<u64>,
    /// MD5 of its content, or its `ETag`.
    pub md5: String,
    /// Other bytes that were uploaded after this time took its place; those before were there already.
    pub since: Timestamp,
}

/// How far the bytes of an item came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Neither the upload bucket nor the ledger has them.
    Missing,
    /// They are in the upload bucket.
    Received,
    /// Their renditions are published, and wait for being registered.
    Rendered,
    /// They are registered, at every image size of their size set.
    Registered,
    /// They can have no renditions, or their message is dead.
    Rejected,
    /// A later upload of the same name took their place.
    Replaced,
    /// They were deleted.
    Removed,
    /// They were rejected, and somebody settled that: the file is gone, and nobody need act.
    Dismissed,
    /// Somebody moved them to another vertical.
    Moved,
    /// Somebody took their photo down, and said why.
    Unpublished,
}

impl ItemState {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Missing,
        Self::Received,
        Self::Rendered,
        Self::Registered,
        Self::Rejected,
        Self::Replaced,
        Self::Removed,
        Self::Dismissed,
        Self::Moved,
        Self::Unpublished,
    ];

    /// What somebody did, where that is what it says.
    pub fn settlement(self) -> Option<Settlement> {
        match self {
            Self::Dismissed => Some(Settlement::Dismissed),
            Self::Moved => Some(Settlement::Moved),
            Self::Unpublished => Some(Settlement::Unpublished),
            _ => None,
        }
    }

    /// Whether it changes by itself.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Received | Self::Rendered)
    }

    /// Whether it is neither live, nor on its way there, nor settled.
    pub fn is_failed(self) -> bool {
        matches!(self, Self::Missing | Self::Rejected | Self::Replaced | Self::Removed)
    }
}

/// A file of a delivery and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its name.
    pub file: String,
    /// The entity's number, also where only the name's beginning gives it.
    pub cd_idx: Option<u64>,
    /// The photo's sequence.
    pub sequence: Option<u16>,
    /// How far it came.
    pub state: ItemState,
    /// Why it was rejected.
    pub reason: Option<ReasonCode>,
    /// What was found and where, in English.
    pub detail: Option<String>,
    /// What took its place or deleted it, as the history has it.
    pub later: Option<Later>,
    /// Whether a good photo is served although an upload over it was rejected: this one where it was replaced, an older one where it was
    /// itself rejected.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub last_good_served: bool,
    /// The delivery that was recorded after it was uploaded and names it too, or replaced it; of the implicit delivery of a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_over: Option<String>,
    /// Who settled it, of a dismissed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dismissed: Option<Dismissed>,
    /// Who moved it and to where, or took it down and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<Dismissed>,
}

impl Item {
    /// Of a file of a vertical, with nothing but its state.
    pub fn new(vertical: &Vertical, file: &str, state: ItemState) -> Self {
        let (cd_idx, sequence) = photo_of(vertical, file);
        Self {
            file: file.to_owned(),
            cd_idx,
            sequence,
            state,
            reason: None,
            detail: None,
            later: None,
            last_good_served: false,
            taken_over: None,
            dismissed: None,
            settled: None,
        }
    }

    /// Whether it is of the implicit delivery of a day, and a delivery replaced it that was recorded later: nobody recorded that it was
    /// handed over, so nothing is missing.
    pub fn is_superseded(&self) -> bool {
        self.state == ItemState::Replaced && self.taken_over.is_some()
    }

    /// Who settled it, however they did.
    pub fn settled_by(&self) -> Option<&Dismissed> {
        self.dismissed.as_ref().or(self.settled.as_ref())
    }

    /// Whether its bytes are nowhere, or others took their place: there is no file that somebody could dismiss.
    pub(super) fn is_gone(&self) -> bool {
        self.state.is_failed() && self.state != ItemState::Rejected
    }

    /// Takes it for settled, by whom and why; what it was is noted with it.
    pub(super) fn dismiss(&mut self, by: Dismissed) {
        (self.state, self.dismissed, self.settled) = (ItemState::Dismissed, Some(by), None);
        (self.reason, self.detail, self.later, self.last_good_served) = (None, None, None, false);
    }

    /// Takes it for what a note on its file says.
    pub(super) fn settle(&mut self, note: Dismissal) {
        (self.state, self.dismissed, self.settled) = match note.settlement {
            Settlement::Dismissed => (ItemState::Dismissed, Some(note.dismissed), None),
            Settlement::Moved => (ItemState::Moved, None, Some(note.dismissed)),
            Settlement::Unpublished => (ItemState::Unpublished, None, Some(note.dismissed)),
        };
        (self.reason, self.detail, self.last_good_served) = (None, None, false);
    }
}

impl Record {
    /// The files of which the state is asked.
    pub fn wanted(&self) -> Vec<Wanted> {
        let wanted = |file: &DeliveredFile| Wanted {
            key: origin_key(&self.vertical, &file.name),
            file: file.name.clone(),
            size: Some(file.size),
            md5: file.md5.clone(),
            since: self.created,
        };
        self.content.files.iter().map(wanted).collect()
    }
}

/// The reason for which an item is not live; none where it is.
pub fn reason_of(item: &Item) -> Option<ReasonCode> {
    Some(match item.state {
        ItemState::Registered => return None,
        ItemState::Missing => ReasonCode::UploadMissing,
        ItemState::Received | ItemState::Rendered => ReasonCode::UploadPending,
        ItemState::Rejected => item.reason.unwrap_or(ReasonCode::SystemUnknownReason),
        ItemState::Replaced => ReasonCode::UploadReplaced,
        ItemState::Removed => ReasonCode::UploadRemoved,
        ItemState::Dismissed => ReasonCode::UploadDismissed,
        ItemState::Moved => ReasonCode::UploadMoved,
        ItemState::Unpublished => ReasonCode::UploadUnpublished,
    })
}

/// Where a file of a vertical is in the upload bucket.
pub(super) fn origin_key(vertical: &Vertical, file: &str) -> String {
    format!("{ORIGIN_PREFIX}{vertical}/{file}")
}
