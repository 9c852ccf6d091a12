//! What keeps how many originals are in which state, so that nobody has to count them.
//!
//! Counts change in the transaction of the ledger, and by it alone: embedded by triggers, on a server by what `register` sends. There each
//! count is spread over [`SHARDS`] rows, so that registrations side by side seldom wait for the same one.

use async_trait::async_trait;

use crate::{
    ledger::{
        Count,
        counts::{KeptCount, without_serving},
    },
    model::error::Result,
};

/// Rows that a count is spread over on a server.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) const SHARDS: i64 = 16;

/// What knows how many originals are in which state.
#[async_trait]
pub trait Counts: Send + Sync + std::fmt::Debug {
    /// The counts that are kept, in the order of their keys, without those that are 0.
    async fn kept_counts(&self) -> Result<Vec<KeptCount>>;

    /// The same, counted: it reads the whole ledger. For those who look whether the two agree.
    async fn counted(&self) -> Result<Vec<KeptCount>>;

    /// Whether the kept counts differ from those that are counted, both as of one instant. It reads the whole ledger.
    async fn counts_drifted(&self) -> Result<bool>;

    /// Makes the kept counts those that are counted, against everybody who registers meanwhile. They differ where an older version of Cameo
    /// registered beside this one, or somebody changed the ledger by hand.
    async fn recount(&self) -> Result<()>;

    /// How many originals are in each state, by vertical and reason.
    async fn counts(&self) -> Result<Vec<Count>> {
        Ok(without_serving(self.kept_counts().await?))
    }
}
