//! Endpoints of webhooks, the messages to them, what became of each attempt, and what is watched until it is settled.
//!
//! The history is what events are made from, and [`advance_webhook`](Webhooks::advance_webhook) notes how far that came. A step that is
//! repeated changes nothing: a message has its id from what it is about, and one that is there is left as it is. So a process may end
//! anywhere, and the next one does the step again.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::{
    error::Result,
    webhook::{Attempt, Message, Watch, Webhook, WebhookHealth},
};

/// A place in a list that is newest first: the time and the id of its last item.
pub type Before<'b> = Option<(Timestamp, &'b str)>;

/// What keeps webhooks.
#[async_trait]
pub trait Webhooks: Send + Sync + std::fmt::Debug {
    /// Adds an endpoint.
    async fn add_webhook(&self, webhook: &Webhook) -> Result<()>;

    /// The endpoint of an id.
    async fn webhook(&self, id: &str) -> Result<Option<Webhook>>;

    /// Every endpoint, in the order of their ids; there are few.
    async fn webhooks(&self) -> Result<Vec<Webhook>>;

    /// Makes the settings of an endpoint as they are here (neither its position, its health, nor who made it), unless they were changed since
    /// it was read: then false. Its version rises by one.
    async fn change_webhook(&self, webhook: &Webhook) -> Result<bool>;

    /// Removes an endpoint with all that is of it; false where there is none.
    async fn remove_webhook(&self, id: &str) -> Result<bool>;

    /// Notes how an endpoint answers.
    async fn note_webhook_health(&self, id: &str, health: &WebhookHealth) -> Result<()>;

    /// Takes the lease, or prolongs it for whoever has it: whether it is the owner's until then. It is free where it has ended.
    async fn lease_webhooks(&self, owner: &str, now: Timestamp, until: Timestamp) -> Result<bool>;

    /// Adds messages and watches, and moves the endpoint's position on from `from`; false where it is another already. Messages that are
    /// there stay as they are; a watch takes the place of one of its subject.
    async fn advance_webhook(
        &self,
        id: &str,
        positions: (u64, u64),
        messages: &[Message],
        watches: &[Watch],
    ) -> Result<bool>;

    /// Adds messages; those that are there stay as they are.
    async fn add_webhook_messages(&self, messages: &[Message]) -> Result<()>;

    /// Messages of an endpoint that are to be sent by now, those that wait longest first, at most `max`.
    async fn due_webhook_messages(&self, webhook: &str, now: Timestamp, max: usize) -> Result<Vec<Message>>;

    /// How many messages of an endpoint are pending.
    async fn count_pending_webhook_messages(&self, webhook: &str) -> Result<u64>;

    /// A message of an endpoint.
    async fn webhook_message(&self, webhook: &str, id: &str) -> Result<Option<Message>>;

    /// Messages of an endpoint, newest first, at most `max`.
    async fn webhook_messages(&self, webhook: &str, before: Before<'_>, max: usize) -> Result<Vec<Message>>;

    /// Adds an attempt, and makes its message's state, tries and times as they are here.
    async fn note_webhook_attempt(&self, attempt: &Attempt, message: &Message) -> Result<()>;

    /// Attempts of an endpoint, newest first, at most `max`.
    async fn webhook_attempts(&self, webhook: &str, before: Before<'_>, max: usize) -> Result<Vec<Attempt>>;

    /// Makes a message, or all that were made since a time but for tests, pending again as if never tried; returns how many.
    async fn replay_webhook_messages(&self, webhook: &str, which: Replay<'_>, now: Timestamp) -> Result<u64>;

    /// What is watched of a subject.
    async fn webhook_watch(&self, webhook: &str, subject: &str) -> Result<Option<Watch>>;

    /// What is to be looked at by now, at most `max`.
    async fn due_webhook_watches(&self, webhook: &str, now: Timestamp, max: usize) -> Result<Vec<Watch>>;

    /// Puts a watch in the place of one of its subject.
    async fn put_webhook_watch(&self, watch: &Watch) -> Result<()>;

    /// Watches a subject no more.
    async fn remove_webhook_watch(&self, webhook: &str, subject: &str) -> Result<()>;

    /// Forgets what ended: messages and attempts from before a time, and beyond a number; watches that wait for nothing, of which nothing
    /// happened since another time. Returns how many there were.
    async fn forget_webhook_past(&self, webhook: &str, past: Past) -> Result<u64>;
}

/// Which messages are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay<'r> {
    /// The one of this id.
    Message(&'r str),
    /// Those that were made since.
    Since(Timestamp),
}

/// What is the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// Messages that ended and attempts are forgotten that are older.
    pub before: Timestamp,
    /// So many of each are kept at most; what is as old as the last of these is kept too.
    pub kept_max: usize,
    /// Watches that wait for nothing are forgotten that were touched before.
    pub watches_before: Timestamp,
}
