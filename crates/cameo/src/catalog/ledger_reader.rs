//! What reads the ledger and the public table.

use async_trait::async_trait;
use serde::Serialize;

use crate::{
    ledger::{EntityRows, LedgerEntry, Row, Scope},
    model::{
        error::Result,
        generation::Generation,
        key::{EntityId, Vertical},
    },
};

/// Rows of the table that cannot be Cameo's: their key has a `NULL` or a value that is not of the grammar. They are left
/// alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ForeignRows {
    /// How many.
    pub rows: u64,
    /// The key of one of them, for a person to find it.
    pub example: Option<String>,
}

/// What reads the ledger and the public table.
#[async_trait]
pub trait LedgerReader: Send + Sync + std::fmt::Debug {
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

    /// The highest generation that the ledger has decided; none where it is empty. Reads the whole ledger: for a start.
    async fn highest_generation(&self) -> Result<Option<Generation>>;

    /// Rejected originals, newest first, at most `max`.
    async fn rejected(&self, vertical: Option<&Vertical>, max: usize) -> Result<Vec<LedgerEntry>>;

    /// Originals that are rejected for the reason that is stored as `code`, keys after `after`, in the order of keys, at most `max`. It reads
    /// no others, however many there are.
    async fn rejected_for(
        &self,
        code: &str,
        vertical: Option<&Vertical>,
        after: &str,
        max: usize,
    ) -> Result<Vec<LedgerEntry>>;

    /// Ledger entries whose keys begin with `prefix`, after `after`, in the order of keys, at most `max`.
    async fn ledger_with_prefix(&self, prefix: &str, after: &str, max: usize) -> Result<Vec<LedgerEntry>>;

    /// Ledger entries of a vertical with keys before `before`, the last ones first, at most `max`.
    async fn ledger_before(&self, vertical: &Vertical, before: &str, max: usize) -> Result<Vec<LedgerEntry>>;
}
