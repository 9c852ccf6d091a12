//! The SQL side: the ledger (`cameo_*`) and the public table (`celeb_image_url`).
//!
//! [`Catalog::register`] is the only writer of both, in one transaction. What a message does to the ledger and the rows
//! is decided by one pure function, [`ledger::decide`], for every backend; a backend only reads and writes. `memory` is
//! the reference meaning, and every backend passes `contract`.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use crate::model::{
    error::Result,
    generation::Generation,
    key::{EntityId, PhotoId, Vertical},
    outcome::Outcome,
    reason::ReasonCode,
};

#[cfg(any(feature = "mysql", feature = "postgres"))]
mod batch;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod columns;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod entity_locks;
pub mod fit;
pub mod image_urls;
pub mod ledger;
pub mod limits;
pub mod memory;
#[cfg(feature = "mysql")]
pub mod mysql;
mod open;
mod pages;
#[cfg(feature = "postgres")]
pub mod postgres;
mod rows;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub mod schema;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod server;
pub mod sqlite;
pub mod table;
pub mod unused;

pub use entity_locks::EntityLock;
pub use open::{CatalogSettings, Use, check, open, open_read_only};
pub use pages::{LedgerPages, RowPages};
pub use rows::ForeignRows;

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
    /// down after a commit can be taken down again. At most [`PUBLISHED_MAX`](ledger::PUBLISHED_MAX).
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
        /// Why.
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
}

/// A row of the public table, without its key and dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The photo.
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
    /// Their image sizes.
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
    /// All.
    All,
    /// Those of a vertical.
    Vertical(Vertical),
    /// Those with these numbers, of one vertical or of all.
    Ids {
        /// The vertical; all where there is none.
        vertical: Option<Vertical>,
        /// The numbers.
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

/// The ledger and the public table.
#[async_trait]
pub trait Catalog: Send + Sync + std::fmt::Debug {
    /// Applies messages, oldest first, in one transaction: all or none. What each did comes back in their order.
    async fn register(&self, outcomes: &[Outcome]) -> Result<Vec<Registered>>;

    /// Holds the entity until the guard is dropped, against everybody who uses the same database.
    async fn lock_entity(&self, entity: &EntityId) -> Result<EntityLock>;

    /// The entity's rows and their version, as of one instant.
    async fn entity_rows(&self, entity: &EntityId) -> Result<EntityRows>;

    /// What the ledger says of a key.
    async fn entry(&self, key: &str) -> Result<Option<LedgerEntry>>;

    /// Ledger entries of the scope, keys after `after`, in the order of keys, at most `max`.
    async fn ledger(&self, scope: &Scope, after: &str, max: usize) -> Result<Vec<LedgerEntry>>;

    /// Rows of the scope after a row, in the order of vertical, `cd_idx`, sequence and image size, at most `max`.
    async fn rows(&self, scope: &Scope, after: Option<&Row>, max: usize) -> Result<Vec<Row>>;

    /// Rows of the table that cannot be Cameo's, which every reading skips: how many, and the key of one. It reads the table.
    async fn foreign_rows(&self) -> Result<ForeignRows> {
        Ok(ForeignRows::default())
    }

    /// Gives rows that are still as told (but for the address) a new address; returns how many.
    async fn rewrite_urls(&self, rows: &[Row]) -> Result<u64>;

    /// The highest generation that the ledger has decided; none where it is empty. Reads the whole ledger: for a start.
    async fn highest_generation(&self) -> Result<Option<Generation>>;

    /// How many originals stand in each state, by vertical and reason.
    async fn counts(&self) -> Result<Vec<Count>>;

    /// Rejected originals, newest first, at most `max`.
    async fn rejected(&self, vertical: Option<&Vertical>, max: usize) -> Result<Vec<LedgerEntry>>;

    /// Succeeds when the database answers and lets us in.
    async fn ping(&self) -> Result<()>;

    /// Succeeds when the database would take a registration now, as far as it can be found out without writing a row. One
    /// that is opened for reading is only asked whether it answers.
    async fn probe(&self) -> Result<()> {
        self.ping().await
    }
}
