//! The SQL side: the ledger (`cameo_*`) and the public table (`celeb_image_url`).
//!
//! [`Catalog::register`] is the only writer of both, in one transaction. What a message does to the ledger and the rows
//! is decided by one pure function, [`decide`](crate::ledger::decide), for every backend; a backend only reads and writes. `memory` is
//! the reference meaning, and every backend passes `contract`.

use async_trait::async_trait;

use crate::{
    ledger::{Count, EntityRows, LedgerEntry, Registered, Row, Scope},
    model::{
        error::Result,
        generation::Generation,
        key::{EntityId, Vertical},
        outcome::Outcome,
    },
};

#[cfg(any(feature = "mysql", feature = "postgres"))]
mod columns;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod entity_locks;
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
pub mod table_check;
pub mod unused;

pub use entity_locks::EntityLock;
pub use open::{CatalogSettings, Use, check, open, open_read_only};
pub use pages::{LedgerPages, RowPages};
pub use rows::ForeignRows;

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
