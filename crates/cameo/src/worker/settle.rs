//! What becomes of messages, by whose failure it was that a step did not succeed.
//!
//! A done message is deleted, and one that is at fault is dead-lettered with the cause. Everything else is held: what failed is tried until it
//! succeeds, so that an outage of any length costs no receive. The loop itself never ends for a message.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    gather::gather,
    held::{Held, Leases, Todo},
    messages::is_rendered,
    outage::{Gate, pause_after},
};
use crate::{
    failpoint::{Point, reached},
    model::{
        error::{Error, Kind, Result, Subject},
        outcome::Outcome,
    },
    queue::{Message, Queue},
};

/// How often a loop that may not receive looks whether it may.
const GATE_LOOK: Duration = Duration::from_secs(2);
/// Tries of somebody's who is in the way, before it counts as an outage.
const CONTENTION_TRIES: u32 = 3;
/// First and longest pause before a message is received again that failed alone with an error that nobody listed.
const UNLISTED_PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(1));
/// Receives of such a message, at most: a queue may allow more, for functions that cannot hold messages through an outage.
const TRIES_MAX: u32 = 10;
/// How long messages are held that all fail with errors that nobody listed; afterwards each is tried by its receive count.
const UNLISTED_HELD: Duration = Duration::from_hours(1);
/// Failures of a held message, each after another one was done, from which on it is not the component that is at fault.
const FAILURES_BESIDE: u32 = 5;
/// Pause before such a message is received again. It may be a locked row, so all tries together are to take more than an hour.
const BESIDE_PAUSE: Duration = Duration::from_mins(15);
const MINUTE: Duration = Duration::from_mins(1);
/// Longest pause of a message that cannot be read, in a queue that has no dead letters.
const UNREADABLE_PAUSE: Duration = Duration::from_mins(15);

/// The messages that a loop holds.
pub(super) struct InHand<'w> {
    pub(super) queue: &'w dyn Queue,
    gate: &'w Gate,
    pub(super) leases: &'w Leases,
    visibility: Duration,
    /// Told to end: nothing more is held.
    stop: &'w CancellationToken,
    /// After how long what failed comes again once this process has ended.
    put_off: Option<Duration>,
    waiting: Vec<Held>,
    /// Failed in this round with errors that nobody listed.
    unlisted: Vec<(Held, Error)>,
    /// Whether a message was done in this round.
    any_done: bool,
    outage: Option<Error>,
}

impl<'w> InHand<'w> {
    pub(super) fn new(
        queue: &'w dyn Queue,
        gate: &'w Gate,
        leases: &'w Leases,
        visibility: Duration,
        stop: &'w CancellationToken,
        put_off: Option<Duration>,
    ) -> Self {
        let (waiting, unlisted) = (Vec::new(), Vec::new());
        Self { queue, gate, leases, visibility, stop, put_off, waiting, unlisted, any_done: false, outage: None }
    }

    /// Whether nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is to be tried again now.
    pub(super) fn take_due(&mut self) -> Vec<Held> {
        (self.any_done, self.outage) = (false, None);
        // What could not be held any longer comes again by itself.
        self.waiting.retain(|held| self.leases.holds(&held.message.receipt));
        let now = Instant::now();
        self.waiting.extract_if(.., |held| held.due <= now).collect()
    }

    /// Receives, so that no more than `max` are held with those that are due.
    pub(super) async fn receive(&mut self, due: usize, max: usize, wait: Duration) -> Result<Vec<Held>> {
        let room = max.saturating_sub(due + self.waiting.len());
        let patience = if due > 0 { Duration::ZERO } else { self.until_due().map_or(wait, |until| until.min(wait)) };
        // A single step, which is told to end from the start, always looks.
        if room == 0 || !(self.stop.is_cancelled() || self.gate.lets_in()) {
            if due == 0 {
                sleep_or(self.stop, self.until_due().unwrap_or(GATE_LOOK).min(GATE_LOOK)).await;
            }
            return Ok(Vec::new());
        }
        let messages: Vec<Message> = gather(self.queue, self.visibility, patience, room).await?;
        self.leases.begin(&messages);
        Ok(messages.into_iter().map(Held::new).collect())
    }

    fn until_due(&self) -> Option<Duration> {
        let due = self.waiting.iter().map(|held| held.due).min()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    /// Messages are done.
    pub(super) async fn done(&mut self, mut done: Vec<Held>) -> Result<()> {
        if done.is_empty() {
            return Ok(());
        }
        self.any_done = true;
        self.gate.open(done.iter().any(was_rendered));
        let receipts: Vec<_> = done.iter().map(|held| held.message.receipt.clone()).collect();
        reached(Point::BeforeMessageDelete);
        let deleted = self.queue.delete(&receipts).await;
        reached(Point::MessageDeleted);
        if let Err(error) = deleted {
            for mut held in done.drain(..) {
                (held.todo, held.failures) = (Todo::Delete, 0);
                self.not_settled(held, &error).await?;
            }
            return Ok(());
        }
        self.leases.end(receipts.iter()).await;
        Ok(())
    }

    /// A step of a message failed. Returns an error only when the process must end.
    pub(super) async fn failed(&mut self, mut held: Held, error: &Error) -> Result<()> {
        match error.subject() {
            Subject::Durability => Err(error.for_another()),
            Subject::Message if error.kind() == Kind::Unlisted => {
                self.unlisted.push((held, error.for_another()));
                Ok(())
            }
            Subject::Message | Subject::Corruption => {
                held.todo = Todo::DeadLetter(error.to_string());
                self.settle(held).await
            }
            Subject::Outage | Subject::Contention | Subject::Deployment => self.hold(held, error).await,
        }
    }

    /// Decides about errors that nobody listed: where several messages met them and none was done, it is not the messages.
    pub(super) async fn end_round(&mut self) -> Result<()> {
        let unlisted = std::mem::take(&mut self.unlisted);
        let is_outage = unlisted.len() > 1 && !self.any_done;
        for (mut held, error) in unlisted {
            let since = *held.unlisted_since.get_or_insert_with(Instant::now);
            if is_outage && since.elapsed() < UNLISTED_HELD {
                self.hold(held, &error).await?;
            } else {
                let (first, longest) = UNLISTED_PAUSES;
                let doubled = 2_u32.saturating_pow(held.message.receive_count.saturating_sub(1));
                self.try_by_count(held, &error, first.saturating_mul(doubled).min(longest)).await?;
            }
        }
        Ok(())
    }

    /// The first error of the last round that is to be waited for.
    pub(super) fn outage(&mut self) -> Option<Error> {
        self.outage.take()
    }

    async fn hold(&mut self, mut held: Held, error: &Error) -> Result<()> {
        let rendered = self.gate.rendered();
        let is_beside = held.failures > 0 && rendered > held.rendered_before;
        held.rendered_before = rendered;
        held.failures_beside += u32::from(is_beside);
        if held.failures_beside >= FAILURES_BESIDE {
            return self.try_by_count(held, error, BESIDE_PAUSE).await;
        }
        let is_contended = error.subject() == Subject::Contention && held.failures < CONTENTION_TRIES;
        if !(is_beside || self.any_done || is_contended) {
            self.gate.close(error);
        }
        self.keep(held, Some(error));
        Ok(())
    }

    /// Holds a message until it is tried again; without an error it was not tried now.
    pub(super) fn keep(&mut self, mut held: Held, error: Option<&Error>) {
        if let Some(error) = error {
            held.failures += 1;
            self.outage.get_or_insert_with(|| error.for_another());
        }
        held.due = Instant::now() + pause_after(held.failures.max(1));
        self.waiting.push(held);
    }

    /// Puts a message off, counted, or dead-letters it when it was received often enough.
    async fn try_by_count(&mut self, mut held: Held, error: &Error, pause: Duration) -> Result<()> {
        let worn_out = self.queue.max_receives().is_some_and(|max| held.message.receive_count >= max.min(TRIES_MAX));
        let cause = error.to_string();
        held.todo = if worn_out { Todo::DeadLetter(cause) } else { Todo::PutOff(pause, cause) };
        self.settle(held).await
    }

    /// Does to the queue what is to be done about a message.
    pub(super) async fn settle(&mut self, held: Held) -> Result<()> {
        let Held { message: Message { id, receipt, receive_count, .. }, todo, .. } = &held;
        let (queue, name) = (self.queue, self.queue.name());
        let settled = match todo {
            Todo::Step | Todo::Tell(_) => return Ok(()),
            Todo::Delete => queue.delete(std::slice::from_ref(receipt)).await,
            Todo::DeadLetter(cause) if queue.max_receives().is_none() => {
                error!(%cause, queue = name, message = id, "the queue has no dead letters: the message stays, and is tried again");
                let pause = MINUTE.saturating_mul(*receive_count).min(UNREADABLE_PAUSE);
                self.leases.end(std::iter::once(receipt)).await;
                queue.retry_later(receipt, pause, cause).await
            }
            Todo::DeadLetter(cause) => {
                let buried = queue.dead_letter(receipt, cause).await;
                if buried.is_ok() {
                    error!(%cause, queue = name, message = id, "message moved to the dead-letter queue");
                }
                buried
            }
            Todo::PutOff(pause, cause) => {
                warn!(%cause, queue = name, message = id, receive_count, ?pause, "a message failed and is tried again later");
                self.leases.end(std::iter::once(receipt)).await;
                queue.retry_later(receipt, *pause, cause).await
            }
        };
        match settled {
            Ok(()) => {
                self.leases.end(std::iter::once(receipt)).await;
                Ok(())
            }
            Err(error) => self.not_settled(held, &error).await,
        }
    }

    /// The queue did not take it: it is tried again, or left to the visibility timeout.
    async fn not_settled(&mut self, held: Held, error: &Error) -> Result<()> {
        if error.subject() == Subject::Durability {
            return Err(error.for_another());
        }
        if let Todo::DeadLetter(cause) = &held.todo
            && matches!(error.kind(), Kind::Denied | Kind::Misconfigured)
        {
            return self.not_buried(&held, cause, error).await;
        }
        let is_put_off = matches!(held.todo, Todo::PutOff(..));
        if error.is_to_be_waited_for() && !is_put_off && !self.stop.is_cancelled() {
            self.gate.close(error);
            self.keep(held, Some(error));
            return Ok(());
        }
        warn!(%error, queue = self.queue.name(), "the queue did not take it; the message comes again");
        self.leases.end(std::iter::once(&held.message.receipt)).await;
        Ok(())
    }

    /// The dead letters' queue takes nothing from this process. Held, such messages would fill its hands and stop the others; so they come
    /// again, ever more rarely, until it does, or the queue itself moves them.
    async fn not_buried(&self, held: &Held, cause: &str, error: &Error) -> Result<()> {
        let Message { id, receipt, receive_count, .. } = &held.message;
        let pause = MINUTE.saturating_mul(*receive_count).min(UNREADABLE_PAUSE);
        error!(%error, %cause, queue = self.queue.name(), message = id, ?pause, "a message that is at fault cannot be dead-lettered, and comes again");
        self.leases.end(std::iter::once(receipt)).await;
        if let Err(error) = self.queue.retry_later(receipt, pause, cause).await {
            warn!(%error, queue = self.queue.name(), "the queue did not take it; the message comes again");
        }
        Ok(())
    }

    /// Hands everything back that is held.
    pub(super) async fn release_all(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_empty() && self.outage.is_none() {
            info!(messages = waiting.len(), queue = self.queue.name(), "held messages are released");
        }
        self.release(waiting).await;
    }

    /// Hands messages back; one that is done is deleted, if that can be.
    pub(super) async fn release(&self, messages: Vec<Held>) {
        self.leases.end(messages.iter().map(|held| &held.message.receipt)).await;
        let (queue, put_off) = (self.queue, self.put_off);
        let released = messages.iter().map(|held| async move {
            let receipt = &held.message.receipt;
            match (&held.todo, put_off) {
                (Todo::Delete, _) => queue.delete(std::slice::from_ref(receipt)).await,
                (_, Some(pause)) if held.failures > 0 => queue.extend(receipt, pause).await.map(drop),
                _ => queue.release(receipt).await,
            }
        });
        for result in join_all(released).await {
            if let Err(error) = result {
                warn!(%error, "a message could not be released; it comes again after its visibility timeout");
            }
        }
    }
}

/// Whether doing this message wrote everything that its step can write.
fn was_rendered(held: &Held) -> bool {
    match &held.todo {
        Todo::Tell(outcomes) => outcomes.iter().any(is_rendered),
        _ => Outcome::from_json(&held.message.body).is_ok_and(|outcome| is_rendered(&outcome)),
    }
}

/// Waits, unless the process is told to end.
pub(super) async fn sleep_or(stop: &CancellationToken, pause: Duration) {
    // The outcome does not matter: either way it is time to look again.
    let _ = tokio::time::timeout(pause, stop.cancelled()).await;
}
