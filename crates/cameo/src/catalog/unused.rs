//! The catalog of a process that registers nothing: rendering needs none, so it is given no database to reach.
//!
//! It is always up, since nothing hangs on it; whatever asks it for something is a mistake of whoever set it up, and gets an error.

use std::ops::Range;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Accounts, EntityLock, History, LedgerReader, Registry};
use crate::{
    ledger::{Count, EntityRows, LedgerEntry, Registered, Row, Scope, history::HistoryLine},
    model::{
        error::{Error, Kind, Place, Result},
        generation::Generation,
        key::{EntityId, Vertical},
        outcome::Outcome,
        token::{SecretHash, Token},
    },
};

/// No catalog.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnusedCatalog;

fn none<T>() -> Result<T> {
    Err(Error::new(Place::Catalog, Kind::Misconfigured, "use the database: this process only renders, it has none"))
}

#[async_trait]
impl Registry for UnusedCatalog {
    async fn register(&self, _: &[Outcome]) -> Result<Vec<Registered>> {
        none()
    }

    async fn lock_entity(&self, _: &EntityId) -> Result<EntityLock> {
        none()
    }

    async fn rewrite_urls(&self, _: &[Row]) -> Result<u64> {
        none()
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl LedgerReader for UnusedCatalog {
    async fn entity_rows(&self, _: &EntityId) -> Result<EntityRows> {
        none()
    }

    async fn entry(&self, _: &str) -> Result<Option<LedgerEntry>> {
        none()
    }

    async fn ledger(&self, _: &Scope, _: &str, _: usize) -> Result<Vec<LedgerEntry>> {
        none()
    }

    async fn rows(&self, _: &Scope, _: Option<&Row>, _: usize) -> Result<Vec<Row>> {
        none()
    }

    async fn highest_generation(&self) -> Result<Option<Generation>> {
        none()
    }

    async fn counts(&self) -> Result<Vec<Count>> {
        none()
    }

    async fn rejected(&self, _: Option<&Vertical>, _: usize) -> Result<Vec<LedgerEntry>> {
        none()
    }
}

#[async_trait]
impl History for UnusedCatalog {
    async fn history_of(&self, _: &EntityId, _: Option<u16>, _: Option<u64>, _: usize) -> Result<Vec<HistoryLine>> {
        none()
    }

    async fn changes(&self, _: u64, _: Option<&Vertical>, _: usize) -> Result<Vec<HistoryLine>> {
        none()
    }

    async fn changes_on(
        &self,
        _: &Vertical,
        _: Range<Timestamp>,
        _: Option<&HistoryLine>,
        _: usize,
    ) -> Result<Vec<HistoryLine>> {
        none()
    }

    async fn last_change_before(&self, _: &Vertical, _: Timestamp) -> Result<Option<HistoryLine>> {
        none()
    }

    async fn forget_changes(&self, _: u64) -> Result<u64> {
        none()
    }
}

#[async_trait]
impl Accounts for UnusedCatalog {
    async fn add_token(&self, _: &Token, _: &SecretHash) -> Result<bool> {
        none()
    }

    async fn token_of(&self, _: &SecretHash) -> Result<Option<Token>> {
        none()
    }

    async fn tokens(&self, _: &str, _: usize) -> Result<Vec<Token>> {
        none()
    }

    async fn find_token(&self, _: &str) -> Result<Option<Token>> {
        none()
    }

    async fn revoke_token(&self, _: &str, _: Timestamp) -> Result<bool> {
        none()
    }

    async fn note_token_use(&self, _: &str, _: Timestamp) -> Result<()> {
        none()
    }
}
