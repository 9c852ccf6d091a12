//! What a message asks for, whoever received it: a worker's loop and a Lambda function call the same.
//!
//! Nothing is deleted or given back here: the caller does that, by the result that each message has.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tracing::{debug, info};

use crate::{
    clock::Clock,
    failpoint::{Point, reached},
    flow::{
        Flow,
        register::{Registration, register},
        requeue::{requeue, send_events},
        resize::resize,
    },
    model::{
        error::{Error, Kind, Place, Result, Subject},
        event,
        outcome::{Fate, Outcome},
    },
    queue::{BATCH_MAX, Queue},
};

/// Messages that ended alike: which of those handed over, and how.
#[derive(Debug)]
pub struct Ended {
    /// Their places in the list.
    pub messages: Vec<usize>,
    /// What handling them together ended with; an error is for all of them.
    pub result: Result<()>,
}

/// Transactions that fail in a row because the database or the store is out, after which no further one is tried.
pub(super) const OUT_AFTER: usize = 2;

/// Does what the events of a message ask for, and tells `register` of it. A message may hold several events, or none; one that fails
/// keeps no other from being done. The error is the first that is to be waited for, else the first.
pub async fn handle_events(flow: &Flow, registrations: &dyn Queue, body: &str) -> Result<()> {
    let bodies = event::split(body).unwrap_or_else(|| vec![body.to_owned()]);
    let mut handled = Ok(());
    for body in &bodies {
        let done = async { tell(registrations, &bodies_of(&outcomes_of(flow, body).await?)).await };
        if let Err(error) = done.await
            && handled
                .as_ref()
                .err()
                .is_none_or(|first: &Error| !first.is_to_be_waited_for() && error.is_to_be_waited_for())
        {
            handled = Err(error);
        }
    }
    handled
}

/// Does what the events of a message ask for, and returns what is to be told of it.
pub(super) async fn outcomes_of(flow: &Flow, body: &str) -> Result<Vec<Outcome>> {
    let work = async {
        let mut outcomes = Vec::new();
        for event in event::parse(body)? {
            let outcome = resize(flow, &event).await?;
            debug!(key = event.key, generation = %event.generation, ?outcome, "resized");
            outcomes.extend(outcome);
        }
        Ok(outcomes)
    };
    guarded("handle an event", work).await
}

/// Outcomes as messages.
pub(super) fn bodies_of(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().map(Outcome::to_json).collect()
}

/// Whether a success with these outcomes shows that store and catalog work: only a rendered original was written.
pub(super) fn is_rendered(outcome: &Outcome) -> bool {
    matches!(outcome.fate, Fate::Rendered { .. })
}

/// Runs a step; one that panics is that message's failure, not the end of the process.
async fn guarded<T>(doing: &str, step: impl Future<Output = Result<T>>) -> Result<T> {
    let ended = AssertUnwindSafe(step).catch_unwind().await;
    ended.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Error::new(Place::System, Kind::Unlisted, format!("{doing}: it panicked")).because(text))
    })
}

/// Tells `register` what came of events.
pub(super) async fn tell(registrations: &dyn Queue, outcomes: &[String]) -> Result<()> {
    if !outcomes.is_empty() {
        reached(Point::BeforeSend);
    }
    for batch in outcomes.chunks(BATCH_MAX) {
        registrations.send(batch).await?;
        reached(Point::OutcomeSent);
    }
    Ok(())
}

/// Registers messages in one transaction. What nobody can read is apart from the start, and where the transaction fails because
/// of a message, each is tried alone: neither a bad message nor its neighbours' luck decides about the others.
pub async fn register_messages(flow: &Flow, events: &dyn Queue, clock: &dyn Clock, bodies: &[&str]) -> Vec<Ended> {
    let mut ended = Vec::new();
    let (mut outcomes, mut readable) = (Vec::new(), Vec::new());
    for (at, body) in bodies.iter().enumerate() {
        match Outcome::from_json(body) {
            Ok(outcome) => {
                outcomes.push(outcome);
                readable.push(at);
            }
            Err(error) => ended.push(Ended { messages: vec![at], result: Err(error) }),
        }
    }
    let result = register_all(flow, events, clock, &outcomes).await;
    if result.as_ref().is_err_and(is_of_one_message) && outcomes.len() > 1 {
        ended.extend(register_each(flow, events, clock, &outcomes, &readable).await);
    } else {
        ended.push(Ended { messages: readable, result });
    }
    ended
}

fn is_of_one_message(error: &Error) -> bool {
    matches!(error.subject(), Subject::Message | Subject::Corruption)
}

/// Registers each outcome in a transaction of its own; when the database or the store turns out to be out, the rest is not tried.
async fn register_each(
    flow: &Flow,
    events: &dyn Queue,
    clock: &dyn Clock,
    outcomes: &[Outcome],
    at: &[usize],
) -> Vec<Ended> {
    let (mut ended, mut out) = (Vec::with_capacity(at.len()), 0);
    for (n, outcome) in outcomes.iter().enumerate() {
        let result = register_all(flow, events, clock, std::slice::from_ref(outcome)).await;
        out = if result.as_ref().is_err_and(Error::is_to_be_waited_for) { out + 1 } else { 0 };
        let is_out = out >= OUT_AFTER;
        let messages = if is_out { at[n..].to_vec() } else { vec![at[n]] };
        ended.push(Ended { messages, result });
        if is_out {
            break;
        }
    }
    ended
}

async fn register_all(flow: &Flow, events: &dyn Queue, clock: &dyn Clock, outcomes: &[Outcome]) -> Result<(), Error> {
    if outcomes.is_empty() {
        return Ok(());
    }
    let Registration { mend, restore } = guarded("register", register(flow, outcomes)).await?;
    let mend: Vec<_> = mend.into_iter().collect();
    if !restore.is_empty() {
        send_events(events, &restore, clock.now()).await?;
    }
    if !mend.is_empty() {
        info!(?mend, "rendered again: what was published may not be what is registered");
        requeue(flow, events, &mend, clock.now()).await?;
    }
    outcomes.iter().for_each(log_registered);
    Ok(())
}

/// One line for each photo; of a rejection with its reason, for whoever has the log alone.
fn log_registered(Outcome { key, generation, fate, .. }: &Outcome) {
    if let Fate::Rejected { reason, detail } = fate {
        info!(key, %generation, fate = fate.name(), %reason, detail, "registered");
    } else {
        info!(key, %generation, fate = fate.name(), "registered");
    }
}
