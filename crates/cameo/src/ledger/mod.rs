//! The ledger: what is known of every original, and the rules by which it changes. Pure: the catalog reads and stores it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{
    generation::Generation,
    key::{PhotoId, Vertical},
    reason::ReasonCode,
};

#[cfg(any(feature = "mysql", feature = "postgres"))]
pub mod batch;
pub mod before;
pub mod counts;
pub mod decide;
pub mod history;
pub mod image_urls;

/// The last known fate of a key under `origin/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    /// Key of the original in the upload bucket.
    pub key: String,
    /// The newest change of the key that is decided.
    pub generation: Generation,
    /// `ETag` of the original of that change; empty for a removal.
    pub etag: String,
    /// What became of that change.
    #[serde(flatten)]
    pub state: State,
    /// The change whose renditions and rows are being served, if any: older than `generation` where a bad
    /// original was uploaded over a good one.
    pub serving: Option<Generation>,
    /// The newest removal of the key, if it was ever removed: nothing older may be served again.
    pub removed: Option<Generation>,
    /// Size set and version of what is being served.
    pub size_set: Option<String>,
    /// Digest of that size set; none where an older version of Cameo registered it.
    pub size_set_digest: Option<String>,
    /// Version of the engine that made what is being served.
    pub engine: Option<String>,
    /// Every image size that was ever published for the key, also before a removal: it only grows, so that what is taken
    /// down after a commit can be taken down again. At most [`PUBLISHED_MAX`](decide::PUBLISHED_MAX).
    pub published: BTreeSet<String>,
    /// When this entry last changed.
    pub updated_at: Timestamp,
    /// Whether the columns that an entry is found by (vertical, `cd_idx`, sequence) are not those of its key: then what asks for a vertical
    /// does not see it.
    #[serde(skip)]
    pub misfiled: bool,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Rendered, registered and served.
    Serving,
    /// Stands rejected.
    Rejected {
        /// Which code names the fault.
        reason: ReasonCode,
        /// What was found and where, in English.
        detail: String,
    },
    /// Left by an operating system; never processed.
    Ignored,
    /// Deleted. The entry stays as a tombstone, so that a late event cannot revive it.
    Removed,
}

impl State {
    /// The state as it is stored.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Rejected { .. } => "rejected",
            Self::Ignored => "ignored",
            Self::Removed => "removed",
        }
    }

    /// The state for people, in Korean.
    pub const fn korean(&self) -> &'static str {
        match self {
            Self::Serving => "게시",
            Self::Rejected { .. } => "거부",
            Self::Ignored => "무시",
            Self::Removed => "삭제",
        }
    }
}

/// A row of the public table, without its key and dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Which photo it shows; with the image size, the key of the row.
    pub photo: PhotoId,
    /// Name of the image size.
    pub image_size: String,
    /// Where the rendition is served.
    pub image_url: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Length in bytes.
    pub bytes: u64,
    /// `ETag` without quotes.
    pub etag: String,
}

/// What registering a message did, and what is left to do outside the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The photo, where the key is one's.
    pub photo: Option<PhotoId>,
    /// What was done.
    pub effect: Effect,
    /// Renditions that no row may name. The same message finds the same again, whatever became of its rows before.
    pub take_down: Option<TakeDown>,
    /// Whether the same original was being served already, made into another size set: which of the two was published
    /// last, the ledger cannot tell.
    pub other_recipe: bool,
    /// Whether this wrote the first rows of the entity, as far as the catalog can tell without a question more.
    pub first: bool,
}

/// What registering a message did to the ledger and the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Rows were written.
    Rows,
    /// Rows are gone, or must not be.
    Unpublished,
    /// The ledger alone changed.
    Noted,
    /// A newer change, or a newer recipe of the same one, was decided before: nothing was done.
    Stale,
}

/// Renditions to be taken down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeDown {
    /// Image sizes of which nothing may stay.
    pub image_sizes: BTreeSet<String>,
    /// Only what was made from this generation or an older one.
    pub up_to: Generation,
}

/// The rows of an entity as of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityRows {
    /// Rises with every change of the entity's rows; 0 before the first.
    pub version: u64,
    /// The rows, by image size and sequence.
    pub rows: Vec<Row>,
}

/// Which entities a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of every vertical.
    All,
    /// Those of a vertical.
    Vertical(Vertical),
    /// Those with these numbers, of one vertical or of all.
    Ids {
        /// The vertical; all where there is none.
        vertical: Option<Vertical>,
        /// Their `cd_idx`, in any order; one that is named twice counts once.
        cd_idx: Vec<u64>,
    },
}

/// How many originals stand in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The vertical; none for keys that name none.
    pub vertical: Option<String>,
    /// The state, as it is stored.
    pub state: String,
    /// The reason code of rejected ones.
    pub reason: Option<String>,
    /// How many.
    pub originals: u64,
}
