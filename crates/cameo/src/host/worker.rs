//! Workers: loops that turn messages into calls of the flow's steps.
//!
//! A message is deleted only after its step has succeeded; while the step runs, its visibility timeout is extended. When a
//! place is down, messages are given back uncounted and nothing is received until it answers again. What nobody can
//! understand is set aside at once; what keeps failing is set aside by the queue's receive count.

use std::{future::Future, sync::Arc, time::Duration};

use futures::{FutureExt, future::join_all};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    gather::gather,
    messages::{Ended, outcomes_of, register_messages, tell},
};
use crate::{
    clock::Clock,
    error::{Remedy, Result},
    failpoint::{Bug, Point, planted, reached},
    flow::{Flow, window::Window},
    queue::{Message, Queue},
    reason::ReasonCode,
};

/// Messages that one resize task holds. More would keep others idle, fewer would cost a commit each.
const EVENTS_HELD: usize = 4;
/// Leases that are extended side by side: each may be a connection.
const EXTENDED_AT_ONCE: usize = 10;
/// How long an outcome may wait for those of its neighbours, but for the time that the next original takes.
const TOLD_WITHIN: Duration = Duration::from_millis(250);
/// First and longest pause while a place is down.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// Pause before a failed message is tried again although every place is up.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// How often the clock is looked at while a window is closed.
const CLOCK_LOOK: Duration = Duration::from_secs(1);
/// A next run that is further away than this is not the next minute: the window is closed.
const WINDOW_GAP: SignedDuration = SignedDuration::from_mins(1);

/// What the loops work with.
#[derive(Debug, Clone)]
pub struct Worker {
    /// The steps.
    pub flow: Flow,
    /// From the store to `resize`.
    pub events: Arc<dyn Queue>,
    /// From `resize` to `register`.
    pub registrations: Arc<dyn Queue>,
    /// How long a received message is hidden from others.
    pub visibility_timeout: Duration,
    /// How long a receive waits for the first message; also how long an idle loop takes to notice that it is to end.
    pub receive_wait: Duration,
    /// When registering runs; at once where there is none.
    pub window: Option<Window>,
    /// The time that the window goes by.
    pub clock: Arc<dyn Clock>,
}

impl Worker {
    /// Receives events, renders and publishes, until `stop`. Returns an error only when the process must end.
    pub async fn resize_until(&self, stop: &CancellationToken) -> Result<()> {
        while !stop.is_cancelled() {
            let step = self.resize_once(self.receive_wait).await;
            self.after(step, stop).await?;
        }
        Ok(())
    }

    /// Receives outcomes and registers them, in the window where there is one, until `stop`. Returns an error only when
    /// the process must end.
    pub async fn register_until(&self, stop: &CancellationToken) -> Result<()> {
        let Some(window) = &self.window else {
            while !stop.is_cancelled() {
                let step = self.register_once(self.receive_wait).await;
                self.after(step, stop).await?;
            }
            return Ok(());
        };
        if window.is_open(self.clock.now()) {
            self.register_all(stop).await?;
        }
        while !stop.is_cancelled() {
            let next = window.next_run(self.clock.now());
            if next.duration_since(self.clock.now()) > WINDOW_GAP {
                info!(at = window.told(next), reason = %ReasonCode::WindowClosed, "what comes waits; it is registered later");
            }
            self.wait_until(next, stop).await;
            self.register_all(stop).await?;
        }
        Ok(())
    }

    /// Registers until nothing waits any more: one run of the window, which its end does not cut. Returns how many
    /// messages there were.
    pub async fn register_all(&self, stop: &CancellationToken) -> Result<usize> {
        let mut messages = 0;
        while !stop.is_cancelled() {
            match self.register_once(self.receive_wait).await {
                Ok(0) => break,
                Ok(received) => messages += received,
                failed => self.after(failed, stop).await?,
            }
        }
        Ok(messages)
    }

    /// Looks at the clock again and again: a machine that slept, or whose clock was set, must not oversleep.
    async fn wait_until(&self, at: Timestamp, stop: &CancellationToken) {
        while !stop.is_cancelled() && self.clock.now() < at {
            let left = Duration::try_from(at.duration_since(self.clock.now())).unwrap_or_default();
            sleep_or(stop, left.min(CLOCK_LOOK)).await;
        }
    }

    /// Handles the events that come within `wait`; returns how many messages there were.
    pub async fn resize_once(&self, wait: Duration) -> Result<usize> {
        let queue = &*self.events;
        let messages = queue.receive(EVENTS_HELD, self.visibility_timeout, wait).await?;
        reached_if(!messages.is_empty(), Point::EventsReceived);
        self.with_heartbeat(queue, &messages, self.resize_received(&messages)).await?;
        Ok(messages.len())
    }

    /// What came of the messages is told together, as long as the first of it does not wait for long: a send and a delete for all
    /// of them, instead of one each.
    async fn resize_received(&self, messages: &[Message]) -> Result<()> {
        let mut handled = Handled::new();
        for (n, message) in messages.iter().enumerate() {
            let step = match outcomes_of(&self.flow, &message.body).await {
                Ok(outcomes) => {
                    handled.add(message, outcomes);
                    if handled.may_wait() { Ok(()) } else { self.tell(&mut handled).await }
                }
                Err(error) => self.settle(&*self.events, &[message], Err(error)).await,
            };
            if step.is_err() {
                // What is done already is told all the same, if that can be.
                let told = self.tell(&mut handled).await;
                release_all(&*self.events, &messages[n + 1..]).await;
                return step.and(told);
            }
        }
        self.tell(&mut handled).await
    }

    /// Tells `register` what came of messages, and is then done with them.
    async fn tell(&self, handled: &mut Handled<'_>) -> Result<()> {
        let Handled { messages, outcomes, .. } = std::mem::replace(handled, Handled::new());
        if messages.is_empty() {
            return Ok(());
        }
        let told = tell(&*self.registrations, &outcomes).await;
        self.settle(&*self.events, &messages, told).await
    }

    /// Registers the outcomes that come within `wait`; returns how many messages there were.
    pub async fn register_once(&self, wait: Duration) -> Result<usize> {
        let queue = &*self.registrations;
        let messages = gather(queue, self.visibility_timeout, wait).await?;
        if planted(Bug::DeleteMessageBeforeCommit) {
            let receipts: Vec<_> = messages.iter().map(|message| message.receipt.clone()).collect();
            queue.delete(&receipts).await?;
        }
        self.with_heartbeat(queue, &messages, self.register_received(&messages)).await?;
        Ok(messages.len())
    }

    /// After a step: ends on what cannot be mended here, and waits while a place is down.
    async fn after(&self, step: Result<usize>, stop: &CancellationToken) -> Result<()> {
        if let Err(error) = step {
            if error.remedy() == Remedy::Stop {
                return Err(error);
            }
            warn!(%error, "messages cannot be received; trying again");
            sleep_or(stop, PAUSES.0).await;
            self.wait_until_up(stop).await;
        }
        Ok(())
    }

    /// Runs `work` and meanwhile keeps the messages hidden from others.
    async fn with_heartbeat(
        &self,
        queue: &dyn Queue,
        messages: &[Message],
        work: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let heartbeat = async {
            loop {
                tokio::time::sleep(self.visibility_timeout / 3).await;
                for some in messages.chunks(EXTENDED_AT_ONCE) {
                    let extended = some.iter().map(|message| queue.extend(&message.receipt, self.visibility_timeout));
                    for result in join_all(extended).await {
                        if let Err(error) = result {
                            warn!(%error, queue = queue.name(), "a lease could not be extended; the message may be handled twice");
                        }
                    }
                }
            }
        };
        tokio::select! {
            result = work => result,
            () = heartbeat => Ok(()),
        }
    }

    async fn register_received(&self, messages: &[Message]) -> Result<()> {
        let bodies: Vec<_> = messages.iter().map(|message| message.body.as_str()).collect();
        for Ended { messages: at, result } in register_messages(&self.flow, &*self.events, &*self.clock, &bodies).await
        {
            let ended: Vec<_> = at.into_iter().map(|at| &messages[at]).collect();
            self.settle(&*self.registrations, &ended, result).await?;
        }
        Ok(())
    }

    /// Deletes, gives back or sets aside, by how the step ended. Returns an error only when the process must end.
    async fn settle(&self, queue: &dyn Queue, messages: &[&Message], result: Result<()>) -> Result<()> {
        let Err(error) = result else {
            let receipts: Vec<_> = messages.iter().map(|message| message.receipt.clone()).collect();
            reached_if(!receipts.is_empty(), Point::BeforeMessageDelete);
            let deleted = if receipts.is_empty() { Ok(()) } else { queue.delete(&receipts).await };
            reached_if(!receipts.is_empty(), Point::MessageDeleted);
            return tolerate(deleted, "delete");
        };
        match error.remedy() {
            Remedy::Stop => return Err(error),
            Remedy::DeadLetter => error!(%error, queue = queue.name(), "a message is set aside"),
            Remedy::Retry => {
                warn!(%error, reason = ?error.waiting_reason(), queue = queue.name(), "a step failed and is tried again");
            }
        }
        // A full disk answers every ping, and yet takes nothing: what the error says counts as well.
        let down = error.remedy() == Remedy::Retry && (error.is_of_a_place_away() || !self.is_up().await);
        for message in messages {
            let done = match error.remedy() {
                Remedy::DeadLetter => queue.bury(&message.receipt, &error.to_string()).await,
                _ if down => queue.release(&message.receipt).await,
                _ => queue.extend(&message.receipt, RETRY_AFTER).await.map(drop),
            };
            tolerate(done, "give back")?;
        }
        // Down is not bad: the loop waits, and nobody's receive count was burnt.
        if down { Err(error) } else { Ok(()) }
    }

    async fn is_up(&self) -> bool {
        let (store, catalog) = futures::join!(self.flow.store.ping(), self.flow.catalog.ping());
        store.is_ok() && catalog.is_ok()
    }

    /// Receives nothing while a place is down: no receive counts are burnt and nothing is rejected for it.
    async fn wait_until_up(&self, stop: &CancellationToken) {
        let (mut pause, longest) = PAUSES;
        let mut told = false;
        while !stop.is_cancelled() && !self.is_up().await {
            if !told {
                warn!("the store or the database is away; nothing is received until it is back");
                told = true;
            }
            sleep_or(stop, pause).await;
            pause = (pause * 2).min(longest);
        }
        if told && !stop.is_cancelled() {
            info!("the store and the database are back");
        }
    }
}

/// Messages that were handled, and what is to be told of them.
struct Handled<'m> {
    messages: Vec<&'m Message>,
    outcomes: Vec<String>,
    since: Instant,
}

impl<'m> Handled<'m> {
    fn new() -> Self {
        Self { messages: Vec::new(), outcomes: Vec::new(), since: Instant::now() }
    }

    fn add(&mut self, message: &'m Message, outcomes: Vec<String>) {
        if self.messages.is_empty() {
            self.since = Instant::now();
        }
        self.messages.push(message);
        self.outcomes.extend(outcomes);
    }

    fn may_wait(&self) -> bool {
        self.since.elapsed() < TOLD_WITHIN
    }
}

/// Gives back what was not begun.
async fn release_all(queue: &dyn Queue, messages: &[Message]) {
    for result in join_all(messages.iter().map(|message| queue.release(&message.receipt))).await {
        if let Err(error) = result {
            warn!(%error, "a message could not be given back; it comes again after its visibility timeout");
        }
    }
}

/// What cannot be told to the queue is told by the end of the visibility timeout: the message comes again.
fn tolerate(result: Result<()>, doing: &str) -> Result<()> {
    match result {
        Err(error) if error.remedy() == Remedy::Stop => Err(error),
        Err(error) => {
            warn!(%error, doing, "the queue did not take it; the message comes again");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn reached_if(condition: bool, point: Point) {
    if condition {
        reached(point);
    }
}

async fn sleep_or(stop: &CancellationToken, pause: Duration) {
    let _ = tokio::time::timeout(pause, stop.cancelled().boxed()).await;
}
