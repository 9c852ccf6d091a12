//! What every queue must do, whatever its backend. `memory` is the reference.
//!
//! A backend's tests give [`check_all`] a way to make an empty queue of [`MAX_RECEIVES`] and to let time pass. A backend that keeps an
//! order and shows all that it holds is also compared with `memory`, call by call ([`does_what_memory_does`]).

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;

use super::{Message, Queue};

mod model;

pub use model::{does_what_memory_does, loses_and_invents_nothing};

/// Receives before a message of a queue under test becomes a dead letter.
pub const MAX_RECEIVES: u32 = 3;
const VISIBILITY: Duration = Duration::from_secs(30);

/// Makes the queues under test and moves their clock.
#[async_trait]
pub trait Fixture: Send + Sync + Debug {
    /// An empty queue with [`MAX_RECEIVES`].
    async fn empty_queue(&self) -> Box<dyn Queue>;
    /// Lets `by` pass on the queue's clock.
    async fn pass(&self, by: Duration);
}

/// Runs every check.
pub async fn check_all(fixture: &dyn Fixture) {
    a_message_is_received_once_within_its_visibility_timeout(fixture).await;
    a_message_comes_back_after_its_visibility_timeout(fixture).await;
    a_deleted_message_never_comes_back(fixture).await;
    a_stale_receipt_deletes_nothing(fixture).await;
    an_extended_message_stays_hidden(fixture).await;
    a_released_message_is_back_at_once(fixture).await;
    a_worn_out_message_becomes_a_dead_letter(fixture).await;
    a_buried_message_is_kept_with_its_error(fixture).await;
    a_message_put_off_comes_later(fixture).await;
    a_dead_letter_is_sent_again(fixture).await;
    bodies_survive_byte_for_byte(fixture).await;
    loses_and_invents_nothing(fixture).await;
}

async fn receive(queue: &dyn Queue) -> Vec<Message> {
    queue.receive(10, VISIBILITY, Duration::ZERO).await.expect("a receive")
}

async fn receive_one(queue: &dyn Queue) -> Message {
    let mut messages = receive(queue).await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0)
}

async fn queue_of(fixture: &dyn Fixture, body: &str) -> Box<dyn Queue> {
    let queue = fixture.empty_queue().await;
    queue.send(&[body.to_owned()]).await.expect("a send");
    queue
}

async fn a_message_is_received_once_within_its_visibility_timeout(fixture: &dyn Fixture) {
    let queue = queue_of(fixture, "a").await;
    let message = receive_one(&*queue).await;
    assert_eq!((message.body.as_str(), message.receive_count), ("a", 1));
    assert_eq!(receive(&*queue).await, []);
    let depth = queue.depth().await.expect("a depth");
    assert_eq!((depth.visible, depth.in_flight, depth.dead), (0, 1, 0));
}

async fn a_message_comes_back_after_its_visibility_timeout(fixture: &dyn Fixture) {
    let queue = queue_of(fixture, "a").await;
    let first = receive_one(&*queue).await;
    fixture.pass(VISIBILITY + Duration::from_secs(1)).await;
    let second = receive_one(&*queue).await;
    assert_eq!((second.body.as_str(), second.receive_count), ("a", 2));
    assert_ne!(first.receipt, second.receipt);
}

async fn a_deleted_message_never_comes_back(fixture: &dyn Fixture) {
    let queue = queue_of(fixture, "a").await;
    let message = receive_one(&*queue).await;
    queue.delete(&[message.receipt]).await.expect("a delete");
    fixture.pass(VISIBILITY * 2).await;
    assert_eq!(receive(&*queue).await, []);
    assert_eq!(queue.depth().await.expect("a depth").oldest, None);
}

async fn a_stale_receipt_deletes_nothing(fixture: &dyn Fixture) {
    let queue = queue_of(fixture, "a").await;
    let stale = receive_one(&*queue).await;
    fixture.pass(VISIBILITY * 2).await;
    receive_one(&*queue).await;
    queue.delete(std::slice::from_ref(&stale.receipt)).await.expect("a delete");
    assert!(!queue.extend(&stale.receipt, VISIBILITY).await.expect("an extension"));
    fixture.pass(VISIBILITY * 2).await;
    receive_one(&*queue).await;
}

async fn an_extended_message_stays_hidden(fixture: &dyn Fixture) {
    let queue = queue_of(fixture, "a").await;
    let message = receive_one(&*queue).await;
    fixture.pass(VISIBILITY.checked_sub(Duration::from_secs(5)).unwrap()).await;
    assert!(queue.extend(&message.receipt, VISIBILITY).await.expect("an extension"));
    fixture.pass(VISIBILITY.checked_sub(Duration::from_secs(5)).unwrap()).await;
    assert_eq!(receive(&*queue).await, []);
}

async fn a_released_message_is_back_at_once(fixture: &dyn Fixture) {
    let queue = queue_of(fixture, "a").await;
    let message = receive_one(&*queue).await;
    queue.release(&message.receipt).await.expect("a release");
    assert_eq!(receive_one(&*queue).await.body, "a");
}

async fn a_worn_out_message_becomes_a_dead_letter(fixture: &dyn Fixture) {
    let queue = queue_of(fixture, "poison").await;
    for _ in 0..MAX_RECEIVES {
        receive_one(&*queue).await;
        fixture.pass(VISIBILITY * 2).await;
    }
    assert_eq!(receive(&*queue).await, []);
    let dead = queue.dead_letters(10).await.expect("dead letters");
    assert_eq!((dead.len(), dead[0].body.as_str()), (1, "poison"));
}

async fn a_buried_message_is_kept_with_its_error(fixture: &dyn Fixture) {
    let queue = queue_of(fixture, "nonsense").await;
    let message = receive_one(&*queue).await;
    queue.dead_letter(&message.receipt, "no JSON").await.expect("a burial");
    fixture.pass(VISIBILITY * 2).await;
    assert_eq!(receive(&*queue).await, []);
    let dead = queue.dead_letters(10).await.expect("dead letters");
    assert_eq!((dead[0].body.as_str(), dead[0].error.as_str()), ("nonsense", "no JSON"));
    assert_eq!(queue.depth().await.expect("a depth").dead, 1);
}

async fn a_message_put_off_comes_later(fixture: &dyn Fixture) {
    let queue = queue_of(fixture, "a").await;
    let message = receive_one(&*queue).await;
    queue.retry_later(&message.receipt, VISIBILITY * 2, "not yet").await.expect("a message put off");
    fixture.pass(VISIBILITY + Duration::from_secs(1)).await;
    assert_eq!(receive(&*queue).await, []);
    fixture.pass(VISIBILITY).await;
    assert_eq!(receive_one(&*queue).await.receive_count, 2);
}

async fn a_dead_letter_is_sent_again(fixture: &dyn Fixture) {
    let body = |at| format!("{{\"key\":\"origin/v/{at}_0.jpg\"}}");
    let queue = fixture.empty_queue().await;
    queue.send(&[body(1), body(2)]).await.expect("a send");
    while let Some(message) = receive(&*queue).await.first() {
        queue.dead_letter(&message.receipt, "refused").await.expect("a dead letter");
        fixture.pass(VISIBILITY * 2).await;
    }
    let dead = queue.dead_letters(10).await.expect("dead letters");
    assert_eq!(dead.len(), 2, "{dead:?}");
    let wanted = dead.iter().find(|letter| letter.keys == ["origin/v/1_0.jpg"]).expect("the photo of a dead letter");
    assert_eq!((wanted.error.as_str(), wanted.dead_at.is_some()), ("refused", true));
    let sent = queue.redrive(&[wanted.id.clone(), "nobody".to_owned()]).await.expect("a redrive");
    assert_eq!(sent, 1);
    let again = receive_one(&*queue).await;
    assert_eq!((again.body.as_str(), again.receive_count), (body(1).as_str(), 1));
    let left = queue.dead_letters(10).await.expect("dead letters");
    assert_eq!(left.iter().map(|letter| letter.body.clone()).collect::<Vec<_>>(), [body(2)]);
}

async fn bodies_survive_byte_for_byte(fixture: &dyn Fixture) {
    let body = "{\"key\":\"origin/가/1_0.jpg\",\"odd\":\"'\\\"\\n%00 \u{10ffff}\"}";
    let queue = queue_of(fixture, body).await;
    assert_eq!(receive_one(&*queue).await.body, body);
}
