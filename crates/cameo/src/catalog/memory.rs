//! A catalog in memory: the reference meaning, for tests. Nothing survives the process.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Bound, Range},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Counts, EntityLock, History, HistoryEnds, LedgerReader, Registry, entity_locks::EntityLocks};
use crate::{
    clock::Clock,
    ledger::{
        EntityRows, LedgerEntry, Registered, Row, Scope, State,
        before::{Before, RowChange},
        counts::{CountKey, KeptCount},
        decide::{RegisterRules, decide},
        history::HistoryLine,
    },
    model::{
        account::{Account, Link, Session},
        error::Result,
        generation::Generation,
        key::{EntityId, PhotoId, UploadKey, Vertical},
        outcome::Outcome,
        token::{SecretHash, Token},
    },
};

mod people;
mod tokens;
mod webhooks;

/// A catalog in memory.
#[derive(Debug)]
pub struct MemoryCatalog {
    rules: RegisterRules,
    clock: Arc<dyn Clock>,
    locks: EntityLocks,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default, Clone)]
struct Tables {
    ledger: BTreeMap<String, LedgerEntry>,
    rows: BTreeMap<(PhotoId, String), Row>,
    versions: BTreeMap<EntityId, u64>,
    history: BTreeMap<u64, HistoryLine>,
    /// The last position that was given out.
    position: u64,
    /// By id, with the secret.
    tokens: BTreeMap<String, (Token, SecretHash)>,
    /// The ids of those that have their names.
    token_names: BTreeMap<String, String>,
    /// By id.
    accounts: BTreeMap<String, Account>,
    /// By id, with the secret.
    sessions: BTreeMap<String, (Session, SecretHash)>,
    links: BTreeMap<SecretHash, Link>,
    webhooks: webhooks::Kept,
}

impl MemoryCatalog {
    /// An empty catalog.
    pub fn new(rules: RegisterRules, clock: Arc<dyn Clock>) -> Self {
        Self { rules, clock, locks: EntityLocks::default(), tables: Mutex::default() }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn apply(&mut self, outcome: &Outcome, rules: &RegisterRules, now: Timestamp) -> Registered {
        let sizes: BTreeSet<_> = match UploadKey::parse(&outcome.key) {
            UploadKey::Photo(photo) => self.rows.keys().filter(|key| key.0 == photo).map(|key| key.1.clone()).collect(),
            _ => BTreeSet::new(),
        };
        let decision = decide(Before { entry: self.ledger.get(&outcome.key), rows: &sizes }, outcome, rules, now);
        if let Some(entry) = &decision.entry {
            self.ledger.insert(entry.key.clone(), entry.clone());
        }
        if let Some(change) = decision.history.clone() {
            self.position += 1;
            self.history.insert(self.position, HistoryLine { position: self.position, change });
        }
        let first = match (&decision.photo, &decision.rows) {
            (Some(photo), RowChange::Replace(rows)) => self.replace(photo, rows),
            (Some(photo), RowChange::Remove) => self.replace(photo, &[]),
            _ => false,
        };
        decision.registered(first)
    }

    /// Makes `rows` the photo's rows; returns whether it is the entity's first change.
    fn replace(&mut self, photo: &PhotoId, rows: &[Row]) -> bool {
        let version = self.versions.entry(photo.entity.clone()).or_default();
        *version += 1;
        let first = *version == 1;
        self.rows.retain(|key, _| key.0 != *photo);
        self.rows.extend(rows.iter().map(|row| ((photo.clone(), row.image_size.clone()), row.clone())));
        first
    }
}

fn in_scope(scope: &Scope, vertical: Option<&Vertical>, cd_idx: Option<u64>) -> bool {
    match scope {
        Scope::All => true,
        Scope::Vertical(asked) => vertical == Some(asked),
        Scope::Ids { vertical: asked, cd_idx: ids } => {
            asked.as_ref().is_none_or(|asked| vertical == Some(asked)) && cd_idx.is_some_and(|id| ids.contains(&id))
        }
    }
}

fn key_in_scope(scope: &Scope, key: &str) -> bool {
    match UploadKey::parse(key) {
        UploadKey::Photo(photo) => in_scope(scope, Some(&photo.entity.vertical), Some(photo.entity.cd_idx)),
        _ => in_scope(scope, UploadKey::vertical(key).as_ref(), None),
    }
}

#[async_trait]
impl Registry for MemoryCatalog {
    async fn register(&self, outcomes: &[Outcome]) -> Result<Vec<Registered>> {
        let now = self.clock.now();
        let mut tables = self.tables();
        Ok(outcomes.iter().map(|outcome| tables.apply(outcome, &self.rules, now)).collect())
    }

    async fn lock_entity(&self, entity: &EntityId) -> Result<EntityLock> {
        Ok(self.locks.lock(entity).await)
    }

    async fn rewrite_urls(&self, rows: &[Row]) -> Result<u64> {
        let mut tables = self.tables();
        let mut count = 0;
        for row in rows {
            if let Some(current) = tables.rows.get_mut(&(row.photo.clone(), row.image_size.clone()))
                && current.etag == row.etag
            {
                current.image_url.clone_from(&row.image_url);
                count += 1;
            }
        }
        Ok(count)
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl LedgerReader for MemoryCatalog {
    async fn entity_rows(&self, entity: &EntityId) -> Result<EntityRows> {
        let tables = self.tables();
        let version = tables.versions.get(entity).copied().unwrap_or(0);
        let mut rows: Vec<_> = tables.rows.values().filter(|row| row.photo.entity == *entity).cloned().collect();
        rows.sort_by_key(|row| (row.image_size.clone(), row.photo.sequence));
        Ok(EntityRows { version, rows })
    }

    async fn entry(&self, key: &str) -> Result<Option<LedgerEntry>> {
        Ok(self.tables().ledger.get(key).cloned())
    }

    async fn ledger(&self, scope: &Scope, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let tables = self.tables();
        let entries =
            tables.ledger.values().filter(|entry| entry.key.as_str() > after && key_in_scope(scope, &entry.key));
        Ok(entries.take(max).cloned().collect())
    }

    async fn rows(&self, scope: &Scope, after: Option<&Row>, max: usize) -> Result<Vec<Row>> {
        let after = after.map(|row| (row.photo.clone(), row.image_size.clone()));
        let tables = self.tables();
        let wanted = tables.rows.iter().filter(|(key, row)| {
            let EntityId { vertical, cd_idx } = &row.photo.entity;
            after.as_ref().is_none_or(|after| *key > after) && in_scope(scope, Some(vertical), Some(*cd_idx))
        });
        Ok(wanted.map(|(_, row)| row.clone()).take(max).collect())
    }

    async fn highest_generation(&self) -> Result<Option<Generation>> {
        Ok(self.tables().ledger.values().map(|entry| entry.generation.clone()).max())
    }

    async fn rejected(&self, vertical: Option<&Vertical>, max: usize) -> Result<Vec<LedgerEntry>> {
        let mut entries: Vec<_> = self.tables().ledger.values().cloned().collect();
        entries.retain(|entry| {
            let wanted = vertical.is_none_or(|asked| UploadKey::vertical(&entry.key).as_ref() == Some(asked));
            wanted && matches!(entry.state, State::Rejected { .. })
        });
        entries.sort_by(|a, b| (b.updated_at, &a.key).cmp(&(a.updated_at, &b.key)));
        entries.truncate(max);
        Ok(entries)
    }

    async fn rejected_for(
        &self,
        code: &str,
        vertical: Option<&Vertical>,
        after: &str,
        max: usize,
    ) -> Result<Vec<LedgerEntry>> {
        let tables = self.tables();
        let wanted = tables.ledger.values().filter(|entry| {
            let is_of_vertical = vertical.is_none_or(|asked| UploadKey::vertical(&entry.key).as_ref() == Some(asked));
            let is_for = matches!(&entry.state, State::Rejected { reason, .. } if reason.code() == code);
            is_of_vertical && is_for && entry.key.as_str() > after
        });
        Ok(wanted.take(max).cloned().collect())
    }

    async fn ledger_with_prefix(&self, prefix: &str, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let tables = self.tables();
        let wanted = tables.ledger.values().filter(|entry| entry.key.starts_with(prefix) && entry.key.as_str() > after);
        Ok(wanted.take(max).cloned().collect())
    }

    async fn ledger_before(&self, vertical: &Vertical, before: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        let tables = self.tables();
        let earlier = tables.ledger.range::<str, _>((Bound::Unbounded, Bound::Excluded(before))).rev();
        let wanted = earlier.filter(|(key, _)| UploadKey::vertical(key).as_ref() == Some(vertical));
        Ok(wanted.take(max).map(|(_, entry)| entry.clone()).collect())
    }
}

/// Here what is kept is what is counted.
#[async_trait]
impl Counts for MemoryCatalog {
    async fn kept_counts(&self) -> Result<Vec<KeptCount>> {
        self.counted().await
    }

    async fn counted(&self) -> Result<Vec<KeptCount>> {
        let mut counts = BTreeMap::<CountKey, u64>::new();
        for entry in self.tables().ledger.values() {
            *counts.entry(CountKey::of(entry)).or_default() += 1;
        }
        Ok(counts.into_iter().map(|(key, originals)| KeptCount { key, originals }).collect())
    }

    async fn counts_drifted(&self) -> Result<bool> {
        Ok(false)
    }

    async fn recount(&self) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl History for MemoryCatalog {
    async fn history_of(
        &self,
        entity: &EntityId,
        sequence: Option<u16>,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        let tables = self.tables();
        let wanted = tables.history.range(..before.unwrap_or(u64::MAX)).rev().map(|(_, line)| line).filter(|line| {
            line.change.vertical.as_ref() == Some(&entity.vertical)
                && line.change.cd_idx == Some(entity.cd_idx)
                && (sequence.is_none() || line.change.sequence == sequence)
        });
        Ok(wanted.take(max).cloned().collect())
    }

    async fn changes(&self, since: u64, vertical: Option<&Vertical>, max: usize) -> Result<Vec<HistoryLine>> {
        let tables = self.tables();
        let later = tables.history.range(since.saturating_add(1)..).map(|(_, line)| line);
        let wanted = later.filter(|line| vertical.is_none() || line.change.vertical.as_ref() == vertical);
        Ok(wanted.take(max).cloned().collect())
    }

    async fn changes_before(
        &self,
        before: Option<u64>,
        vertical: Option<&Vertical>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        let tables = self.tables();
        let earlier = tables.history.range(..before.unwrap_or(u64::MAX)).rev().map(|(_, line)| line);
        let wanted = earlier.filter(|line| vertical.is_none() || line.change.vertical.as_ref() == vertical);
        Ok(wanted.take(max).cloned().collect())
    }

    async fn changes_on(
        &self,
        vertical: &Vertical,
        period: Range<Timestamp>,
        after: Option<&HistoryLine>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        let place = |line: &HistoryLine| (line.change.at, line.position);
        let tables = self.tables();
        let wanted = tables.history.values().filter(|line| {
            line.change.vertical.as_ref() == Some(vertical)
                && period.contains(&line.change.at)
                && after.is_none_or(|after| place(line) > place(after))
        });
        let mut wanted: Vec<_> = wanted.cloned().collect();
        wanted.sort_by_key(place);
        wanted.truncate(max);
        Ok(wanted)
    }

    async fn last_change_before(&self, vertical: &Vertical, before: Timestamp) -> Result<Option<HistoryLine>> {
        let tables = self.tables();
        let earlier = tables
            .history
            .values()
            .filter(|line| line.change.vertical.as_ref() == Some(vertical) && line.change.at < before);
        Ok(earlier.max_by_key(|line| (line.change.at, line.position)).cloned())
    }

    async fn history_ends(&self) -> Result<HistoryEnds> {
        let tables = self.tables();
        let first = tables.history.keys().next().copied();
        Ok(HistoryEnds { first, last: tables.position })
    }

    async fn forget_changes(&self, through: u64) -> Result<u64> {
        let mut tables = self.tables();
        let before = tables.history.len();
        tables.history.retain(|position, _| *position > through);
        Ok((before - tables.history.len()) as u64)
    }
}
