//! Queues in memory: the reference meaning, for tests. Nothing survives the process.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::{DeadLetter, Depth, Message, Queue};
use crate::{clock::Clock, model::error::Result};

/// A queue in memory.
#[derive(Debug)]
pub struct MemoryQueue {
    name: String,
    max_receives: u32,
    clock: Arc<dyn Clock>,
    state: Mutex<Messages>,
    sent: Notify,
}

#[derive(Debug, Default)]
struct Messages {
    next_id: u64,
    entries: Vec<Entry>,
    dead: Vec<DeadLetter>,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    body: String,
    enqueued_at: Timestamp,
    visible_at: Timestamp,
    receive_count: u32,
    /// Receives of all, also those that a release does not count: no receipt is given out twice.
    receives: u64,
    receipt: Option<String>,
    last_error: Option<String>,
}

impl MemoryQueue {
    /// An empty queue; a message received `max_receives` times without success becomes a dead letter.
    pub fn new(name: &str, max_receives: u32, clock: Arc<dyn Clock>) -> Self {
        Self { name: name.to_owned(), max_receives, clock, state: Mutex::default(), sent: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, Messages> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_receive(&self, max: usize, visibility: Duration) -> Vec<Message> {
        let now = self.clock.now();
        let mut state = self.state();
        state.bury_worn_out(now, self.max_receives);
        state.entries.sort_by_key(|entry| (entry.visible_at, entry.id));
        let visible = state.entries.iter_mut().filter(|entry| entry.is_visible(now)).take(max);
        visible.map(|entry| entry.receive(later(now, visibility))).collect()
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl Entry {
    fn receive(&mut self, hidden_until: Timestamp) -> Message {
        self.visible_at = hidden_until;
        self.receive_count += 1;
        self.receives += 1;
        let receipt = format!("{}-{}", self.id, self.receives);
        self.receipt = Some(receipt.clone());
        Message { id: self.id.to_string(), receipt, body: self.body.clone(), receive_count: self.receive_count }
    }

    /// What nobody has received is never hidden, wherever the clock was set to since.
    fn is_visible(&self, now: Timestamp) -> bool {
        self.receipt.is_none() || self.visible_at <= now
    }

    fn into_dead(self, error: String, now: Timestamp) -> DeadLetter {
        DeadLetter::new(self.id.to_string(), self.body, self.receive_count, error, Some(now))
    }
}

impl Messages {
    fn bury_worn_out(&mut self, now: Timestamp, max_receives: u32) {
        let worn_out = |entry: &mut Entry| entry.is_visible(now) && entry.receive_count >= max_receives;
        for mut entry in self.entries.extract_if(.., worn_out) {
            let unknown = || format!("received {} times without success", entry.receive_count);
            let error = entry.last_error.take().unwrap_or_else(unknown);
            self.dead.push(entry.into_dead(error, now));
        }
    }

    fn add(&mut self, body: String, now: Timestamp) {
        let id = self.next_id;
        self.next_id += 1;
        let (receive_count, receives, receipt, last_error) = (0, 0, None, None);
        let (enqueued_at, visible_at) = (now, now);
        self.entries.push(Entry { id, body, enqueued_at, visible_at, receive_count, receives, receipt, last_error });
    }

    fn held(&mut self, receipt: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.receipt.as_deref() == Some(receipt))
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, bodies: &[String]) -> Result<()> {
        let now = self.clock.now();
        let mut state = self.state();
        for body in bodies {
            state.add(body.clone(), now);
        }
        drop(state);
        self.sent.notify_one();
        Ok(())
    }

    async fn receive(&self, max: usize, visibility: Duration, wait: Duration) -> Result<Vec<Message>> {
        let messages = self.try_receive(max, visibility);
        if !messages.is_empty() {
            return Ok(messages);
        }
        // The outcome does not matter: either way it is time to look again.
        let _ = tokio::time::timeout(wait, self.sent.notified()).await;
        Ok(self.try_receive(max, visibility))
    }

    async fn delete(&self, receipts: &[String]) -> Result<()> {
        let held = |entry: &Entry| entry.receipt.as_ref().is_some_and(|receipt| receipts.contains(receipt));
        self.state().entries.retain(|entry| !held(entry));
        Ok(())
    }

    async fn extend(&self, receipt: &str, visibility: Duration) -> Result<bool> {
        let hidden_until = later(self.clock.now(), visibility);
        Ok(self.state().held(receipt).map(|entry| entry.visible_at = hidden_until).is_some())
    }

    async fn release(&self, receipt: &str) -> Result<()> {
        let now = self.clock.now();
        if let Some(entry) = self.state().held(receipt) {
            entry.visible_at = now;
            entry.receive_count -= 1;
            entry.receipt = None;
        }
        self.sent.notify_one();
        Ok(())
    }

    async fn retry_later(&self, receipt: &str, pause: Duration, error: &str) -> Result<()> {
        let hidden_until = later(self.clock.now(), pause);
        if let Some(entry) = self.state().held(receipt) {
            entry.visible_at = hidden_until;
            entry.last_error = Some(error.to_owned());
        }
        Ok(())
    }

    async fn dead_letter(&self, receipt: &str, error: &str) -> Result<()> {
        let now = self.clock.now();
        let mut state = self.state();
        let held = |entry: &mut Entry| entry.receipt.as_deref() == Some(receipt);
        let buried: Vec<_> = state.entries.extract_if(.., held).collect();
        state.dead.extend(buried.into_iter().map(|entry| entry.into_dead(error.to_owned(), now)));
        Ok(())
    }

    fn max_receives(&self) -> Option<u32> {
        Some(self.max_receives)
    }

    fn adopt(&self, _: &Message) {}

    async fn redrive(&self, ids: &[String]) -> Result<u64> {
        let now = self.clock.now();
        let mut state = self.state();
        let letters: Vec<_> = state.dead.extract_if(.., |letter| ids.contains(&letter.id)).collect();
        let count = letters.len() as u64;
        for letter in letters {
            state.add(letter.body, now);
        }
        drop(state);
        self.sent.notify_one();
        Ok(count)
    }

    async fn depth(&self) -> Result<Depth> {
        let now = self.clock.now();
        let state = self.state();
        let visible = state.entries.iter().filter(|entry| entry.is_visible(now)).count() as u64;
        Ok(Depth {
            visible,
            in_flight: state.entries.len() as u64 - visible,
            dead: state.dead.len() as u64,
            oldest: state.entries.iter().map(|entry| entry.enqueued_at).min(),
        })
    }

    async fn dead_letters(&self, max: usize) -> Result<Vec<DeadLetter>> {
        Ok(self.state().dead.iter().rev().take(max).cloned().collect())
    }

    async fn bodies(&self, max: usize) -> Result<Option<Vec<String>>> {
        let state = self.state();
        let bodies = || state.entries.iter().map(|entry| entry.body.clone()).collect();
        Ok((state.entries.len() <= max).then(bodies))
    }
}
