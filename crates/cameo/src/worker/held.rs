//! Messages that a loop holds, and their leases: while one is held, its visibility timeout is extended; from the moment at which it is handed
//! over it is not.
//!
//! SQS lets nobody hold a message for more than 12 hours: then its lease is lost here, and the message comes again, counted once more.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use tokio::time::Instant;
use tracing::warn;

use crate::{
    model::outcome::Outcome,
    queue::{Message, Queue},
};

/// Leases that are extended side by side: each may be a connection.
const EXTENDED_AT_ONCE: usize = 10;

/// What is still to be done about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Todo {
    /// Everything.
    Step,
    /// To tell `register` what came of it.
    Tell(Vec<Outcome>),
    /// To delete it: it is done.
    Delete,
    /// To dead-letter it, with this cause.
    DeadLetter(String),
    /// To put it off, because of this.
    PutOff(Duration, String),
}

/// A message that a loop holds.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) message: Message,
    pub(super) todo: Todo,
    /// How often what is to be done failed in a row.
    pub(super) failures: u32,
    /// How often it failed although others succeeded in between.
    pub(super) failures_beside: u32,
    /// The gate's count at the last failure.
    pub(super) rendered_before: u64,
    /// When it failed for the first time with an error that nobody listed.
    pub(super) unlisted_since: Option<Instant>,
    /// When it is to be tried again.
    pub(super) due: Instant,
}

impl Held {
    pub(super) fn new(message: Message) -> Self {
        Self {
            message,
            todo: Todo::Step,
            failures: 0,
            failures_beside: 0,
            rendered_before: 0,
            unlisted_since: None,
            due: Instant::now(),
        }
    }
}

/// Receipts of the messages that a loop holds.
#[derive(Debug, Default)]
pub(super) struct Leases {
    receipts: Mutex<BTreeSet<String>>,
    /// Taken while leases are being extended.
    extending: tokio::sync::Mutex<()>,
}

impl Leases {
    fn receipts(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, messages: &[Message]) {
        self.receipts().extend(messages.iter().map(|message| message.receipt.clone()));
    }

    /// Ends leases. Once this returns, none of them is being extended any more: an extension that comes after its message was released
    /// would hide it again.
    pub(super) async fn end(&self, receipts: impl Iterator<Item = &String>) {
        {
            let mut held = self.receipts();
            for receipt in receipts {
                held.remove(receipt);
            }
        }
        drop(self.extending.lock().await);
    }

    pub(super) fn holds(&self, receipt: &str) -> bool {
        self.receipts().contains(receipt)
    }

    /// Extends the leases for as long as it is polled.
    pub(super) async fn keep(&self, queue: &dyn Queue, visibility: Duration) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(visibility / 3).await;
            let receipts: Vec<_> = self.receipts().iter().cloned().collect();
            let mut failed = None;
            for some in receipts.chunks(EXTENDED_AT_ONCE) {
                let _extending = self.extending.lock().await;
                let held: Vec<_> = some.iter().filter(|receipt| self.holds(receipt)).collect();
                let extended = join_all(held.iter().map(|receipt| queue.extend(receipt, visibility))).await;
                for (receipt, result) in held.into_iter().zip(extended) {
                    match result {
                        Ok(true) => {}
                        Ok(false) => self.lose(queue, receipt),
                        Err(error) => failed = Some(error),
                    }
                }
            }
            if let Some(error) = failed {
                warn!(%error, queue = queue.name(), "a lease could not be extended; the message may be handled twice");
            }
        }
    }

    fn lose(&self, queue: &dyn Queue, receipt: &str) {
        if self.receipts().remove(receipt) {
            warn!(queue = queue.name(), "a message cannot be held any longer; it comes again");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::{clock::ManualClock, queue::memory::MemoryQueue};

    const VISIBILITY: Duration = Duration::from_mins(1);

    /// From reading: the heartbeat extended messages that were handed back.
    #[tokio::test(start_paused = true)]
    async fn only_what_is_still_held_is_extended() {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let queue = MemoryQueue::new("q", 5, clock.clone());
        queue.send(&["kept".to_owned(), "ended".to_owned(), "lost".to_owned()]).await.unwrap();
        let messages = queue.receive(10, VISIBILITY, Duration::ZERO).await.unwrap();
        let receipt = |body: &str| messages.iter().find(|message| message.body == body).unwrap().receipt.clone();
        let leases = Leases::default();
        leases.begin(&messages);
        leases.end([receipt("ended")].iter()).await;
        queue.delete(&[receipt("lost")]).await.unwrap();
        clock.advance(VISIBILITY / 2);
        let _ = tokio::time::timeout(VISIBILITY / 2, leases.keep(&queue, VISIBILITY)).await;
        clock.advance(VISIBILITY * 2 / 3);
        let visible = queue.receive(10, VISIBILITY, Duration::ZERO).await.unwrap();
        assert_eq!(visible.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["ended"]);
        assert!(leases.holds(&receipt("kept")) && !leases.holds(&receipt("lost")));
    }
}
