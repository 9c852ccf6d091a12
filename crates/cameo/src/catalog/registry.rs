//! What registers: the only writer of the ledger and of the public table.

use async_trait::async_trait;

use super::EntityLock;
use crate::{
    ledger::{Registered, Row},
    model::{error::Result, key::EntityId, outcome::Outcome},
};

/// What registers.
#[async_trait]
pub trait Registry: Send + Sync + std::fmt::Debug {
    /// Applies messages, oldest first, in one transaction: all or none. What each did comes back in their order.
    async fn register(&self, outcomes: &[Outcome]) -> Result<Vec<Registered>>;

    /// Holds the entity until the guard is dropped, against everybody who uses the same database.
    async fn lock_entity(&self, entity: &EntityId) -> Result<EntityLock>;

    /// Gives rows that are still as told (but for the address) a new address; returns how many.
    async fn rewrite_urls(&self, rows: &[Row]) -> Result<u64>;

    /// Succeeds when the database answers and lets us in.
    async fn ping(&self) -> Result<()>;

    /// Succeeds when the database would take a registration now, as far as it can be found out without writing a row. One
    /// that is opened for reading is only asked whether it answers.
    async fn probe(&self) -> Result<()> {
        self.ping().await
    }
}
