//! Sends what is due, a few messages of an endpoint at a time, and notes what came of each.
//!
//! An endpoint that fails gets one message at a time with ever longer pauses, so that one that is away costs little however much waits
//! for it, and gets everything soon after it is back. What was under way when the process ended is sent again: its message is still pending.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use jiff::Timestamp;
use rand::Rng;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    Dispatcher, Settings,
    schedule::{Ended, after},
};
use crate::{
    catalog::Catalog,
    model::{
        error::Result,
        webhook::{Attempt, Because, Message, Webhook, WebhookHealth},
    },
};

/// Messages of an endpoint that are sent side by side.
const SIDE_BY_SIDE: usize = 4;
/// Pauses of an endpoint that fails double up to this.
const PAUSE_MAX: Duration = Duration::from_mins(5);
/// A success is noted at most so often while an endpoint is well.
const NOTED_EVERY: Duration = Duration::from_mins(1);

/// How long attempts that are under way may go on when the process ends.
const DRAIN: Duration = Duration::from_secs(3);

/// What is under way to an endpoint.
#[derive(Debug, Default)]
struct Lane {
    sent: BTreeSet<String>,
    failures: u32,
    paused_until: Option<Timestamp>,
}

impl Lane {
    /// How many more messages may be sent now.
    fn room(&self, now: Timestamp) -> usize {
        if self.paused_until.is_some_and(|until| until > now) {
            return 0;
        }
        let most = if self.failures > 0 { 1 } else { SIDE_BY_SIDE };
        most.saturating_sub(self.sent.len())
    }
}

/// An attempt that ended.
struct Done {
    webhook: Webhook,
    message: Message,
    attempt: Attempt,
    ended: Ended,
}

type UnderWay = FuturesUnordered<BoxFuture<'static, Done>>;

impl Dispatcher {
    /// Sends until it is told to end; attempts that do not end soon after are given up, and made again by whoever sends next.
    pub async fn send_until(&self, stop: CancellationToken) {
        let (mut lanes, mut under_way) = (BTreeMap::<String, Lane>::new(), UnderWay::new());
        let mut is_failing = false;
        loop {
            let begun = if self.has_lease() { self.begin(&mut lanes, &mut under_way).await } else { Ok(()) };
            is_failing = warned(begun, is_failing);
            tokio::select! {
                () = stop.cancelled() => return self.drain(lanes, under_way).await,
                Some(done) = under_way.next() => {
                    let noted = self.finish(&mut lanes, done).await;
                    is_failing = warned(noted, is_failing);
                }
                () = self.courier.to_send() => {}
                () = tokio::time::sleep(self.settings().poll) => {}
            }
        }
    }

    /// Notes what came of attempts that end soon.
    async fn drain(&self, mut lanes: BTreeMap<String, Lane>, mut under_way: UnderWay) {
        let drained = tokio::time::timeout(DRAIN, async {
            while let Some(done) = under_way.next().await {
                warned(self.finish(&mut lanes, done).await, false);
            }
        });
        if drained.await.is_err() {
            debug!("attempts to send webhooks were under way at the end; they are made again");
        }
    }

    /// Sends everything that is due now, and waits for the answers: for whoever drives it by hand.
    pub async fn send_due(&self) -> Result<usize> {
        let (mut lanes, mut under_way) = (BTreeMap::new(), UnderWay::new());
        let mut sent = 0;
        self.begin(&mut lanes, &mut under_way).await?;
        while let Some(done) = under_way.next().await {
            sent += 1;
            self.finish(&mut lanes, done).await?;
            self.begin(&mut lanes, &mut under_way).await?;
        }
        Ok(sent)
    }

    /// Begins to send what is due, as far as there is room.
    async fn begin(&self, lanes: &mut BTreeMap<String, Lane>, under_way: &mut UnderWay) -> Result<()> {
        let (now, webhooks) = (self.now(), self.catalog().webhooks().await?);
        lanes.retain(|id, lane| !lane.sent.is_empty() || webhooks.iter().any(|webhook| webhook.id == *id));
        for webhook in webhooks.into_iter().filter(Webhook::is_enabled) {
            let lane = lanes.entry(webhook.id.clone()).or_default();
            let room = lane.room(now);
            if room == 0 {
                continue;
            }
            let due = self.catalog().due_webhook_messages(&webhook.id, now, room + lane.sent.len()).await?;
            let new: Vec<Message> = due.into_iter().filter(|message| !lane.sent.contains(&message.id)).collect();
            for message in new.into_iter().take(room) {
                lane.sent.insert(message.id.clone());
                let (courier, webhook) = (self.courier.clone(), webhook.clone());
                under_way.push(Box::pin(async move {
                    let (attempt, ended) = courier.send(&webhook, &message, now).await;
                    Done { webhook, message, attempt, ended }
                }));
            }
        }
        Ok(())
    }

    /// Notes what came of an attempt.
    async fn finish(&self, lanes: &mut BTreeMap<String, Lane>, done: Done) -> Result<()> {
        let (settings, now) = (self.settings(), self.now());
        if let Some(lane) = lanes.get_mut(&done.webhook.id) {
            lane.sent.remove(&done.message.id);
            lane.note(done.ended, settings, now);
        }
        let jitter = rand::rng().random_range(-1.0..=1.0);
        let message = after(&done.message, done.ended, done.attempt.at, settings, jitter);
        note(self.catalog(), settings, &done.webhook.id, &message, done.attempt).await
    }
}

impl Lane {
    fn note(&mut self, ended: Ended, settings: &Settings, now: Timestamp) {
        let Ended::Badly { retry_after } = ended else {
            (self.failures, self.paused_until) = (0, None);
            return;
        };
        let first = settings.retry.first().copied().unwrap_or(PAUSE_MAX).min(PAUSE_MAX);
        let pause = first.saturating_mul(1 << self.failures.min(16)).min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        let pause = pause.max(retry_after.unwrap_or_default().min(PAUSE_MAX));
        self.paused_until = now.checked_add(pause).ok();
    }
}

/// Notes an attempt with what becomes of its message, how the endpoint answers, and disables one that wants or takes nothing any more.
pub(super) async fn note(
    catalog: &dyn Catalog,
    settings: &Settings,
    webhook: &str,
    message: &Message,
    attempt: Attempt,
) -> Result<()> {
    let attempt = Attempt { next: message.next, ..attempt };
    catalog.note_webhook_attempt(&attempt, message).await?;
    debug!(webhook, message = message.id, status = attempt.status, error = attempt.error, "a webhook was tried");
    let Some(webhook) = catalog.webhook(webhook).await? else { return Ok(()) };
    let health = match &attempt.error {
        None => {
            let last = webhook.health.last_success;
            let is_known = last.is_some_and(|last| attempt.at.duration_since(last).unsigned_abs() < NOTED_EVERY);
            if is_known && webhook.health.failing_since.is_none() {
                return Ok(());
            }
            WebhookHealth { failing_since: None, last_success: Some(attempt.at), last_error: None }
        }
        Some(error) => WebhookHealth {
            failing_since: webhook.health.failing_since.or(Some(attempt.at)),
            last_error: Some(error.clone()),
            ..webhook.health.clone()
        },
    };
    catalog.note_webhook_health(&webhook.id, &health).await?;
    let failed_for = health.failing_since.map(|since| attempt.at.duration_since(since).unsigned_abs());
    let because = match attempt.status {
        Some(410) => Some(Because::Gone),
        _ => failed_for.filter(|failed_for| *failed_for >= settings.give_up).map(|_| Because::Failing),
    };
    if let Some(because) = because.filter(|_| webhook.is_enabled()) {
        let (id, error) = (webhook.id.clone(), health.last_error.unwrap_or_default());
        // Somebody may be changing it: then the next attempt says the same.
        if catalog.change_webhook(&Webhook { disabled: Some((attempt.at, because)), ..webhook }).await? {
            warn!(
                webhook = id,
                because = because.as_str(),
                error,
                "a webhook was disabled: enable it once its receiver is repaired"
            );
        }
    }
    Ok(())
}

/// Says once that something fails, until it works again.
fn warned(result: Result<()>, is_failing: bool) -> bool {
    let Err(error) = result else { return false };
    if !is_failing {
        warn!(%error, "webhooks could not be sent; it is tried again");
    }
    true
}
