//! The models of queues find bugs: each is planted in a queue, and both models must fail on it.
//!
//! A walk by chance that never met a bug would prove nothing; here it is seen to meet those that lose and repeat work.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use cameo::{
    clock::ManualClock,
    model::error::Result,
    queue::{
        DeadLetter, Depth, Message, Queue,
        contract::{Fixture, MAX_RECEIVES, does_what_memory_does, loses_and_invents_nothing},
        memory::MemoryQueue,
    },
};
use jiff::Timestamp;

/// What is wrong with a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    /// What is deleted comes again.
    DeleteForgets,
    /// Of several messages only the first is kept.
    SendLosesTheRest,
    /// What is received can be received by others at once.
    ReceiveHidesNothing,
    /// What is extended stays hidden only as long as it was to be.
    ExtendDoesNothing,
    /// What is dead-lettered is deleted.
    DeadLetterLoses,
    /// Dead letters that are to be sent again are deleted.
    RedriveLoses,
    /// A message comes with a count that does not grow.
    CountStays,
    /// A message never becomes a dead letter by itself.
    NeverWornOut,
    /// A message comes that nobody sent.
    ReceiveInvents,
}

const BUGS: [Bug; 9] = [
    Bug::DeleteForgets,
    Bug::SendLosesTheRest,
    Bug::ReceiveHidesNothing,
    Bug::ExtendDoesNothing,
    Bug::DeadLetterLoses,
    Bug::RedriveLoses,
    Bug::CountStays,
    Bug::NeverWornOut,
    Bug::ReceiveInvents,
];

/// A queue in memory with a bug, or without one.
#[derive(Debug)]
struct Planted {
    queue: MemoryQueue,
    bug: Option<Bug>,
}

impl Planted {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}

#[async_trait]
impl Queue for Planted {
    fn name(&self) -> &str {
        self.queue.name()
    }

    async fn send(&self, bodies: &[String]) -> Result<()> {
        let kept = if self.has(Bug::SendLosesTheRest) { 1 } else { bodies.len() };
        self.queue.send(&bodies[..kept]).await
    }

    async fn receive(&self, max: usize, visibility: Duration, wait: Duration) -> Result<Vec<Message>> {
        let visibility = if self.has(Bug::ReceiveHidesNothing) { Duration::ZERO } else { visibility };
        let mut messages = self.queue.receive(max, visibility, wait).await?;
        if let Some(first) = messages.first_mut() {
            if self.has(Bug::ReceiveInvents) {
                "nobody sent this".clone_into(&mut first.body);
            }
            if self.has(Bug::CountStays) {
                first.receive_count = 1;
            }
        }
        Ok(messages)
    }

    async fn delete(&self, receipts: &[String]) -> Result<()> {
        if self.has(Bug::DeleteForgets) { Ok(()) } else { self.queue.delete(receipts).await }
    }

    async fn extend(&self, receipt: &str, visibility: Duration) -> Result<bool> {
        if self.has(Bug::ExtendDoesNothing) { Ok(true) } else { self.queue.extend(receipt, visibility).await }
    }

    async fn release(&self, receipt: &str) -> Result<()> {
        self.queue.release(receipt).await
    }

    async fn retry_later(&self, receipt: &str, pause: Duration, error: &str) -> Result<()> {
        self.queue.retry_later(receipt, pause, error).await
    }

    async fn dead_letter(&self, receipt: &str, error: &str) -> Result<()> {
        if self.has(Bug::DeadLetterLoses) {
            return self.queue.delete(&[receipt.to_owned()]).await;
        }
        self.queue.dead_letter(receipt, error).await
    }

    fn max_receives(&self) -> Option<u32> {
        self.queue.max_receives()
    }

    fn adopt(&self, message: &Message) {
        self.queue.adopt(message);
    }

    async fn redrive(&self, ids: &[String]) -> Result<u64> {
        let sent = self.queue.redrive(ids).await?;
        if self.has(Bug::RedriveLoses) && sent > 0 {
            // It comes last of what is visible, and nothing else has been received in between.
            for message in self.queue.receive(1000, Duration::ZERO, Duration::ZERO).await? {
                self.queue.delete(&[message.receipt]).await?;
            }
        }
        Ok(sent)
    }

    async fn depth(&self) -> Result<Depth> {
        self.queue.depth().await
    }

    async fn dead_letters(&self, max: usize) -> Result<Vec<DeadLetter>> {
        self.queue.dead_letters(max).await
    }

    async fn bodies(&self, max: usize) -> Result<Option<Vec<String>>> {
        self.queue.bodies(max).await
    }
}

/// Queues with a bug, and their clock.
#[derive(Debug)]
struct Buggy {
    bug: Option<Bug>,
    clock: Arc<ManualClock>,
}

impl Buggy {
    fn new(bug: Option<Bug>) -> Self {
        Self { bug, clock: Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)) }
    }
}

#[async_trait]
impl Fixture for Buggy {
    async fn empty_queue(&self) -> Box<dyn Queue> {
        let max_receives = if self.bug == Some(Bug::NeverWornOut) { u32::MAX } else { MAX_RECEIVES };
        let queue = MemoryQueue::new("q", max_receives, self.clock.clone());
        Box::new(Planted { queue, bug: self.bug })
    }

    async fn pass(&self, by: Duration) {
        self.clock.advance(by);
    }
}

#[tokio::test]
async fn a_queue_without_a_bug_passes_both_models() {
    does_what_memory_does(&Buggy::new(None)).await;
    loses_and_invents_nothing(&Buggy::new(None)).await;
}

#[tokio::test]
async fn each_planted_bug_is_found_by_the_comparison_with_memory() {
    for bug in BUGS {
        let walk = tokio::spawn(async move { does_what_memory_does(&Buggy::new(Some(bug))).await });
        assert!(walk.await.is_err_and(|error| error.is_panic()), "{bug:?} was not found");
    }
}

#[tokio::test]
async fn each_planted_bug_is_found_by_what_every_queue_promises() {
    for bug in BUGS {
        let walk = tokio::spawn(async move { loses_and_invents_nothing(&Buggy::new(Some(bug))).await });
        assert!(walk.await.is_err_and(|error| error.is_panic()), "{bug:?} was not found");
    }
}
