//! What is in work: the keys that messages of the queues are about, and those whose messages are dead.
//!
//! A message is deleted after everything that it asks for was done. So where no message of a key waits or is held, nothing of
//! the key is half done; and an original that no message is about waits for nothing. Looking receives nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::try_join;

use super::origin_prefix;
use crate::{
    ledger::State,
    model::{error::Result, event, key::EntityId, outcome::Outcome, reason::ReasonCode},
    queue::{Queue, dead_letter::causes},
};

/// Messages of a queue that are looked at, at most: beyond them everything counts as in work.
const MESSAGES_MAX: usize = 20_000;

/// The two queues of the flow.
#[derive(Debug, Clone, Copy)]
pub struct Queues<'q> {
    /// From the store to `resize`.
    pub events: &'q dyn Queue,
    /// From `resize` to `register`.
    pub registrations: &'q dyn Queue,
}

/// Whether a key is in work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// A message is about it, or may be: the queues hold messages that cannot be looked at.
    Busy,
    /// No message is about it.
    Idle,
    /// Nobody can say; the queues are empty, or out of reach.
    Unknown,
}

/// The keys in work, as of one moment.
#[derive(Debug, Default)]
pub(super) struct InWork {
    /// Keys of messages; none where the messages cannot be looked at.
    keys: Option<BTreeSet<String>>,
    /// Whether messages wait or are held that cannot be looked at.
    is_busy: bool,
    /// Keys of dead letters, with the newest error.
    dead: Arc<BTreeMap<String, String>>,
}

impl InWork {
    /// Looks at messages and dead letters.
    pub(super) async fn look(queues: Option<Queues<'_>>) -> Result<Self> {
        let mut seen = Self::messages(queues).await?;
        seen.dead = Arc::new(dead_letters(queues).await?);
        Ok(seen)
    }

    /// Looks again. Where messages cannot be looked at (SQS), looking at dead letters is slow and hides them from others for a while:
    /// there those of the first look count.
    pub(super) async fn look_again(&self, queues: Option<Queues<'_>>) -> Result<Self> {
        let mut seen = Self::messages(queues).await?;
        seen.dead = if seen.is_dark() { self.dead.clone() } else { Arc::new(dead_letters(queues).await?) };
        Ok(seen)
    }

    /// Looks at the messages of both queues, the first one first: what moves on in between is seen in the second.
    pub(super) async fn messages(queues: Option<Queues<'_>>) -> Result<Self> {
        let Some(Queues { events, registrations }) = queues else { return Ok(Self::default()) };
        let in_events = events.bodies(MESSAGES_MAX).await?;
        let in_registrations = registrations.bodies(MESSAGES_MAX).await?;
        let mut seen = Self::default();
        if let (Some(events), Some(registrations)) = (in_events, in_registrations) {
            seen.keys = Some(events.iter().chain(&registrations).flat_map(|body| keys_of(body)).collect());
        } else {
            let (events, registrations) = try_join!(events.depth(), registrations.depth())?;
            let waiting = [events, registrations].map(|depth| depth.visible + depth.in_flight);
            seen.is_busy = waiting.iter().sum::<u64>() > 0;
        }
        Ok(seen)
    }

    /// Whether a key is in work.
    pub(super) fn of(&self, key: &str) -> Work {
        match &self.keys {
            Some(keys) if keys.contains(key) => Work::Busy,
            Some(_) => Work::Idle,
            None if self.is_busy => Work::Busy,
            None => Work::Unknown,
        }
    }

    /// Whether a photo of an entity is in work.
    pub(super) fn of_entity(&self, entity: &EntityId) -> Work {
        let prefix = format!("{}{}_", origin_prefix(&entity.vertical), entity.cd_idx);
        match &self.keys {
            Some(keys) => match keys.range(prefix.clone()..).next() {
                Some(key) if key.starts_with(&prefix) => Work::Busy,
                _ => Work::Idle,
            },
            None => self.of(&prefix),
        }
    }

    /// Whether nobody can say what is in work.
    pub(super) fn is_dark(&self) -> bool {
        self.keys.is_none()
    }

    /// The state of a key whose message is dead, with the error that it died of.
    pub(super) fn dead(&self, key: &str) -> Option<&str> {
        self.dead.get(key).map(String::as_str)
    }

    /// The state of a file whose message is dead.
    pub(super) fn dead_state(&self, key: &str) -> Option<State> {
        let detail = self.dead(key)?.to_owned();
        Some(State::Rejected { reason: ReasonCode::SystemDeadLetter, detail })
    }
}

/// Those of the keys that no message is about, alive or dead. Where messages cannot be looked at: all of them while the queues are empty,
/// and else none.
pub async fn without_message(queues: Queues<'_>, keys: Vec<String>) -> Result<Vec<String>> {
    let seen = InWork::look(Some(queues)).await?;
    Ok(keys.into_iter().filter(|key| seen.of(key) != Work::Busy && seen.dead(key).is_none()).collect())
}

/// Keys of dead letters, with the newest error.
async fn dead_letters(queues: Option<Queues<'_>>) -> Result<BTreeMap<String, String>> {
    let Some(Queues { events, registrations }) = queues else { return Ok(BTreeMap::new()) };
    let causes = causes(&[registrations, events]).await?;
    Ok(causes.into_iter().map(|(key, letter)| (key, letter.error)).collect())
}

/// The keys that a message of either queue is about.
fn keys_of(body: &str) -> Vec<String> {
    if let Ok(outcome) = Outcome::from_json(body) {
        return vec![outcome.key];
    }
    event::parse(body).unwrap_or_default().into_iter().map(|event| event.key).collect()
}
