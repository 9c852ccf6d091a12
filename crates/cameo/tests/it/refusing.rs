//! Backends that answer and refuse: a component is away, refuses writes, refuses what is about one photo, is slow, or says yes
//! and did nothing. Beside [`faulty`](crate::faulty), which crashes.
//!
//! A [`Refusal`] names calls (`store.put`, or `store.` for all of them), what they must be about, and how they end, until it is
//! healed. Pings succeed unless a refusal names them: a component that refuses usually still answers.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use cameo::{
    catalog::{
        Accounts, Catalog, Counts, EntityLock, ForeignRows, History, HistoryEnds, LedgerReader, People, Registry,
        people::Added,
    },
    clock::ManualClock,
    ledger::{Count, EntityRows, LedgerEntry, Registered, Row, Scope, counts::KeptCount, history::HistoryLine},
    model::{
        account::{Account, Link, Session},
        content::Content,
        error::{Error, Kind, Place, Result},
        generation::Generation,
        key::{EntityId, Vertical},
        outcome::Outcome,
        token::{SecretHash, Token},
    },
    presign::SignedPut,
    queue::{DeadLetter, Depth, Message, Queue},
    render::{Rejection, Render},
    store::{
        Attributes, Condition, ContentDigest, ContentState, Object, ObjectInfo, Store, Written, memory::MemoryStore,
    },
};
use cameo_image::{Rendered, SizeSet};
use jiff::Timestamp;

use crate::faulty::hand_tokens_through;

/// How long a lie takes.
const A_LIE_TAKES: Duration = Duration::from_millis(100);

/// How a refused call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// With an error of this kind; nothing was done.
    Error(Kind),
    /// As always, after this time.
    Slow(Duration),
    /// With a success, and nothing was done.
    NothingDone,
    /// As if what is asked about were not there yet.
    Outdated,
    /// The engine rejects the original.
    Rejected,
}

/// Calls that end otherwise than they should.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// Beginnings of the calls' names.
    pub(crate) calls: &'static [&'static str],
    /// What the key, the body or the messages contain; empty: whatever.
    pub(crate) about: &'static str,
    /// How they end.
    pub(crate) how: How,
    /// So many of them, at most.
    pub(crate) times: u64,
}

/// The refusals of a process, shared by its backends.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    pub(crate) rules: Vec<Refusal>,
    healed: AtomicBool,
    struck: Vec<AtomicU64>,
}

impl Refusals {
    pub(crate) fn new(rules: Vec<Refusal>) -> Arc<Self> {
        let struck = rules.iter().map(|_| AtomicU64::default()).collect();
        Arc::new(Self { rules, healed: AtomicBool::default(), struck })
    }

    /// From here on every call is as it should be.
    pub(crate) fn heal(&self) {
        self.healed.store(true, Ordering::SeqCst);
    }

    /// How many calls were refused.
    pub(crate) fn struck(&self) -> u64 {
        self.struck.iter().map(|struck| struck.load(Ordering::SeqCst)).sum()
    }

    fn how(&self, call: &str, about: &str) -> Option<How> {
        if self.healed.load(Ordering::SeqCst) {
            return None;
        }
        let names = |rule: &Refusal| rule.calls.iter().any(|name| call.starts_with(name)) && about.contains(rule.about);
        let (rule, struck) = self.rules.iter().zip(&self.struck).find(|(rule, _)| names(rule))?;
        let again = |struck: u64| (struck < rule.times).then_some(struck + 1);
        struck.fetch_update(Ordering::SeqCst, Ordering::SeqCst, again).ok()?;
        Some(rule.how)
    }

    /// Runs a call, or what is in its place. `nothing_done` and `outdated` are the lies that this call can tell.
    async fn pass<T>(
        &self,
        call: &str,
        about: &str,
        nothing_done: impl FnOnce() -> Option<T>,
        inner: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let place = match call.split('.').next() {
            Some("store") => Place::Store,
            Some("catalog") => Place::Catalog,
            Some("engine") => Place::Engine,
            _ => Place::Queue,
        };
        match self.how(call, about) {
            Some(How::Error(kind)) => Err(Error::new(place, kind, format!("{call} {about}: refused by the test"))),
            Some(How::Slow(time)) => {
                tokio::time::sleep(time).await;
                inner.await
            }
            Some(How::NothingDone | How::Outdated | How::Rejected) => match nothing_done() {
                Some(lie) => {
                    // Time must go on for a loop that is lied to again and again.
                    tokio::time::sleep(A_LIE_TAKES).await;
                    Ok(lie)
                }
                None => inner.await,
            },
            None => inner.await,
        }
    }
}

/// No lie fits the call: it is made.
fn no_lie<T>() -> Option<T> {
    None
}

/// A backend whose calls end as the [`Refusals`] say. `name` is the component's: `store`, `catalog`, `events` …
#[derive(Debug)]
pub(crate) struct Refusing<T: ?Sized> {
    pub(crate) name: &'static str,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) inner: Arc<T>,
}

impl<T: ?Sized> Refusing<T> {
    fn call(&self, call: &str) -> String {
        format!("{}.{call}", self.name)
    }
}

/// What a write would have answered.
async fn as_if_written(key: &str, body: Bytes, attributes: &Attributes) -> Written {
    let elsewhere = MemoryStore::new(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)));
    elsewhere.put("elsewhere", key, body, attributes, Condition::Always).await.expect("a store in memory")
}

#[async_trait]
impl Store for Refusing<dyn Store> {
    fn writes_first(&self) -> bool {
        self.inner.writes_first()
    }
    async fn get(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Object>> {
        let call = self.inner.get(bucket, key, max_bytes);
        self.refusals.pass(&self.call("get"), key, || Some(None), call).await
    }
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>> {
        self.refusals.pass(&self.call("head"), key, || Some(None), self.inner.head(bucket, key)).await
    }
    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Written> {
        let lie = as_if_written(key, body.clone(), attributes).await;
        let call = self.inner.put(bucket, key, body, attributes, condition);
        self.refusals.pass(&self.call("put"), key, || Some(lie), call).await
    }
    async fn copy(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Option<Written>> {
        let lie = as_if_written(to, Bytes::new(), attributes).await;
        let call = self.inner.copy(bucket, from, to, attributes, condition);
        self.refusals.pass(&self.call("copy"), to, || Some(Some(lie)), call).await
    }
    async fn delete(&self, bucket: &str, key: &str, etag: &str) -> Result<bool> {
        self.refusals.pass(&self.call("delete"), key, || Some(true), self.inner.delete(bucket, key, etag)).await
    }
    async fn list(&self, bucket: &str, prefix: &str, after: &str, max: usize) -> Result<Vec<ObjectInfo>> {
        self.refusals.pass(&self.call("list"), prefix, no_lie, self.inner.list(bucket, prefix, after, max)).await
    }
    async fn check_content(&self, bucket: &str, keys: &[&str]) -> Result<Vec<ContentState>> {
        let call = self.inner.check_content(bucket, keys);
        self.refusals.pass(&self.call("check_content"), &keys.join(" "), no_lie, call).await
    }
    async fn hash(&self, bucket: &str, key: &str) -> Result<Option<ContentDigest>> {
        self.refusals.pass(&self.call("hash"), key, no_lie, self.inner.hash(bucket, key)).await
    }
    async fn presigned_put(
        &self,
        bucket: &str,
        keys: &[(&str, &[u8])],
        holds: Duration,
        public: Option<&str>,
    ) -> Result<Option<Vec<SignedPut>>> {
        self.inner.presigned_put(bucket, keys, holds, public).await
    }
    async fn ping(&self) -> Result<()> {
        self.refusals.pass(&self.call("ping"), "", no_lie, self.inner.ping()).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Registry for Refusing<dyn Catalog> {
    async fn register(&self, outcomes: &[Outcome]) -> Result<Vec<Registered>> {
        let about: Vec<_> = outcomes.iter().map(|outcome| outcome.key.as_str()).collect();
        self.refusals.pass(&self.call("register"), &about.join(" "), no_lie, self.inner.register(outcomes)).await
    }

    async fn lock_entity(&self, entity: &EntityId) -> Result<EntityLock> {
        let call = self.inner.lock_entity(entity);
        self.refusals.pass(&self.call("lock_entity"), &about_entity(entity), no_lie, call).await
    }

    async fn rewrite_urls(&self, rows: &[Row]) -> Result<u64> {
        self.refusals.pass(&self.call("rewrite_urls"), "", no_lie, self.inner.rewrite_urls(rows)).await
    }

    async fn ping(&self) -> Result<()> {
        self.refusals.pass(&self.call("ping"), "", no_lie, self.inner.ping()).await
    }

    async fn probe(&self) -> Result<()> {
        self.refusals.pass(&self.call("probe"), "", no_lie, self.inner.probe()).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl History for Refusing<dyn Catalog> {
    async fn history_of(
        &self,
        entity: &EntityId,
        sequence: Option<u16>,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        let call = self.inner.history_of(entity, sequence, before, max);
        self.refusals.pass(&self.call("history_of"), &about_entity(entity), no_lie, call).await
    }

    async fn changes(&self, since: u64, vertical: Option<&Vertical>, max: usize) -> Result<Vec<HistoryLine>> {
        self.refusals.pass(&self.call("changes"), "", no_lie, self.inner.changes(since, vertical, max)).await
    }

    async fn changes_before(
        &self,
        before: Option<u64>,
        vertical: Option<&Vertical>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        self.refusals
            .pass(&self.call("changes_before"), "", no_lie, self.inner.changes_before(before, vertical, max))
            .await
    }

    async fn changes_on(
        &self,
        vertical: &Vertical,
        period: Range<Timestamp>,
        after: Option<&HistoryLine>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        let call = self.inner.changes_on(vertical, period, after, max);
        self.refusals.pass(&self.call("changes_on"), "", no_lie, call).await
    }

    async fn last_change_before(&self, vertical: &Vertical, before: Timestamp) -> Result<Option<HistoryLine>> {
        let call = self.inner.last_change_before(vertical, before);
        self.refusals.pass(&self.call("last_change_before"), "", no_lie, call).await
    }

    async fn history_ends(&self) -> Result<HistoryEnds> {
        self.refusals.pass(&self.call("history_ends"), "", no_lie, self.inner.history_ends()).await
    }

    async fn forget_changes(&self, through: u64) -> Result<u64> {
        self.refusals.pass(&self.call("forget_changes"), "", no_lie, self.inner.forget_changes(through)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LedgerReader for Refusing<dyn Catalog> {
    async fn entity_rows(&self, entity: &EntityId) -> Result<EntityRows> {
        let outdated = || Some(EntityRows { version: 0, rows: Vec::new() });
        let call = self.inner.entity_rows(entity);
        self.refusals.pass(&self.call("entity_rows"), &about_entity(entity), outdated, call).await
    }

    async fn entry(&self, key: &str) -> Result<Option<LedgerEntry>> {
        self.refusals.pass(&self.call("entry"), key, || Some(None), self.inner.entry(key)).await
    }

    async fn ledger(&self, scope: &Scope, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        self.refusals.pass(&self.call("ledger"), after, no_lie, self.inner.ledger(scope, after, max)).await
    }

    async fn rows(&self, scope: &Scope, after: Option<&Row>, max: usize) -> Result<Vec<Row>> {
        self.refusals.pass(&self.call("rows"), "", no_lie, self.inner.rows(scope, after, max)).await
    }

    async fn foreign_rows(&self) -> Result<ForeignRows> {
        self.refusals.pass(&self.call("foreign_rows"), "", no_lie, self.inner.foreign_rows()).await
    }

    async fn highest_generation(&self) -> Result<Option<Generation>> {
        self.refusals.pass(&self.call("highest_generation"), "", no_lie, self.inner.highest_generation()).await
    }

    async fn rejected(&self, vertical: Option<&Vertical>, max: usize) -> Result<Vec<LedgerEntry>> {
        self.refusals.pass(&self.call("rejected"), "", no_lie, self.inner.rejected(vertical, max)).await
    }

    async fn rejected_for(
        &self,
        code: &str,
        vertical: Option<&Vertical>,
        after: &str,
        max: usize,
    ) -> Result<Vec<LedgerEntry>> {
        self.refusals
            .pass(&self.call("rejected_for"), after, no_lie, self.inner.rejected_for(code, vertical, after, max))
            .await
    }

    async fn ledger_with_prefix(&self, prefix: &str, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        self.refusals
            .pass(&self.call("ledger_with_prefix"), prefix, no_lie, self.inner.ledger_with_prefix(prefix, after, max))
            .await
    }

    async fn ledger_before(&self, vertical: &Vertical, before: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        self.refusals
            .pass(&self.call("ledger_before"), before, no_lie, self.inner.ledger_before(vertical, before, max))
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Counts for Refusing<dyn Catalog> {
    async fn kept_counts(&self) -> Result<Vec<KeptCount>> {
        self.refusals.pass(&self.call("kept_counts"), "", no_lie, self.inner.kept_counts()).await
    }

    async fn counted(&self) -> Result<Vec<KeptCount>> {
        self.refusals.pass(&self.call("counted"), "", no_lie, self.inner.counted()).await
    }

    async fn counts_drifted(&self) -> Result<bool> {
        self.refusals.pass(&self.call("counts_drifted"), "", no_lie, self.inner.counts_drifted()).await
    }

    async fn recount(&self) -> Result<()> {
        self.refusals.pass(&self.call("recount"), "", no_lie, self.inner.recount()).await
    }

    async fn counts(&self) -> Result<Vec<Count>> {
        self.refusals.pass(&self.call("counts"), "", no_lie, self.inner.counts()).await
    }
}

/// An entity as the keys of its originals begin: `origin/v/2_`.
fn about_entity(entity: &EntityId) -> String {
    format!("origin/{}/{}_", entity.vertical.as_str(), entity.cd_idx)
}

hand_tokens_through!(Refusing);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Queue for Refusing<dyn Queue> {
    async fn bodies(&self, max: usize) -> Result<Option<Vec<String>>> {
        self.refusals.pass(&self.call("bodies"), "", no_lie, self.inner.bodies(max)).await
    }
    fn name(&self) -> &str {
        self.inner.name()
    }
    async fn send(&self, bodies: &[String]) -> Result<()> {
        self.refusals.pass(&self.call("send"), &bodies.join(" "), no_lie, self.inner.send(bodies)).await
    }
    async fn receive(&self, max: usize, visibility: Duration, wait: Duration) -> Result<Vec<Message>> {
        let call = self.inner.receive(max, visibility, wait);
        self.refusals.pass(&self.call("receive"), "", || Some(Vec::new()), call).await
    }
    async fn delete(&self, receipts: &[String]) -> Result<()> {
        self.refusals.pass(&self.call("delete"), "", || Some(()), self.inner.delete(receipts)).await
    }
    async fn extend(&self, receipt: &str, visibility: Duration) -> Result<bool> {
        self.refusals.pass(&self.call("extend"), "", || Some(true), self.inner.extend(receipt, visibility)).await
    }
    async fn release(&self, receipt: &str) -> Result<()> {
        self.refusals.pass(&self.call("release"), "", || Some(()), self.inner.release(receipt)).await
    }
    async fn retry_later(&self, receipt: &str, pause: Duration, error: &str) -> Result<()> {
        let call = self.inner.retry_later(receipt, pause, error);
        self.refusals.pass(&self.call("retry_later"), "", || Some(()), call).await
    }
    fn max_receives(&self) -> Option<u32> {
        self.inner.max_receives()
    }
    fn adopt(&self, message: &Message) {
        self.inner.adopt(message);
    }
    async fn redrive(&self, ids: &[String]) -> Result<u64> {
        self.refusals.pass(&self.call("redrive"), "", no_lie, self.inner.redrive(ids)).await
    }
    async fn dead_letter(&self, receipt: &str, error: &str) -> Result<()> {
        self.refusals.pass(&self.call("dead_letter"), error, || Some(()), self.inner.dead_letter(receipt, error)).await
    }
    async fn depth(&self) -> Result<Depth> {
        self.refusals.pass(&self.call("depth"), "", no_lie, self.inner.depth()).await
    }
    async fn dead_letters(&self, max: usize) -> Result<Vec<DeadLetter>> {
        self.refusals.pass(&self.call("dead_letters"), "", no_lie, self.inner.dead_letters(max)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Render for Refusing<dyn Render> {
    async fn render(&self, original: Content, size_set: &SizeSet) -> Result<Result<Rendered, Rejection>> {
        let bytes = original.into_bytes().expect("an original");
        let about = String::from_utf8_lossy(&bytes).into_owned();
        let rejection = || {
            let (reason, detail) = (cameo::model::reason::ReasonCode::FileCorrupt, "refused by the test".to_owned());
            Some(Err(Rejection { reason, detail, size: None }))
        };
        let call = self.inner.render(Content::from(bytes.clone()), size_set);
        self.refusals.pass(&self.call("render"), &about, rejection, call).await
    }
}
