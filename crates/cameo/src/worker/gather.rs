//! Gathering the messages of one registration: more than one receive brings, when more wait.
//!
//! A registration costs the same two ways to the database and back for one message and for many. When few messages wait
//! the first receive has them all and nothing else is asked, so that none of them waits for others.

use std::time::Duration;

use futures::future::join_all;
use tracing::warn;

use crate::{
    model::error::Result,
    queue::{BATCH_MAX, Message, Queue},
};

/// Messages registered together, at most; chosen by measurement (docs/scale.md).
pub(super) const REGISTERED_TOGETHER: usize = 100;

/// Receives up to `max` messages and hides them for `visibility`; waits up to `wait` for the first one.
///
/// After a receive that was full others follow that do not wait, two side by side, then four …, until one is not full.
pub(super) async fn gather(
    queue: &dyn Queue,
    visibility: Duration,
    wait: Duration,
    max: usize,
) -> Result<Vec<Message>> {
    let mut messages = queue.receive(max.min(BATCH_MAX), visibility, wait).await?;
    let (mut all_full, mut side_by_side) = (messages.len() == BATCH_MAX, 1);
    while all_full && messages.len() + BATCH_MAX <= max {
        side_by_side = (side_by_side * 2).min((max - messages.len()) / BATCH_MAX);
        let receives = (0..side_by_side).map(|_| queue.receive(BATCH_MAX, visibility, Duration::ZERO));
        for received in join_all(receives).await {
            // What is held already is registered, whatever became of the others.
            let more = received.unwrap_or_else(|error| {
                warn!(%error, queue = queue.name(), "no further messages could be received");
                Vec::new()
            });
            all_full &= more.len() == BATCH_MAX;
            messages.extend(more);
        }
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{clock::SystemClock, queue::memory::MemoryQueue};

    const MINUTE: Duration = Duration::from_mins(1);

    async fn gathered(waiting: usize) -> (usize, u64) {
        let queue = MemoryQueue::new("registrations", 5, Arc::new(SystemClock));
        let bodies: Vec<_> = (0..waiting).map(|n| n.to_string()).collect();
        queue.send(&bodies).await.unwrap();
        let messages = gather(&queue, MINUTE, Duration::ZERO, REGISTERED_TOGETHER).await.unwrap();
        (messages.len(), queue.depth().await.unwrap().visible)
    }

    #[tokio::test]
    async fn as_many_are_gathered_as_wait_up_to_the_bound() {
        assert_eq!(gathered(0).await, (0, 0));
        assert_eq!(gathered(7).await, (7, 0));
        assert_eq!(gathered(10).await, (10, 0));
        assert_eq!(gathered(55).await, (55, 0));
        assert_eq!(gathered(250).await, (REGISTERED_TOGETHER, 250 - REGISTERED_TOGETHER as u64));
    }
}
