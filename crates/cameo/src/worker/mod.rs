//! Workers: loops that turn messages into calls of the flow's steps.
//!
//! A message is deleted only after its step has succeeded; while it is held, its visibility timeout is extended. In an outage a loop holds what it
//! has and tries what failed until that succeeds (`settle`); a message that is at fault is dead-lettered alone. No message,
//! row or file ends a loop: only a write that may not be durable does.
//!
//! [`messages`] are the calls of the flow's steps, `gather` finds messages that are best registered together, `settle` decides what becomes
//! of messages, `held` keeps them while that takes, [`outage`] is what loops share about it, and [`window`] when registering is on.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    clock::Clock,
    failpoint::{Bug, Point, planted, reached},
    flow::Flow,
    model::{
        error::{Result, Subject},
        event,
        outcome::Outcome,
        reason::ReasonCode,
    },
    queue::Queue,
};

mod gather;
mod held;
pub mod messages;
pub mod outage;
mod settle;
pub mod window;

use gather::REGISTERED_TOGETHER;
use held::{Held, Leases, Todo};
use messages::{Ended, OUT_AFTER, bodies_of, outcomes_of, register_messages, tell};
use outage::{Gate, Outages, pause_after};
use settle::{InHand, sleep_or};
use window::Window;

/// Messages that one resize task holds. More would keep others idle, fewer would cost a commit each.
const EVENTS_HELD: usize = 4;
/// How long an outcome may wait for those of its neighbours, but for the time that the next original takes.
const TOLD_WITHIN: Duration = Duration::from_millis(250);

/// How often the clock is looked at while a window is closed.
const CLOCK_LOOK: Duration = Duration::from_secs(1);
/// A next run that is further away than this is not the next minute: the window is closed.
const WINDOW_GAP: SignedDuration = SignedDuration::from_mins(1);

/// What the loops work with.
#[derive(Debug, Clone)]
pub struct Worker {
    /// What the steps work with: store, catalog, engine and settings.
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
    /// What the loops of a process know of outages.
    pub outages: Outages,
}

/// How long a loop runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// One round, which waits so long for messages.
    Once(Duration),
    /// Until nothing waits any more, or the window closes.
    UntilEmpty,
    /// Until it is told to end.
    UntilStopped,
}

/// A step whose messages a loop receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Resize,
    Register,
}

impl Worker {
    /// Receives events, renders and publishes, until `stop`. Returns an error only when the process must end.
    pub async fn resize_until(&self, stop: &CancellationToken) -> Result<()> {
        self.run(Step::Resize, Run::UntilStopped, stop).await.map(drop)
    }

    /// Receives outcomes and registers them, in the window where there is one, until `stop`. Returns an error only when
    /// the process must end.
    pub async fn register_until(&self, stop: &CancellationToken) -> Result<()> {
        let Some(window) = &self.window else {
            return self.run(Step::Register, Run::UntilStopped, stop).await.map(drop);
        };
        // Before the next run is waited for: a process that starts inside the window would else leave what waits to the next.
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

    /// Registers until nothing waits any more, or the window closes: one run of the window. Returns how many messages there were.
    pub async fn register_all(&self, stop: &CancellationToken) -> Result<usize> {
        self.run(Step::Register, Run::UntilEmpty, stop).await
    }

    /// Looks at the clock again and again: a machine that slept, or whose clock was set, must not oversleep.
    async fn wait_until(&self, at: Timestamp, stop: &CancellationToken) {
        while !stop.is_cancelled() && self.clock.now() < at {
            let left = Duration::try_from(at.duration_since(self.clock.now())).unwrap_or_default();
            sleep_or(stop, left.min(CLOCK_LOOK)).await;
        }
    }

    /// Handles the events that come within `wait`; returns how many messages there were. In an outage they are released, and its error is returned.
    pub async fn resize_once(&self, wait: Duration) -> Result<usize> {
        self.once(Step::Resize, wait).await
    }

    /// Registers the outcomes that come within `wait`; returns how many messages there were. In an outage they are released, and its error is
    /// returned.
    pub async fn register_once(&self, wait: Duration) -> Result<usize> {
        self.once(Step::Register, wait).await
    }

    async fn once(&self, step: Step, wait: Duration) -> Result<usize> {
        let told_to_end = CancellationToken::new();
        told_to_end.cancel();
        self.run(step, Run::Once(wait), &told_to_end).await
    }

    /// Runs rounds, extends the leases of what is held beside them, and releases what is still held at the end.
    async fn run(&self, step: Step, run: Run, stop: &CancellationToken) -> Result<usize> {
        let (queue, gate): (&dyn Queue, &Gate) = match step {
            Step::Resize => (&*self.events, &self.outages.resize),
            Step::Register => (&*self.registrations, &self.outages.register),
        };
        let leases = Leases::default();
        let mut in_hand = InHand::new(queue, gate, &leases, self.visibility_timeout, stop, self.outages.put_off);
        let work = async {
            let ended = match run {
                Run::Once(wait) => self.single_round(step, &mut in_hand, wait).await,
                Run::UntilEmpty | Run::UntilStopped => self.rounds(step, run, &mut in_hand, stop).await,
            };
            // Within `work`, so that the leases are kept until the last message is released: one whose timeout ended before it would be
            // received by somebody else, and the release would be of a receipt that is no longer valid.
            in_hand.release_all().await;
            ended
        };
        // Beside the rounds, not between them: rendering one original may take longer than a visibility timeout.
        tokio::select! {
            ended = work => ended,
            never = leases.keep(queue, self.visibility_timeout) => match never {},
        }
    }

    async fn single_round(&self, step: Step, in_hand: &mut InHand<'_>, wait: Duration) -> Result<usize> {
        let received = self.round(step, in_hand, wait).await?;
        in_hand.outage().map_or(Ok(received), Err)
    }

    async fn rounds(&self, step: Step, run: Run, in_hand: &mut InHand<'_>, stop: &CancellationToken) -> Result<usize> {
        let (mut messages, mut failures) = (0, 0);
        while !stop.is_cancelled() && (run == Run::UntilStopped || self.window_is_open()) {
            match self.round(step, in_hand, self.receive_wait).await {
                // What was put off is in hand and not in the queue, so an empty receive alone does not say that nothing waits.
                Ok(0) if run == Run::UntilEmpty && in_hand.is_empty() => break,
                Ok(received) => {
                    messages += received;
                    failures = 0;
                }
                Err(error) if error.subject() == Subject::Durability => return Err(error),
                Err(error) => {
                    warn!(%error, "messages cannot be received; trying again");
                    failures += 1;
                    sleep_or(stop, pause_after(failures)).await;
                }
            }
        }
        Ok(messages)
    }

    fn window_is_open(&self) -> bool {
        self.window.as_ref().is_none_or(|window| window.is_open(self.clock.now()))
    }

    /// Tries what is due and handles what comes; returns how many messages came. An error when none can be received, or the process must end.
    async fn round(&self, step: Step, in_hand: &mut InHand<'_>, wait: Duration) -> Result<usize> {
        let mut batch = in_hand.take_due();
        let max = if step == Step::Resize { EVENTS_HELD } else { REGISTERED_TOGETHER };
        // A queue that cannot be received from must not keep what is due from its turn: its error is returned at the end.
        let (received, not_received) = match in_hand.receive(batch.len(), max, wait).await {
            Ok(received) => (received, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let count = received.len();
        match step {
            Step::Resize => {
                reached_if(count > 0, Point::EventsReceived);
                batch.extend(received);
                self.resize(in_hand, batch).await?;
            }
            Step::Register => {
                if planted(Bug::DeleteMessageBeforeCommit) {
                    let receipts: Vec<_> = received.iter().map(|held| held.message.receipt.clone()).collect();
                    self.registrations.delete(&receipts).await?;
                }
                batch.extend(received);
                self.register(in_hand, batch).await?;
            }
        }
        not_received.map_or(Ok(count), Err)
    }

    /// What came of the messages is told together, as long as the first of it does not wait for long: a send and a delete for all
    /// of them, instead of one each.
    async fn resize(&self, in_hand: &mut InHand<'_>, batch: Vec<Held>) -> Result<()> {
        let mut handled = Handled::new();
        let mut batch = batch.into_iter();
        while let Some(held) = batch.next() {
            if let Err(error) = self.resize_one(in_hand, &mut handled, held).await {
                // The process ends. What is done already is told all the same, if that can be.
                drop(self.tell(in_hand, &mut handled).await);
                in_hand.release(batch.collect()).await;
                return Err(error);
            }
        }
        self.tell(in_hand, &mut handled).await?;
        in_hand.end_round().await
    }

    async fn resize_one(&self, in_hand: &mut InHand<'_>, handled: &mut Handled, mut held: Held) -> Result<()> {
        match &held.todo {
            Todo::Step => {
                if let Some(parts) = event::split(&held.message.body) {
                    return self.split(in_hand, held, &parts).await;
                }
                match outcomes_of(&self.flow, &held.message.body).await {
                    // From here on only the sending is repeated: a queue that is away for an hour costs no second rendering.
                    Ok(outcomes) => (held.todo, held.failures) = (Todo::Tell(outcomes), 0),
                    Err(error) => return in_hand.failed(held, &error).await,
                }
                handled.messages.push(held);
            }
            Todo::Tell(_) => handled.messages.push(held),
            Todo::Delete | Todo::DeadLetter(_) | Todo::PutOff(..) => return in_hand.settle(held).await,
        }
        if handled.may_wait() { Ok(()) } else { self.tell(in_hand, handled).await }
    }

    /// Sends each record of a message as one of its own: what becomes of it is nothing to the others.
    async fn split(&self, in_hand: &mut InHand<'_>, held: Held, parts: &[String]) -> Result<()> {
        match self.events.send(parts).await {
            Ok(()) => in_hand.done(vec![held]).await,
            Err(error) => in_hand.failed(held, &error).await,
        }
    }

    /// Tells `register` what came of messages, and is then done with them.
    async fn tell(&self, in_hand: &mut InHand<'_>, handled: &mut Handled) -> Result<()> {
        let messages = std::mem::replace(handled, Handled::new()).messages;
        let outcomes: Vec<_> = messages.iter().flat_map(outcomes_in).cloned().collect();
        let error = match tell(&*self.registrations, &bodies_of(&outcomes)).await {
            Ok(()) => return in_hand.done(messages).await,
            Err(error) => error,
        };
        // Which of them the queue refuses shows when each is sent alone.
        let each = error.subject() == Subject::Message && messages.len() > 1;
        for held in messages {
            let told = if each {
                tell(&*self.registrations, &bodies_of(outcomes_in(&held))).await
            } else {
                Err(error.for_another())
            };
            match told {
                Ok(()) => in_hand.done(vec![held]).await?,
                Err(error) => in_hand.failed(held, &error).await?,
            }
        }
        Ok(())
    }

    /// Registers messages together. Those that failed before are tried in ever smaller groups, so that in the end each is alone with its error.
    async fn register(&self, in_hand: &mut InHand<'_>, batch: Vec<Held>) -> Result<()> {
        let (mut steps, others): (Vec<_>, Vec<_>) = batch.into_iter().partition(|held| held.todo == Todo::Step);
        for held in others {
            in_hand.settle(held).await?;
        }
        // Those that were tried least come first: one that cannot be done must not keep the others from their turn.
        steps.sort_by_key(|held| held.failures);
        let mut out = 0;
        while let Some(first) = steps.first() {
            let group: Vec<_> = steps.drain(..together(first.failures).min(steps.len())).collect();
            // Each further group would wait for the same time-out while its messages are held; they are due again together.
            if out >= OUT_AFTER {
                for held in group {
                    in_hand.keep(held, None);
                }
                continue;
            }
            let is_out = self.register_group(in_hand, group).await?;
            out = if is_out { out + 1 } else { 0 };
        }
        in_hand.end_round().await
    }

    /// Registers a group; returns whether the database or the store could not do it for anybody.
    async fn register_group(&self, in_hand: &mut InHand<'_>, group: Vec<Held>) -> Result<bool> {
        let bodies: Vec<_> = group.iter().map(|held| held.message.body.as_str()).collect();
        let ended = register_messages(&self.flow, &*self.events, &*self.clock, &bodies).await;
        let mut group: Vec<_> = group.into_iter().map(Some).collect();
        let mut is_out = false;
        for Ended { messages, result } in ended {
            let these: Vec<_> = messages.into_iter().filter_map(|at| group[at].take()).collect();
            match result {
                Ok(()) => in_hand.done(these).await?,
                Err(error) => {
                    is_out |= error.is_to_be_waited_for();
                    for held in these {
                        in_hand.failed(held, &error).await?;
                    }
                }
            }
        }
        Ok(is_out)
    }
}

/// Messages that are registered in one transaction after so many failures: a quarter with each.
fn together(failures: u32) -> usize {
    (REGISTERED_TOGETHER >> failures.saturating_mul(2).min(usize::BITS - 1)).max(1)
}

/// Messages that were handled, until it is told what came of them.
struct Handled {
    messages: Vec<Held>,
    since: Instant,
}

impl Handled {
    fn new() -> Self {
        Self { messages: Vec::new(), since: Instant::now() }
    }

    fn may_wait(&self) -> bool {
        self.since.elapsed() < TOLD_WITHIN
    }
}

fn outcomes_in(held: &Held) -> &[Outcome] {
    match &held.todo {
        Todo::Tell(outcomes) => outcomes,
        _ => &[],
    }
}

fn reached_if(condition: bool, point: Point) {
    if condition {
        reached(point);
    }
}
