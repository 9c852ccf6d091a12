//! Dead letters: messages that nobody tries any more, each with the photo it is about and the true cause.
//!
//! [`causes`] is what `verify` asks: a photo whose message is dead is not pending, and never will be by itself.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Queue;
use crate::model::{error::Result, event, outcome::Outcome};

/// Dead letters of one queue that are looked at for their photos, at most.
pub const LOOKED_AT_MAX: usize = 10_000;

/// A message that nobody tries any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Names it, to send it again.
    pub id: String,
    /// The content, as it was sent.
    pub body: String,
    /// How often it was received.
    pub receive_count: u32,
    /// Why nobody tries it any more.
    pub error: String,
    /// Keys of the originals that it is about, as far as they can be read.
    pub keys: Vec<String>,
    /// When it was dead-lettered; none where the backend does not know.
    pub dead_at: Option<Timestamp>,
}

impl DeadLetter {
    /// A dead letter with the keys that its body names.
    pub fn new(id: String, body: String, receive_count: u32, error: String, dead_at: Option<Timestamp>) -> Self {
        let keys = keys_of_body(&body);
        Self { id, body, receive_count, error, keys, dead_at }
    }
}

/// The keys of the originals that a message is about, as far as they can be read.
pub fn keys_of_body(body: &str) -> Vec<String> {
    match Outcome::from_json(body) {
        Ok(outcome) => vec![outcome.key],
        Err(_) => keys_of(body),
    }
}

/// The keys that a body names which cannot be read as a whole.
fn keys_of(body: &str) -> Vec<String> {
    let value = serde_json::from_str::<serde_json::Value>(body).ok();
    match value.as_ref().and_then(|value| value.get("key")).and_then(serde_json::Value::as_str) {
        Some(key) => vec![key.to_owned()],
        None => event::keys(body),
    }
}

/// The dead letters of queues by the keys of their originals: the newest of each key. At most [`LOOKED_AT_MAX`] of each queue.
pub async fn causes(queues: &[&dyn Queue]) -> Result<BTreeMap<String, DeadLetter>> {
    let mut causes = BTreeMap::new();
    for queue in queues {
        for letter in queue.dead_letters(LOOKED_AT_MAX).await? {
            for key in &letter.keys {
                // The newest come first.
                causes.entry(key.clone()).or_insert_with(|| letter.clone());
            }
        }
    }
    Ok(causes)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{clock::SystemClock, queue::memory::MemoryQueue};

    fn keys(body: &str) -> Vec<String> {
        DeadLetter::new(String::new(), body.to_owned(), 1, String::new(), None).keys
    }

    #[test]
    fn the_photos_of_a_body_are_named_even_where_it_cannot_be_read() {
        let newer = r#"{"version":99,"key":"origin/v/1_0.jpg","shape":"unknown"}"#;
        assert_eq!(keys(newer), ["origin/v/1_0.jpg"]);
        let no_etag = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":{"key":"origin/v/a+b_0.jpg"}}},
            {"s3":{"object":{"key":"origin/v/2_0.jpg"}}}]}"#;
        assert_eq!(keys(no_etag), ["origin/v/a b_0.jpg", "origin/v/2_0.jpg"]);
        assert_eq!(keys("no json"), Vec::<String>::new());
    }

    /// flow.md 22: dead messages counted as on their way.
    #[tokio::test]
    async fn the_newest_cause_of_each_photo_is_found() {
        let queue = MemoryQueue::new("registrations", 5, Arc::new(SystemClock));
        for error in ["first", "second"] {
            queue.send(&[r#"{"key":"origin/v/1_0.jpg"}"#.to_owned()]).await.unwrap();
            let message = queue.receive(1, Duration::from_mins(1), Duration::ZERO).await.unwrap().remove(0);
            queue.dead_letter(&message.receipt, error).await.unwrap();
        }
        let causes = causes(&[&queue]).await.unwrap();
        assert_eq!((causes.len(), causes["origin/v/1_0.jpg"].error.as_str()), (1, "second"));
    }
}
