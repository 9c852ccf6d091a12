//! The catalog of a process that registers nothing: rendering needs none, so it is given no database to reach.
//!
//! It is always up, since nothing hangs on it; whatever asks it for something is a mistake of whoever set it up, and gets an error.

use std::ops::Range;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    Accounts, Counts, EntityLock, History, HistoryEnds, LedgerReader, Registry, Webhooks,
    people::{Added, People},
    webhooks,
};
use crate::{
    ledger::{EntityRows, LedgerEntry, Registered, Row, Scope, counts::KeptCount, history::HistoryLine},
    model::{
        account::{Account, Link, Session},
        error::{Error, Kind, Place, Result},
        generation::Generation,
        key::{EntityId, Vertical},
        outcome::Outcome,
        token::{SecretHash, Token},
        webhook::{Attempt, Message, Watch, Webhook, WebhookHealth},
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

    async fn rejected(&self, _: Option<&Vertical>, _: usize) -> Result<Vec<LedgerEntry>> {
        none()
    }

    async fn rejected_for(&self, _: &str, _: Option<&Vertical>, _: &str, _: usize) -> Result<Vec<LedgerEntry>> {
        none()
    }

    async fn ledger_with_prefix(&self, _: &str, _: &str, _: usize) -> Result<Vec<LedgerEntry>> {
        none()
    }

    async fn ledger_before(&self, _: &Vertical, _: &str, _: usize) -> Result<Vec<LedgerEntry>> {
        none()
    }
}

#[async_trait]
impl Counts for UnusedCatalog {
    async fn kept_counts(&self) -> Result<Vec<KeptCount>> {
        none()
    }

    async fn counted(&self) -> Result<Vec<KeptCount>> {
        none()
    }

    async fn counts_drifted(&self) -> Result<bool> {
        none()
    }

    async fn recount(&self) -> Result<()> {
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

    async fn changes_before(&self, _: Option<u64>, _: Option<&Vertical>, _: usize) -> Result<Vec<HistoryLine>> {
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

    async fn history_ends(&self) -> Result<HistoryEnds> {
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

#[async_trait]
impl People for UnusedCatalog {
    async fn add_account(&self, _: &Account, _: bool) -> Result<Added> {
        none()
    }

    async fn account(&self, _: &str) -> Result<Option<Account>> {
        none()
    }

    async fn account_named(&self, _: &str) -> Result<Option<Account>> {
        none()
    }

    async fn account_of_subject(&self, _: &str) -> Result<Option<Account>> {
        none()
    }

    async fn accounts(&self, _: &str, _: usize) -> Result<Vec<Account>> {
        none()
    }

    async fn count_accounts(&self) -> Result<u64> {
        none()
    }

    async fn change_account(&self, _: &Account) -> Result<bool> {
        none()
    }

    async fn remove_account(&self, _: &str) -> Result<bool> {
        none()
    }

    async fn note_login(&self, _: &str, _: Timestamp) -> Result<()> {
        none()
    }

    async fn add_session(&self, _: &Session, _: &SecretHash) -> Result<()> {
        none()
    }

    async fn session_of(&self, _: &SecretHash) -> Result<Option<(Session, Account)>> {
        none()
    }

    async fn sessions_of(&self, _: &str) -> Result<Vec<Session>> {
        none()
    }

    async fn end_session(&self, _: &str) -> Result<bool> {
        none()
    }

    async fn note_session_use(&self, _: &str, _: Timestamp) -> Result<()> {
        none()
    }

    async fn add_link(&self, _: &Link, _: &SecretHash) -> Result<()> {
        none()
    }

    async fn link_of(&self, _: &SecretHash) -> Result<Option<Link>> {
        none()
    }

    async fn count_links(&self, _: Option<&str>) -> Result<u64> {
        none()
    }

    async fn remove_links(&self, _: Option<&str>) -> Result<()> {
        none()
    }
}

#[async_trait]
impl Webhooks for UnusedCatalog {
    async fn add_webhook(&self, _: &Webhook) -> Result<()> {
        none()
    }

    async fn webhook(&self, _: &str) -> Result<Option<Webhook>> {
        none()
    }

    async fn webhooks(&self) -> Result<Vec<Webhook>> {
        none()
    }

    async fn change_webhook(&self, _: &Webhook) -> Result<bool> {
        none()
    }

    async fn remove_webhook(&self, _: &str) -> Result<bool> {
        none()
    }

    async fn note_webhook_health(&self, _: &str, _: &WebhookHealth) -> Result<()> {
        none()
    }

    async fn lease_webhooks(&self, _: &str, _: Timestamp, _: Timestamp) -> Result<bool> {
        none()
    }

    async fn advance_webhook(&self, _: &str, _: (u64, u64), _: &[Message], _: &[Watch]) -> Result<bool> {
        none()
    }

    async fn add_webhook_messages(&self, _: &[Message]) -> Result<()> {
        none()
    }

    async fn due_webhook_messages(&self, _: &str, _: Timestamp, _: usize) -> Result<Vec<Message>> {
        none()
    }

    async fn count_pending_webhook_messages(&self, _: &str) -> Result<u64> {
        none()
    }

    async fn webhook_message(&self, _: &str, _: &str) -> Result<Option<Message>> {
        none()
    }

    async fn webhook_messages(&self, _: &str, _: webhooks::Before<'_>, _: usize) -> Result<Vec<Message>> {
        none()
    }

    async fn note_webhook_attempt(&self, _: &Attempt, _: &Message) -> Result<()> {
        none()
    }

    async fn webhook_attempts(&self, _: &str, _: webhooks::Before<'_>, _: usize) -> Result<Vec<Attempt>> {
        none()
    }

    async fn replay_webhook_messages(&self, _: &str, _: webhooks::Replay<'_>, _: Timestamp) -> Result<u64> {
        none()
    }

    async fn webhook_watch(&self, _: &str, _: &str) -> Result<Option<Watch>> {
        none()
    }

    async fn due_webhook_watches(&self, _: &str, _: Timestamp, _: usize) -> Result<Vec<Watch>> {
        none()
    }

    async fn put_webhook_watch(&self, _: &Watch) -> Result<()> {
        none()
    }

    async fn remove_webhook_watch(&self, _: &str, _: &str) -> Result<()> {
        none()
    }

    async fn forget_webhook_past(&self, _: &str, _: webhooks::Past) -> Result<u64> {
        none()
    }
}
