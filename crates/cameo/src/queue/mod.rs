//! Queues with the meaning of Amazon SQS: at least once, a visibility timeout, a receive count, dead letters.
//!
//! A backend is one file behind [`Queue`]; `memory` is the reference meaning, and every backend passes `contract`.
//! A message that was received more often than the queue allows goes to the dead letters instead of a consumer.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::error::Result;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod dead_letter;
pub mod memory;
mod open;
#[cfg(feature = "embedded")]
pub mod sqlite;
#[cfg(feature = "sqs")]
pub mod sqs;

pub use dead_letter::DeadLetter;
pub use open::open;

/// Messages in one receive or delete, at most (the limit of SQS).
pub const BATCH_MAX: usize = 10;

/// A received message, held until its visibility timeout ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Names the message in logs.
    pub id: String,
    /// Proof of this receive: deletes, extends and gives back.
    pub receipt: String,
    /// The content, as it was sent: an event or an outcome, as JSON.
    pub body: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Messages that can be received now.
    pub visible: u64,
    /// Messages that a consumer holds.
    pub in_flight: u64,
    /// Messages that nobody tries any more; none where the backend has no place for them.
    pub dead: u64,
    /// When the oldest message that is not dead was sent.
    pub oldest: Option<Timestamp>,
}

/// One queue, with the meaning of SQS whatever the backend.
#[async_trait]
pub trait Queue: Send + Sync + std::fmt::Debug {
    /// The queue's name.
    fn name(&self) -> &str;

    /// Sends messages, durably, all or none (per batch of [`BATCH_MAX`] where the backend has no transactions).
    async fn send(&self, bodies: &[String]) -> Result<()>;

    /// Receives up to `max` messages and hides them for `visibility`; waits up to `wait` for the first one.
    async fn receive(&self, max: usize, visibility: Duration, wait: Duration) -> Result<Vec<Message>>;

    /// Removes received messages. A receipt that is no longer valid is passed over.
    async fn delete(&self, receipts: &[String]) -> Result<()>;

    /// Hides a received message for `visibility` from now on. False when the receipt is no longer valid.
    async fn extend(&self, receipt: &str, visibility: Duration) -> Result<bool>;

    /// Gives a received message back at once, without counting the receive where the backend can help it.
    async fn release(&self, receipt: &str) -> Result<()>;

    /// Hides a received message for `pause`, counts the receive, and keeps the error where the backend can: it becomes that of the
    /// dead letter, should there be no further try.
    async fn retry_later(&self, receipt: &str, pause: Duration, error: &str) -> Result<()>;

    /// Moves a received message to the dead letters.
    async fn dead_letter(&self, receipt: &str, error: &str) -> Result<()>;

    /// After how many receives a message becomes a dead letter; none where it never does.
    fn max_receives(&self) -> Option<u32>;

    /// Takes note of a message that was received for this process by somebody else, as Lambda does, so that it can be
    /// [dead-lettered](Self::dead_letter).
    fn adopt(&self, message: &Message);

    /// Sends these dead letters again, as new messages, and removes them; returns how many there were. A crash in between leaves both.
    async fn redrive(&self, ids: &[String]) -> Result<u64>;

    /// How full the queue is.
    async fn depth(&self) -> Result<Depth>;

    /// The newest dead letters, at most `max`.
    async fn dead_letters(&self, max: usize) -> Result<Vec<DeadLetter>>;

    /// The bodies of all messages that are not dead, received ones included, without receiving them; `None` where there are
    /// more than `max`, or where the backend cannot look (SQS).
    async fn bodies(&self, _max: usize) -> Result<Option<Vec<String>>> {
        Ok(None)
    }
}
