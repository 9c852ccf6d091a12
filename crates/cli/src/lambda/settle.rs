//! What becomes of a message that failed in a function, by whose failure it was.
//!
//! A function cannot hold a message through an outage, as a worker does: each try is a receive. So it has the message come rarely, and the
//! queue's redrive policy allows so many receives that a day of outage fits (docs/aws.md, "When something is away").

use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use cameo::{
    model::error::{Error, Kind, Subject},
    queue::{Message, Queue},
};
use tracing::{error, warn};

use crate::batch;

/// How long a message is hidden that met an outage. With the template's 100 receives this is a day.
pub(crate) const OUTAGE_PAUSE: Duration = Duration::from_mins(15);

/// Receives of a message that fails with an error that nobody listed, at most: the policy allows more, for outages.
const TRIES_MAX: u32 = 10;

/// Settles a message that failed; whether it must be named as failed, and so comes again.
pub(crate) async fn comes_again(queue: &dyn Queue, message: &SqsMessage, error: &Error) -> bool {
    let message = received(message);
    let is_worn_out = queue.max_receives().is_some_and(|max| message.receive_count >= max.min(TRIES_MAX));
    match error.subject() {
        Subject::Message if error.kind() == Kind::Unlisted && !is_worn_out => {
            warn!(%error, message = message.id, "a message failed and comes again");
            true
        }
        Subject::Message | Subject::Corruption => !dead_lettered(queue, &message, error).await,
        Subject::Outage | Subject::Contention | Subject::Deployment | Subject::Durability => {
            put_off(queue, &message, error).await;
            true
        }
    }
}

/// With its cause, which the redrive policy does not know.
async fn dead_lettered(queue: &dyn Queue, message: &Message, cause: &Error) -> bool {
    queue.adopt(message);
    match queue.dead_letter(&message.receipt, &cause.to_string()).await {
        Ok(()) => {
            error!(%cause, message = message.id, "message moved to the dead-letter queue");
            true
        }
        Err(error) => {
            warn!(%cause, %error, message = message.id, "a message could not be dead-lettered, and comes again");
            false
        }
    }
}

async fn put_off(queue: &dyn Queue, message: &Message, cause: &Error) {
    warn!(%cause, message = message.id, pause = ?OUTAGE_PAUSE, "a message is put off");
    if let Err(error) = queue.extend(&message.receipt, OUTAGE_PAUSE).await {
        warn!(%error, message = message.id, "a message could not be put off; it comes after its visibility timeout");
    }
}

/// The message as the queue's own receive would have it.
fn received(message: &SqsMessage) -> Message {
    let count = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    Message {
        id: message.message_id.clone().unwrap_or_default(),
        receipt: message.receipt_handle.clone().unwrap_or_default(),
        body: batch::body(message).to_owned(),
        receive_count: count.unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cameo::{
        clock::{ManualClock, from_millis},
        model::error::Place,
        queue::memory::MemoryQueue,
    };

    use super::*;

    const VISIBILITY: Duration = Duration::from_mins(6);

    /// A queue of 3 receives with a message that was received, as Lambda hands it over.
    async fn handed_over(receives: u32) -> (Arc<ManualClock>, MemoryQueue, SqsMessage) {
        let clock = Arc::new(ManualClock::new(from_millis(0)));
        let queue = MemoryQueue::new("q", 3, clock.clone());
        queue.send(&["a".to_owned()]).await.unwrap();
        let mut message = SqsMessage::default();
        for _ in 0..receives {
            clock.advance(VISIBILITY);
            let received = queue.receive(1, VISIBILITY, Duration::ZERO).await.unwrap().remove(0);
            message.receipt_handle = Some(received.receipt);
            let count = received.receive_count.to_string();
            message.attributes.insert("ApproximateReceiveCount".to_owned(), count);
        }
        (clock, queue, message)
    }

    fn error(kind: Kind) -> Error {
        Error::new(Place::Catalog, kind, "register")
    }

    #[tokio::test]
    async fn in_an_outage_a_message_comes_rarely() {
        let (clock, queue, message) = handed_over(1).await;
        assert!(comes_again(&queue, &message, &error(Kind::Denied)).await);
        clock.advance(VISIBILITY + Duration::from_secs(1));
        assert_eq!(queue.depth().await.unwrap().visible, 0);
        clock.advance(OUTAGE_PAUSE);
        assert_eq!(queue.depth().await.unwrap().visible, 1);
    }

    #[tokio::test]
    async fn what_is_at_fault_is_dead_lettered_with_its_cause() {
        for (kind, receives) in [(Kind::Refused, 1), (Kind::Malformed, 1), (Kind::Unlisted, 3)] {
            let (_, queue, message) = handed_over(receives).await;
            assert!(!comes_again(&queue, &message, &error(kind)).await, "{kind:?}");
            assert_eq!(queue.dead_letters(1).await.unwrap()[0].error, "failed to register", "{kind:?}");
        }
        let (_, queue, message) = handed_over(2).await;
        assert!(comes_again(&queue, &message, &error(Kind::Unlisted)).await);
        assert_eq!(queue.dead_letters(1).await.unwrap(), []);
    }
}
