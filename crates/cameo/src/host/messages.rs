//! What a message asks for, whoever received it: a worker's loop and a Lambda function call the same.
//!
//! Nothing is deleted or given back here: the caller does that, by the result that each message has.

use tracing::{debug, info};

use crate::{
    clock::Clock,
    error::{Error, Remedy, Result},
    event,
    failpoint::{Point, reached},
    flow::{Flow, reconcile::requeue, register::register, resize::resize},
    message::Outcome,
    queue::{BATCH_MAX, Queue},
};

/// Messages that ended alike: which of those handed over, and how.
#[derive(Debug)]
pub struct Ended {
    /// Their places in the list.
    pub messages: Vec<usize>,
    /// How.
    pub result: Result<()>,
}

/// Does what the events of a message ask for, and tells `register` of it. A message may hold several events, or none.
pub async fn handle_events(flow: &Flow, registrations: &dyn Queue, body: &str) -> Result<()> {
    tell(registrations, &outcomes_of(flow, body).await?).await
}

/// Does what the events of a message ask for, and returns what is to be told of it.
pub(super) async fn outcomes_of(flow: &Flow, body: &str) -> Result<Vec<String>> {
    let mut outcomes = Vec::new();
    for event in event::parse(body)? {
        let outcome = resize(flow, &event).await?;
        debug!(key = event.key, generation = %event.generation, ?outcome, "resized");
        outcomes.extend(outcome.map(|outcome| outcome.to_json()));
    }
    Ok(outcomes)
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

/// Registers messages together, in one transaction. What nobody can read stands apart, and where the database takes
/// offence at one, each is tried alone: a bad message must not hold up its neighbours.
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
    if result.as_ref().is_err_and(|error| error.remedy() == Remedy::DeadLetter) && outcomes.len() > 1 {
        for (outcome, at) in outcomes.iter().zip(readable) {
            let result = register_all(flow, events, clock, std::slice::from_ref(outcome)).await;
            ended.push(Ended { messages: vec![at], result });
        }
    } else {
        ended.push(Ended { messages: readable, result });
    }
    ended
}

async fn register_all(flow: &Flow, events: &dyn Queue, clock: &dyn Clock, outcomes: &[Outcome]) -> Result<(), Error> {
    if outcomes.is_empty() {
        return Ok(());
    }
    let mend: Vec<_> = register(flow, outcomes).await?.mend.into_iter().collect();
    if !mend.is_empty() {
        info!(?mend, "uploaded again after a removal: rendered once more");
        requeue(flow, events, &mend, clock.now()).await?;
    }
    for Outcome { key, generation, fate, .. } in outcomes {
        info!(key, %generation, fate = fate.name(), "registered");
    }
    Ok(())
}
