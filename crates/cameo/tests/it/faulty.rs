//! Backends that fail: a call is refused, or takes effect and is never answered. A crash looks the same to who comes after.
//!
//! Or they answer, and say no: to every call, to some, or to those about one key ([`Fault::refuse`]), until they are healed.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
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
    ledger::{Count, EntityRows, LedgerEntry, Registered, Row, Scope, counts::KeptCount, history::HistoryLine},
    model::{
        account::{Account, Link, Session},
        error::{Error, Kind, Place, Result},
        generation::Generation,
        key::{EntityId, Vertical},
        outcome::Outcome,
        token::{SecretHash, Token},
    },
    presign::SignedPut,
    queue::{DeadLetter, Depth, Message, Queue},
    store::{Attributes, Condition, Object, ObjectInfo, Store, Written},
};
use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Which calls fail.
#[derive(Debug, Default)]
pub(crate) struct Fault {
    /// Calls so far.
    pub(crate) calls: AtomicU64,
    /// This one, counted from 0.
    pub(crate) fail_at: Option<u64>,
    /// So many of a thousand, drawn anew for each call: half of them after their effect.
    pub(crate) fail_per_mille: u64,
    /// Whether the call that fails takes effect before.
    pub(crate) after_effect: bool,
    /// Objects cannot be written, although the store answers.
    pub(crate) disk_is_full: bool,
    /// What is refused although every place answers.
    pub(crate) refusals: Refusals,
}

/// Says which calls are refused: by their name and what they are about, a key or several.
type Rule = Box<dyn Fn(&'static str, &str) -> Option<Kind> + Send + Sync>;

#[derive(Default)]
pub(crate) struct Refusals {
    rule: Mutex<Option<Rule>>,
    count: AtomicU64,
}

impl std::fmt::Debug for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refusals").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Fault {
    /// From now on these calls are refused.
    pub(crate) fn refuse(&self, rule: impl Fn(&'static str, &str) -> Option<Kind> + Send + Sync + 'static) {
        *self.refusals.rule.lock().unwrap() = Some(Box::new(rule));
    }

    /// Nothing is refused any more.
    pub(crate) fn heal(&self) {
        *self.refusals.rule.lock().unwrap() = None;
    }

    /// How many calls were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refusals.count.load(Ordering::SeqCst)
    }

    /// Whether a call is refused.
    pub(crate) fn check(&self, place: Place, name: &'static str, on: &str) -> Result<()> {
        let refused = self.refusals.rule.lock().unwrap().as_ref().and_then(|rule| rule(name, on));
        refused.map_or(Ok(()), |kind| {
            self.refusals.count.fetch_add(1, Ordering::SeqCst);
            Err(Error::new(place, kind, format!("{name} {on}")).because("no"))
        })
    }

    /// Runs a call, unless it is one that fails before its effect; fails after it if it is one of those.
    async fn pass<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let n = self.calls.fetch_add(1, Ordering::SeqCst);
        let drawn = (self.fail_per_mille > 0).then(|| StdRng::seed_from_u64(n).random_range(0..2000));
        let (fails, after_effect) = match drawn {
            Some(drawn) => (drawn < 2 * self.fail_per_mille, drawn % 2 == 0),
            None => (self.fail_at == Some(n), self.after_effect),
        };
        if !fails {
            return call.await;
        }
        if after_effect {
            call.await?;
        }
        Err(Error::new(Place::System, Kind::Fatal, format!("go on: crashed at call {n}")))
    }
}

fn keys_of(outcomes: &[Outcome]) -> String {
    outcomes.iter().map(|outcome| outcome.key.as_str()).collect::<Vec<_>>().join(" ")
}

/// A backend whose calls fail as its [`Fault`] says.
#[derive(Debug)]
pub(crate) struct Faulty<T: ?Sized> {
    pub(crate) fault: Arc<Fault>,
    pub(crate) inner: Arc<T>,
}

#[async_trait]
impl Store for Faulty<dyn Store> {
    fn writes_first(&self) -> bool {
        self.inner.writes_first()
    }
    async fn get(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Object>> {
        self.fault.check(Place::Store, "store.get", key)?;
        self.fault.pass(self.inner.get(bucket, key, max_bytes)).await
    }
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>> {
        self.fault.check(Place::Store, "store.head", key)?;
        self.fault.pass(self.inner.head(bucket, key)).await
    }
    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Written> {
        if self.fault.disk_is_full {
            return Err(Error::new(Place::Store, Kind::Unavailable, "write content: no space is left"));
        }
        self.fault.check(Place::Store, "store.put", key)?;
        self.fault.pass(self.inner.put(bucket, key, body, attributes, condition)).await
    }
    async fn copy(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Option<Written>> {
        self.fault.check(Place::Store, "store.copy", to)?;
        self.fault.pass(self.inner.copy(bucket, from, to, attributes, condition)).await
    }
    async fn delete(&self, bucket: &str, key: &str, etag: &str) -> Result<bool> {
        self.fault.check(Place::Store, "store.delete", key)?;
        self.fault.pass(self.inner.delete(bucket, key, etag)).await
    }
    async fn list(&self, bucket: &str, prefix: &str, after: &str, max: usize) -> Result<Vec<ObjectInfo>> {
        self.inner.list(bucket, prefix, after, max).await
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
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Registry for Faulty<dyn Catalog> {
    async fn register(&self, outcomes: &[Outcome]) -> Result<Vec<Registered>> {
        self.fault.check(Place::Catalog, "catalog.register", &keys_of(outcomes))?;
        self.fault.pass(self.inner.register(outcomes)).await
    }

    async fn lock_entity(&self, entity: &EntityId) -> Result<EntityLock> {
        self.fault.check(Place::Catalog, "catalog.lock_entity", &entity.to_string())?;
        self.fault.pass(self.inner.lock_entity(entity)).await
    }

    async fn rewrite_urls(&self, rows: &[Row]) -> Result<u64> {
        self.inner.rewrite_urls(rows).await
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    async fn probe(&self) -> Result<()> {
        self.inner.probe().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl History for Faulty<dyn Catalog> {
    async fn history_of(
        &self,
        entity: &EntityId,
        sequence: Option<u16>,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        self.inner.history_of(entity, sequence, before, max).await
    }

    async fn changes(&self, since: u64, vertical: Option<&Vertical>, max: usize) -> Result<Vec<HistoryLine>> {
        self.inner.changes(since, vertical, max).await
    }

    async fn changes_before(
        &self,
        before: Option<u64>,
        vertical: Option<&Vertical>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        self.inner.changes_before(before, vertical, max).await
    }

    async fn changes_on(
        &self,
        vertical: &Vertical,
        period: Range<Timestamp>,
        after: Option<&HistoryLine>,
        max: usize,
    ) -> Result<Vec<HistoryLine>> {
        self.inner.changes_on(vertical, period, after, max).await
    }

    async fn last_change_before(&self, vertical: &Vertical, before: Timestamp) -> Result<Option<HistoryLine>> {
        self.inner.last_change_before(vertical, before).await
    }

    async fn history_ends(&self) -> Result<HistoryEnds> {
        self.inner.history_ends().await
    }

    async fn forget_changes(&self, through: u64) -> Result<u64> {
        self.inner.forget_changes(through).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LedgerReader for Faulty<dyn Catalog> {
    async fn entity_rows(&self, entity: &EntityId) -> Result<EntityRows> {
        self.fault.check(Place::Catalog, "catalog.entity_rows", &entity.to_string())?;
        self.fault.pass(self.inner.entity_rows(entity)).await
    }

    async fn entry(&self, key: &str) -> Result<Option<LedgerEntry>> {
        self.inner.entry(key).await
    }

    async fn ledger(&self, scope: &Scope, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        self.inner.ledger(scope, after, max).await
    }

    async fn rows(&self, scope: &Scope, after: Option<&Row>, max: usize) -> Result<Vec<Row>> {
        self.inner.rows(scope, after, max).await
    }

    async fn foreign_rows(&self) -> Result<ForeignRows> {
        self.inner.foreign_rows().await
    }

    async fn highest_generation(&self) -> Result<Option<Generation>> {
        self.inner.highest_generation().await
    }

    async fn rejected(&self, vertical: Option<&Vertical>, max: usize) -> Result<Vec<LedgerEntry>> {
        self.inner.rejected(vertical, max).await
    }

    async fn rejected_for(
        &self,
        code: &str,
        vertical: Option<&Vertical>,
        after: &str,
        max: usize,
    ) -> Result<Vec<LedgerEntry>> {
        self.inner.rejected_for(code, vertical, after, max).await
    }

    async fn ledger_with_prefix(&self, prefix: &str, after: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        self.inner.ledger_with_prefix(prefix, after, max).await
    }

    async fn ledger_before(&self, vertical: &Vertical, before: &str, max: usize) -> Result<Vec<LedgerEntry>> {
        self.inner.ledger_before(vertical, before, max).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Counts for Faulty<dyn Catalog> {
    async fn kept_counts(&self) -> Result<Vec<KeptCount>> {
        self.inner.kept_counts().await
    }

    async fn counted(&self) -> Result<Vec<KeptCount>> {
        self.inner.counted().await
    }

    async fn counts_drifted(&self) -> Result<bool> {
        self.inner.counts_drifted().await
    }

    async fn recount(&self) -> Result<()> {
        self.inner.recount().await
    }

    async fn counts(&self) -> Result<Vec<Count>> {
        self.inner.counts().await
    }
}

/// Tokens, people and webhooks are none of the flow's: whoever wraps a catalog hands them through.
macro_rules! hand_tokens_through {
    ($wrapper:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl Accounts for $wrapper<dyn Catalog> {
            async fn add_token(&self, token: &Token, secret: &SecretHash) -> Result<bool> {
                self.inner.add_token(token, secret).await
            }

            async fn token_of(&self, secret: &SecretHash) -> Result<Option<Token>> {
                self.inner.token_of(secret).await
            }

            async fn tokens(&self, after: &str, max: usize) -> Result<Vec<Token>> {
                self.inner.tokens(after, max).await
            }

            async fn find_token(&self, id_or_name: &str) -> Result<Option<Token>> {
                self.inner.find_token(id_or_name).await
            }

            async fn revoke_token(&self, id: &str, at: jiff::Timestamp) -> Result<bool> {
                self.inner.revoke_token(id, at).await
            }

            async fn note_token_use(&self, id: &str, at: jiff::Timestamp) -> Result<()> {
                self.inner.note_token_use(id, at).await
            }
        }

        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl People for $wrapper<dyn Catalog> {
            async fn add_account(&self, account: &Account, first: bool) -> Result<Added> {
                self.inner.add_account(account, first).await
            }

            async fn account(&self, id: &str) -> Result<Option<Account>> {
                self.inner.account(id).await
            }

            async fn account_named(&self, name: &str) -> Result<Option<Account>> {
                self.inner.account_named(name).await
            }

            async fn account_of_subject(&self, subject: &str) -> Result<Option<Account>> {
                self.inner.account_of_subject(subject).await
            }

            async fn accounts(&self, after: &str, max: usize) -> Result<Vec<Account>> {
                self.inner.accounts(after, max).await
            }

            async fn count_accounts(&self) -> Result<u64> {
                self.inner.count_accounts().await
            }

            async fn change_account(&self, account: &Account) -> Result<bool> {
                self.inner.change_account(account).await
            }

            async fn remove_account(&self, id: &str) -> Result<bool> {
                self.inner.remove_account(id).await
            }

            async fn note_login(&self, account: &str, at: jiff::Timestamp) -> Result<()> {
                self.inner.note_login(account, at).await
            }

            async fn add_session(&self, session: &Session, secret: &SecretHash) -> Result<()> {
                self.inner.add_session(session, secret).await
            }

            async fn session_of(&self, secret: &SecretHash) -> Result<Option<(Session, Account)>> {
                self.inner.session_of(secret).await
            }

            async fn sessions_of(&self, account: &str) -> Result<Vec<Session>> {
                self.inner.sessions_of(account).await
            }

            async fn end_session(&self, id: &str) -> Result<bool> {
                self.inner.end_session(id).await
            }

            async fn note_session_use(&self, id: &str, at: jiff::Timestamp) -> Result<()> {
                self.inner.note_session_use(id, at).await
            }

            async fn add_link(&self, link: &Link, secret: &SecretHash) -> Result<()> {
                self.inner.add_link(link, secret).await
            }

            async fn link_of(&self, secret: &SecretHash) -> Result<Option<Link>> {
                self.inner.link_of(secret).await
            }

            async fn count_links(&self, account: Option<&str>) -> Result<u64> {
                self.inner.count_links(account).await
            }

            async fn remove_links(&self, account: Option<&str>) -> Result<()> {
                self.inner.remove_links(account).await
            }
        }

        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl cameo::catalog::Webhooks for $wrapper<dyn Catalog> {
            async fn add_webhook(&self, a: &cameo::model::webhook::Webhook) -> Result<()> {
                self.inner.add_webhook(a).await
            }

            async fn webhook(&self, a: &str) -> Result<Option<cameo::model::webhook::Webhook>> {
                self.inner.webhook(a).await
            }

            async fn webhooks(&self) -> Result<Vec<cameo::model::webhook::Webhook>> {
                self.inner.webhooks().await
            }

            async fn change_webhook(&self, a: &cameo::model::webhook::Webhook) -> Result<bool> {
                self.inner.change_webhook(a).await
            }

            async fn remove_webhook(&self, a: &str) -> Result<bool> {
                self.inner.remove_webhook(a).await
            }

            async fn note_webhook_health(&self, a: &str, b: &cameo::model::webhook::WebhookHealth) -> Result<()> {
                self.inner.note_webhook_health(a, b).await
            }

            async fn lease_webhooks(&self, a: &str, b: jiff::Timestamp, c: jiff::Timestamp) -> Result<bool> {
                self.inner.lease_webhooks(a, b, c).await
            }

            async fn advance_webhook(
                &self,
                a: &str,
                b: (u64, u64),
                c: &[cameo::model::webhook::Message],
                d: &[cameo::model::webhook::Watch],
            ) -> Result<bool> {
                self.inner.advance_webhook(a, b, c, d).await
            }

            async fn add_webhook_messages(&self, a: &[cameo::model::webhook::Message]) -> Result<()> {
                self.inner.add_webhook_messages(a).await
            }

            async fn due_webhook_messages(
                &self,
                a: &str,
                b: jiff::Timestamp,
                c: usize,
            ) -> Result<Vec<cameo::model::webhook::Message>> {
                self.inner.due_webhook_messages(a, b, c).await
            }

            async fn count_pending_webhook_messages(&self, a: &str) -> Result<u64> {
                self.inner.count_pending_webhook_messages(a).await
            }

            async fn webhook_message(&self, a: &str, b: &str) -> Result<Option<cameo::model::webhook::Message>> {
                self.inner.webhook_message(a, b).await
            }

            async fn webhook_messages(
                &self,
                a: &str,
                b: cameo::catalog::webhooks::Before<'_>,
                c: usize,
            ) -> Result<Vec<cameo::model::webhook::Message>> {
                self.inner.webhook_messages(a, b, c).await
            }

            async fn note_webhook_attempt(
                &self,
                a: &cameo::model::webhook::Attempt,
                b: &cameo::model::webhook::Message,
            ) -> Result<()> {
                self.inner.note_webhook_attempt(a, b).await
            }

            async fn webhook_attempts(
                &self,
                a: &str,
                b: cameo::catalog::webhooks::Before<'_>,
                c: usize,
            ) -> Result<Vec<cameo::model::webhook::Attempt>> {
                self.inner.webhook_attempts(a, b, c).await
            }

            async fn replay_webhook_messages(
                &self,
                a: &str,
                b: cameo::catalog::webhooks::Replay<'_>,
                c: jiff::Timestamp,
            ) -> Result<u64> {
                self.inner.replay_webhook_messages(a, b, c).await
            }

            async fn webhook_watch(&self, a: &str, b: &str) -> Result<Option<cameo::model::webhook::Watch>> {
                self.inner.webhook_watch(a, b).await
            }

            async fn due_webhook_watches(
                &self,
                a: &str,
                b: jiff::Timestamp,
                c: usize,
            ) -> Result<Vec<cameo::model::webhook::Watch>> {
                self.inner.due_webhook_watches(a, b, c).await
            }

            async fn put_webhook_watch(&self, a: &cameo::model::webhook::Watch) -> Result<()> {
                self.inner.put_webhook_watch(a).await
            }

            async fn remove_webhook_watch(&self, a: &str, b: &str) -> Result<()> {
                self.inner.remove_webhook_watch(a, b).await
            }

            async fn forget_webhook_past(&self, a: &str, b: cameo::catalog::webhooks::Past) -> Result<u64> {
                self.inner.forget_webhook_past(a, b).await
            }
        }
    };
}
pub(crate) use hand_tokens_through;

hand_tokens_through!(Faulty);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Queue for Faulty<dyn Queue> {
    async fn bodies(&self, max: usize) -> Result<Option<Vec<String>>> {
        self.inner.bodies(max).await
    }
    fn name(&self) -> &str {
        self.inner.name()
    }
    async fn send(&self, bodies: &[String]) -> Result<()> {
        self.fault.check(Place::Queue, "queue.send", self.inner.name())?;
        self.fault.pass(self.inner.send(bodies)).await
    }
    async fn receive(&self, max: usize, visibility: Duration, wait: Duration) -> Result<Vec<Message>> {
        self.fault.check(Place::Queue, "queue.receive", self.inner.name())?;
        self.fault.pass(self.inner.receive(max, visibility, wait)).await
    }
    async fn delete(&self, receipts: &[String]) -> Result<()> {
        self.fault.check(Place::Queue, "queue.delete", self.inner.name())?;
        self.fault.pass(self.inner.delete(receipts)).await
    }
    async fn extend(&self, receipt: &str, visibility: Duration) -> Result<bool> {
        self.inner.extend(receipt, visibility).await
    }
    async fn release(&self, receipt: &str) -> Result<()> {
        self.fault.check(Place::Queue, "queue.release", self.inner.name())?;
        self.fault.pass(self.inner.release(receipt)).await
    }
    async fn dead_letter(&self, receipt: &str, error: &str) -> Result<()> {
        self.fault.check(Place::Queue, "queue.dead_letter", self.inner.name())?;
        self.fault.pass(self.inner.dead_letter(receipt, error)).await
    }
    async fn retry_later(&self, receipt: &str, pause: Duration, error: &str) -> Result<()> {
        self.fault.pass(self.inner.retry_later(receipt, pause, error)).await
    }
    fn max_receives(&self) -> Option<u32> {
        self.inner.max_receives()
    }
    fn adopt(&self, message: &Message) {
        self.inner.adopt(message);
    }
    async fn redrive(&self, ids: &[String]) -> Result<u64> {
        self.inner.redrive(ids).await
    }
    async fn depth(&self) -> Result<Depth> {
        self.inner.depth().await
    }
    async fn dead_letters(&self, max: usize) -> Result<Vec<DeadLetter>> {
        self.inner.dead_letters(max).await
    }
}
