//! Makes messages of what happened: for each endpoint the history is read on from the position that it reached, and what is watched is judged
//! once nothing more happens to it.
//!
//! Whoever holds the lease does it. Every step may be cut off and repeated, also by another process at the same time: the message of a
//! line has its id from the line, one that is there stays, and the position moves only from where it was read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use rand::Rng;
use tracing::{debug, info, warn};

use super::{
    Courier, Settings,
    judge::{self, OfDelivery, OfEntity},
    message::Draft,
};
use crate::{
    catalog::{Catalog, webhooks::Past},
    clock::{Clock, to_millis},
    flow::Flow,
    ledger::history::{ChangeKind, HistoryLine},
    model::{
        error::Result,
        key::{DeliveryName, EntityId},
        webhook::{EventType, Watch, WatchedSubject, Webhook},
    },
    proof::{
        deliveries::{KnownRecords, Summary, day, list, state::Places},
        verify::Queues,
    },
    queue::Queue,
};

/// Lines of the history that are read at a time.
const LINES: usize = 200;
/// Watches that are looked at in one go.
const WATCHES: usize = 50;
/// How often records are looked for of which no file was uploaded.
const RECORDS_EVERY: Duration = Duration::from_mins(1);
/// Records of so many days are looked for.
const RECORDS_DAYS: i32 = 8;
/// Records that are remembered as seen, at most; then they are looked up again.
const SEEN_MAX: usize = 100_000;
/// How often what is old is forgotten.
const FORGET_EVERY: Duration = Duration::from_mins(10);
/// Messages that ended, and attempts, that are kept of an endpoint, at most.
const KEPT_MAX: usize = 20_000;
/// How long it is remembered what became of something that is watched.
const WATCHES_KEPT: Duration = Duration::from_hours(365 * 24);
/// How long at most until something that goes on by itself is looked at again, where nothing was heard of it.
const LOOK_AGAIN_MAX: Duration = Duration::from_mins(10);
/// What is pending is looked at again after so many times `settle`, and the queues are looked into after as many.
const LOOK_AGAIN: u32 = 6;
const INCOMPLETE: &str = "incomplete";

/// Where events come from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Store, catalog and names.
    pub flow: Flow,
    /// From the store to `resize`.
    pub events: Arc<dyn Queue>,
    /// From `resize` to `register`.
    pub registrations: Arc<dyn Queue>,
    /// The zone of the dates of deliveries.
    pub zone: TimeZone,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// There is no endpoint that gets anything.
    Off,
    /// Another process does it.
    Standby,
    /// Everything that happened so far was looked at.
    Done,
    /// There is more already.
    More,
}

/// What makes messages, and sends them.
#[derive(Debug)]
pub struct Dispatcher {
    pub(super) sources: Sources,
    pub(super) courier: Courier,
    owner: String,
    records: KnownRecords,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Until when the lease is ours.
    lease: Option<Timestamp>,
    records_looked: Option<Timestamp>,
    forgot: Option<Timestamp>,
    /// Deliveries that are watched, by endpoint.
    seen: BTreeSet<(String, String)>,
    /// Endpoints that have as many messages as they may have, as was said already.
    full: BTreeSet<String>,
}

/// What was found of what several endpoints watch.
#[derive(Debug, Default)]
struct Found {
    entities: BTreeMap<EntityId, OfEntity>,
    deliveries: BTreeMap<String, OfDelivery>,
}

impl Dispatcher {
    /// One for a process. `owner` names it among those that share the database; none makes a name up.
    pub fn new(sources: Sources, courier: Courier, owner: Option<&str>) -> Self {
        let owner = owner.map_or_else(|| format!("{:016x}", rand::rng().random::<u64>()), str::to_owned);
        Self { sources, courier, owner, records: KnownRecords::default(), state: Mutex::default() }
    }

    pub(super) fn catalog(&self) -> &dyn Catalog {
        &*self.sources.flow.catalog
    }

    pub(super) fn settings(&self) -> &Settings {
        self.courier.settings()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.sources.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this process sends.
    pub(super) fn has_lease(&self) -> bool {
        let now = self.now();
        self.state().lease.is_some_and(|until| until > now)
    }

    /// Looks at what happened since the last time, and makes messages of it.
    pub async fn look(&self) -> Result<Looked> {
        let webhooks = self.catalog().webhooks().await?;
        let enabled: Vec<&Webhook> = webhooks.iter().filter(|webhook| webhook.is_enabled()).collect();
        if enabled.is_empty() {
            self.state().lease = None;
            return Ok(Looked::Off);
        }
        if !self.take_lease().await? {
            return Ok(Looked::Standby);
        }
        let (mut more, mut found) = (false, Found::default());
        for webhook in &enabled {
            more |= self.read_on(webhook).await?;
            self.judge(webhook, &mut found).await?;
        }
        self.look_for_records(&enabled).await?;
        self.forget(&webhooks).await?;
        self.courier.wake_sending();
        Ok(if more { Looked::More } else { Looked::Done })
    }

    async fn take_lease(&self) -> Result<bool> {
        let (now, lease) = (self.now(), self.settings().lease);
        let half = now.checked_add(lease / 2).unwrap_or(now);
        if self.state().lease.is_some_and(|until| until > half) {
            return Ok(true);
        }
        let until = now.checked_add(lease).unwrap_or(now);
        let is_ours = self.catalog().lease_webhooks(&self.owner, now, until).await?;
        let had = std::mem::replace(&mut self.state().lease, is_ours.then_some(until));
        if is_ours != had.is_some() {
            debug!(is_ours, "the lease of webhooks changed hands");
        }
        Ok(is_ours)
    }

    /// Gives the lease back, so that another process goes on at once.
    pub async fn release(&self) -> Result<()> {
        let now = self.now();
        if self.state().lease.take().is_some_and(|until| until > now) {
            let ended = now.checked_sub(Duration::from_millis(1)).unwrap_or(now);
            self.catalog().lease_webhooks(&self.owner, now, ended).await?;
        }
        Ok(())
    }

    fn places(&self, with_queues: bool) -> Places<'_> {
        let queues = Queues { events: &*self.sources.events, registrations: &*self.sources.registrations };
        Places {
            store: &*self.sources.flow.store,
            upload_bucket: &self.sources.flow.settings.upload_bucket,
            catalog: self.catalog(),
            queues: with_queues.then_some(queues),
        }
    }

    /// Reads the history on for an endpoint; whether there may be more.
    async fn read_on(&self, webhook: &Webhook) -> Result<bool> {
        let ends = self.catalog().history_ends().await?;
        if webhook.position == ends.last {
            return Ok(false);
        }
        if self.is_full(webhook).await? {
            return Ok(false);
        }
        let from = Self::begin_of(webhook, ends.first);
        let lines =
            if webhook.position < ends.last { self.catalog().changes(from, None, LINES).await? } else { Vec::new() };
        let Some(last) = lines.last().map(|line| line.position) else {
            let (position, last) = (webhook.position, ends.last);
            warn!(
                webhook = webhook.id,
                position, last, "a webhook goes on at the end of the history: the changes before it are not kept"
            );
            return self.catalog().advance_webhook(&webhook.id, (position, last), &[], &[]).await;
        };
        let more = lines.len() == LINES;
        let lines: Vec<HistoryLine> =
            lines.into_iter().filter(|line| webhook.verticals.include_of(line.change.vertical.as_ref())).collect();
        let deliveries = self.records.of_lines(self.places(false), &self.sources.zone, &lines).await?;
        let now = self.now();
        let mut messages = Vec::new();
        for (line, delivery) in lines.iter().zip(&deliveries) {
            let draft = Draft::of_line(line, delivery.clone()).filter(|(event, _)| webhook.events.include(*event));
            messages.extend(draft.map(|(_, draft)| draft.to(&webhook.id, now)));
        }
        let watches = self.watches_of(webhook, &lines, &deliveries, now).await?;
        let positions = (webhook.position, last);
        if !self.catalog().advance_webhook(&webhook.id, positions, &messages, &watches).await? {
            debug!(webhook = webhook.id, "another process has read on");
        }
        Ok(more)
    }

    /// Whether an endpoint has as many messages as it may have. Nothing is lost for it: the history waits.
    async fn is_full(&self, webhook: &Webhook) -> Result<bool> {
        let pending = self.catalog().count_pending_webhook_messages(&webhook.id).await?;
        let is_full = pending >= self.settings().pending_max as u64;
        let mut state = self.state();
        if is_full && state.full.insert(webhook.id.clone()) {
            warn!(
                webhook = webhook.id,
                pending,
                "a webhook has as many pending messages as webhooks.pending_max allows: the history waits until some are sent"
            );
        }
        if !is_full {
            state.full.remove(&webhook.id);
        }
        Ok(is_full)
    }

    /// The position after which lines are there.
    fn begin_of(webhook: &Webhook, first: Option<u64>) -> u64 {
        let position = webhook.position;
        match first.filter(|first| *first > position + 1) {
            Some(first) => {
                let lost = first - position - 1;
                warn!(
                    webhook = webhook.id,
                    lost, "changes were forgotten (register.keep_history) before a webhook got them"
                );
                first - 1
            }
            None => position,
        }
    }

    /// What is to be watched because of these lines.
    async fn watches_of(
        &self,
        webhook: &Webhook,
        lines: &[HistoryLine],
        deliveries: &[Option<String>],
        now: Timestamp,
    ) -> Result<Vec<Watch>> {
        let mut watches = BTreeMap::<String, Watch>::new();
        let settled = now.checked_add(self.settings().settle).unwrap_or(now);
        for (line, delivery) in lines.iter().zip(deliveries) {
            if let Some(entity) = entity_of(line).filter(|_| webhook.events.include(EventType::EntityCompleted)) {
                let subject = WatchedSubject::Entity(entity).to_string();
                let known = self.known(webhook, &subject, &watches).await?;
                // What replaces, repeats or removes makes an entity complete only where it was not.
                let begins = matches!(line.change.change, ChangeKind::Registered | ChangeKind::Rejected);
                if begins || known.is_some() {
                    watches.insert(subject.clone(), touched(webhook, subject, line, settled, known));
                }
            }
            let wants = wants_deliveries(webhook);
            if let Some((vertical, name)) = line.change.vertical.as_ref().zip(delivery.as_ref()).filter(|_| wants) {
                let due = self.end_of_day(vertical, name).map_or(settled, |end| end.max(settled));
                let subject = WatchedSubject::Delivery(vertical.clone(), name.clone()).to_string();
                let known = self.known(webhook, &subject, &watches).await?;
                watches.insert(subject.clone(), touched(webhook, subject, line, due, known));
            }
        }
        Ok(watches.into_values().collect())
    }

    async fn known(
        &self,
        webhook: &Webhook,
        subject: &str,
        watches: &BTreeMap<String, Watch>,
    ) -> Result<Option<Watch>> {
        match watches.get(subject) {
            Some(watch) => Ok(Some(watch.clone())),
            None => self.catalog().webhook_watch(&webhook.id, subject).await,
        }
    }

    /// When the day of an implicit delivery is over; none of a recorded one.
    fn end_of_day(&self, vertical: &crate::model::key::Vertical, name: &str) -> Option<Timestamp> {
        match WatchedSubject::delivery(vertical, name)? {
            DeliveryName::Day { date, .. } => day::period(date, &self.sources.zone).ok().map(|period| period.end),
            DeliveryName::Recorded { .. } => None,
        }
    }

    /// Judges what nothing more happened to.
    async fn judge(&self, webhook: &Webhook, found: &mut Found) -> Result<()> {
        for watch in self.catalog().due_webhook_watches(&webhook.id, self.now(), WATCHES).await? {
            match watch.subject.parse() {
                Ok(WatchedSubject::Entity(entity)) => self.judge_entity(watch, entity, found).await?,
                Ok(WatchedSubject::Delivery(vertical, name)) => match WatchedSubject::delivery(&vertical, &name) {
                    Some(name) => self.judge_delivery(webhook, watch, &name, found).await?,
                    None => self.catalog().remove_webhook_watch(&webhook.id, &watch.subject).await?,
                },
                // A later version may watch more.
                Err(_) => self.catalog().put_webhook_watch(&Watch { due: None, ..watch }).await?,
            }
        }
        Ok(())
    }

    async fn judge_entity(&self, watch: Watch, entity: EntityId, found: &mut Found) -> Result<()> {
        let of_entity = match found.entities.get(&entity) {
            Some(known) => known.clone(),
            None => judge::entity(&self.sources.flow, &entity).await?,
        };
        found.entities.insert(entity, of_entity.clone());
        let now = self.now();
        match of_entity {
            OfEntity::Complete(data) => {
                let draft = Draft::of_watch(&watch, EventType::EntityCompleted, "", now, data);
                self.catalog().add_webhook_messages(&[draft.to(&watch.webhook, now)]).await?;
                self.catalog().remove_webhook_watch(&watch.webhook, &watch.subject).await
            }
            OfEntity::Pending => {
                let due = Some(self.look_again(&watch));
                self.catalog().put_webhook_watch(&Watch { due, ..watch }).await
            }
            OfEntity::Incomplete => {
                let outcome = Some(INCOMPLETE.to_owned());
                self.catalog().put_webhook_watch(&Watch { due: None, outcome, ..watch }).await
            }
            OfEntity::Gone => self.catalog().remove_webhook_watch(&watch.webhook, &watch.subject).await,
        }
    }

    async fn judge_delivery(
        &self,
        webhook: &Webhook,
        watch: Watch,
        name: &DeliveryName,
        found: &mut Found,
    ) -> Result<()> {
        let of_delivery = match found.deliveries.get(&watch.subject) {
            Some(known) => known.clone(),
            None => self.look_at_delivery(&watch, name).await?,
        };
        found.deliveries.insert(watch.subject.clone(), of_delivery.clone());
        let put = async |watch: Watch| self.catalog().put_webhook_watch(&watch).await;
        match of_delivery {
            OfDelivery::Ended(summary) => self.ended(webhook, watch, &summary).await,
            OfDelivery::Arriving(created, summary) => {
                let quiet = self.settings().delivery_quiet;
                let until = watch.touched.max(created).checked_add(quiet).unwrap_or(created);
                if until <= self.now() {
                    return self.ended(webhook, watch, &summary).await;
                }
                put(Watch { due: Some(until), ..watch }).await
            }
            OfDelivery::Pending => {
                let due = Some(self.look_again(&watch));
                put(Watch { due, ..watch }).await
            }
            OfDelivery::Gone => self.catalog().remove_webhook_watch(&watch.webhook, &watch.subject).await,
        }
    }

    /// Without the queues first: looking into those of a service hides dead letters from others for a while. What they hold shows only that a
    /// message is dead, which no line says.
    async fn look_at_delivery(&self, watch: &Watch, name: &DeliveryName) -> Result<OfDelivery> {
        let zone = &self.sources.zone;
        let found = judge::delivery(self.places(false), name, zone).await?;
        let waited = self.now().duration_since(watch.touched);
        let patience = SignedDuration::try_from(self.settings().settle * LOOK_AGAIN).unwrap_or_default();
        if found != OfDelivery::Pending || waited < patience {
            return Ok(found);
        }
        judge::delivery(self.places(true), name, zone).await
    }

    /// Something goes on by itself: it is looked at again after a while, and ever more seldom.
    fn look_again(&self, watch: &Watch) -> Timestamp {
        let now = self.now();
        let waited = Duration::try_from(now.duration_since(watch.touched)).unwrap_or_default();
        let least = self.settings().settle * LOOK_AGAIN;
        let wait = (waited / 2).clamp(least, LOOK_AGAIN_MAX.max(least));
        now.checked_add(wait).unwrap_or(now)
    }

    /// A delivery came to its end: a message where that was not said before.
    async fn ended(&self, webhook: &Webhook, watch: Watch, summary: &Summary) -> Result<()> {
        let event = if summary.is_complete() { EventType::DeliveryCompleted } else { EventType::DeliveryFailed };
        let Summary { photos, live, failed, dismissed, .. } = summary;
        let outcome = format!("{event} {photos} {live} {failed} {dismissed}");
        if watch.outcome.as_ref() != Some(&outcome) && webhook.events.include(event) {
            let now = self.now();
            let draft = Draft::of_watch(&watch, event, &outcome, now, summary);
            self.catalog().add_webhook_messages(&[draft.to(&watch.webhook, now)]).await?;
        }
        self.catalog().put_webhook_watch(&Watch { due: None, outcome: Some(outcome), ..watch }).await
    }

    /// Watches deliveries that were recorded and of which no line may ever be written: everything was there already, or nothing ever comes.
    async fn look_for_records(&self, webhooks: &[&Webhook]) -> Result<()> {
        let (now, recorded) = (self.now(), self.courier.take_recorded());
        if !is_time(&mut self.state().records_looked, now, RECORDS_EVERY) && !recorded {
            return Ok(());
        }
        let webhooks: Vec<_> = webhooks.iter().filter(|webhook| wants_deliveries(webhook)).collect();
        if webhooks.is_empty() {
            return Ok(());
        }
        let today = now.to_zoned(self.sources.zone.clone()).date();
        let days = today.checked_sub(RECORDS_DAYS.days()).unwrap_or(today)..=today.tomorrow().unwrap_or(today);
        let (store, bucket) = (&*self.sources.flow.store, &self.sources.flow.settings.upload_bucket);
        for vertical in list::verticals(store, bucket).await? {
            if !webhooks.iter().any(|webhook| webhook.verticals.include(&vertical)) {
                continue;
            }
            for key in list::keys_between(store, bucket, &vertical, days.clone()).await? {
                let subject = WatchedSubject::Delivery(vertical.clone(), key.id.to_string()).to_string();
                for webhook in webhooks.iter().filter(|webhook| webhook.verticals.include(&vertical)) {
                    self.watch_record(webhook, &subject, &key, now).await?;
                }
            }
        }
        Ok(())
    }

    async fn watch_record(
        &self,
        webhook: &Webhook,
        subject: &str,
        key: &crate::model::key::DeliveryKey,
        now: Timestamp,
    ) -> Result<()> {
        let seen = (webhook.id.clone(), subject.to_owned());
        if self.state().seen.contains(&seen) {
            return Ok(());
        }
        if self.catalog().webhook_watch(&webhook.id, subject).await?.is_none() {
            let (store, bucket) = (&*self.sources.flow.store, &self.sources.flow.settings.upload_bucket);
            let Some(record) = list::read(store, bucket, key).await? else { return Ok(()) };
            if record.created >= webhook.created_at {
                let due = now.checked_add(self.settings().settle).ok();
                let watch = Watch {
                    webhook: webhook.id.clone(),
                    subject: subject.to_owned(),
                    position: 0,
                    touched: record.created,
                    due,
                    outcome: None,
                };
                self.catalog().put_webhook_watch(&watch).await?;
            }
        }
        let mut state = self.state();
        if state.seen.len() >= SEEN_MAX {
            state.seen.clear();
        }
        state.seen.insert(seen);
        Ok(())
    }

    /// Forgets what is old.
    async fn forget(&self, webhooks: &[Webhook]) -> Result<()> {
        let now = self.now();
        if !is_time(&mut self.state().forgot, now, FORGET_EVERY) {
            return Ok(());
        }
        let ago = |time: Duration| now.checked_sub(time).unwrap_or(Timestamp::MIN);
        let past = Past { before: ago(self.settings().keep), kept_max: KEPT_MAX, watches_before: ago(WATCHES_KEPT) };
        for webhook in webhooks {
            let forgotten = self.catalog().forget_webhook_past(&webhook.id, past).await?;
            if forgotten > 0 {
                info!(webhook = webhook.id, forgotten, "old messages and attempts of a webhook were removed");
            }
        }
        Ok(())
    }
}

/// Whether it is time again, and notes it then.
fn is_time(last: &mut Option<Timestamp>, now: Timestamp, every: Duration) -> bool {
    let is_time = last.is_none_or(|last| {
        (to_millis(now) - to_millis(last)).abs() >= i64::try_from(every.as_millis()).unwrap_or(i64::MAX)
    });
    if is_time {
        *last = Some(now);
    }
    is_time
}

fn wants_deliveries(webhook: &Webhook) -> bool {
    webhook.events.include(EventType::DeliveryCompleted) || webhook.events.include(EventType::DeliveryFailed)
}

/// The entity that a line is about, also where only the beginning of a wrong name gives it.
fn entity_of(line: &HistoryLine) -> Option<EntityId> {
    let change = &line.change;
    Some(EntityId { vertical: change.vertical.clone()?, cd_idx: change.cd_idx? })
}

/// The watch of something that a line is about.
fn touched(webhook: &Webhook, subject: String, line: &HistoryLine, due: Timestamp, known: Option<Watch>) -> Watch {
    Watch {
        webhook: webhook.id.clone(),
        subject,
        position: line.position,
        touched: line.change.at,
        due: Some(due),
        outcome: known.and_then(|known| known.outcome),
    }
}
