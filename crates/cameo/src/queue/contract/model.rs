//! Calls by chance, in any order, of a queue under test beside a model of it.
//!
//! [`does_what_memory_does`] is for queues that have an order and show all that they hold: each answer must be that of `memory`.
//! [`loses_and_invents_nothing`] is for every queue. SQS keeps no order and need not show everything at once, so it is held to what it
//! promises: what was sent comes until it is deleted, and nothing else comes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{Fixture, MAX_RECEIVES};
use crate::{
    clock::{Clock, ManualClock},
    queue::{DeadLetter, Message, Queue, memory::MemoryQueue},
};

/// Calls of each walk.
const CALLS: usize = 150;
/// Walks that are compared with memory.
const SEEDS: u64 = 3;
/// Messages and dead letters looked at, at most: more than a walk ever sends.
const ALL: usize = 1000;
/// Lengths of visibility timeouts and pauses. An emulator's clock also runs by itself, so they are long beside a walk, and all of them
/// together are shorter than SQS keeps a message.
const HIDDEN: [Duration; 3] = [Duration::from_mins(5), Duration::from_mins(10), Duration::from_mins(20)];
/// What a walk takes by the clock on the wall, at most: a message is only known to be hidden for longer than that.
const SLACK: Duration = Duration::from_mins(2);
/// Receipts of which one is used: so few that calls are about messages that are held, and some about such as no longer are.
const RECEIPTS: usize = 12;
/// Rounds of emptying a queue, at most.
const ROUNDS: usize = 100;

/// What is asked of a queue, all but the message that it is about.
#[derive(Debug, Clone, Copy)]
enum Call {
    Send(usize),
    Receive(usize, Duration),
    Delete,
    Extend(Duration),
    Release,
    RetryLater(Duration),
    DeadLetter,
    Redrive,
    Pass(Duration),
}

impl Call {
    fn any(random: &mut StdRng) -> Self {
        let hidden = HIDDEN[random.random_range(0..HIDDEN.len())];
        match random.random_range(0..14) {
            0..=1 => Self::Send(random.random_range(1..4)),
            2..=6 => Self::Receive(random.random_range(1..5), hidden),
            7 => Self::Delete,
            8 => Self::Extend(hidden),
            9 => Self::Release,
            10 => Self::RetryLater(hidden),
            11 => Self::DeadLetter,
            12 => Self::Redrive,
            _ => Self::Pass(hidden),
        }
    }
}

/// Bodies of which each is sent once.
fn bodies(sent: &mut usize, count: usize) -> Vec<String> {
    *sent += count;
    (*sent - count..*sent).map(|at| format!("{{\"key\":\"origin/v/{at}_0.jpg\"}}")).collect()
}

fn any_of<T: Clone>(random: &mut StdRng, all: &[T]) -> Option<T> {
    (!all.is_empty()).then(|| all[random.random_range(0..all.len())].clone())
}

async fn receive(queue: &dyn Queue, max: usize, visibility: Duration) -> Vec<Message> {
    let mut messages = queue.receive(max, visibility, Duration::ZERO).await.expect("a receive");
    messages.sort_by(|a, b| a.body.cmp(&b.body));
    messages
}

async fn dead_letters(queue: &dyn Queue) -> Vec<DeadLetter> {
    let mut letters = queue.dead_letters(ALL).await.expect("dead letters");
    letters.sort_by(|a, b| a.body.cmp(&b.body));
    letters
}

/// A walk along which the queue under test and memory are asked the same.
struct Twins {
    queues: [Box<dyn Queue>; 2],
    clock: Arc<ManualClock>,
    sent: usize,
    /// Receipts of both, also those that are no longer valid.
    receipts: Vec<[String; 2]>,
}

/// Whatever is asked, in whatever order, a queue answers as memory does.
///
/// # Panics
/// When it does not.
pub async fn does_what_memory_does(fixture: &dyn Fixture) {
    for seed in 0..SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let memory = Box::new(MemoryQueue::new("model", MAX_RECEIVES, clock.clone()));
        let mut twins = Twins { queues: [fixture.empty_queue().await, memory], clock, sent: 0, receipts: Vec::new() };
        for at in 0..CALLS {
            let call = Call::any(&mut random);
            let about = format!("seed {seed}, call {at}: {call:?}");
            let [did, should] = twins.call(fixture, &mut random, call).await;
            assert_eq!(did, should, "{about}");
            let [did, should] = twins.state().await;
            assert_eq!(did, should, "{about}");
        }
    }
}

impl Twins {
    /// What both answer, in words that do not depend on their names for messages.
    async fn call(&mut self, fixture: &dyn Fixture, random: &mut StdRng, call: Call) -> [String; 2] {
        let mut answers = Vec::new();
        match call {
            Call::Send(count) => {
                let bodies = bodies(&mut self.sent, count);
                for queue in &self.queues {
                    answers.push(format!("{:?}", queue.send(&bodies).await));
                }
            }
            Call::Receive(max, visibility) => {
                let received = [
                    receive(&*self.queues[0], max, visibility).await,
                    receive(&*self.queues[1], max, visibility).await,
                ];
                let receipts = received[0].iter().zip(&received[1]);
                self.receipts.extend(receipts.map(|(a, b)| [a.receipt.clone(), b.receipt.clone()]));
                let told = |message: &Message| format!("{} {}", message.body, message.receive_count);
                answers.extend(received.map(|messages| messages.iter().map(told).collect::<Vec<_>>().join(", ")));
            }
            Call::Redrive => answers.extend(self.redrive(random).await),
            Call::Pass(by) => {
                fixture.pass(by).await;
                self.clock.advance(by);
                return Default::default();
            }
            Call::Delete | Call::Extend(_) | Call::Release | Call::RetryLater(_) | Call::DeadLetter => {
                let newest = &self.receipts[self.receipts.len().saturating_sub(RECEIPTS)..];
                let Some(receipts) = any_of(random, newest) else { return Default::default() };
                for (queue, receipt) in self.queues.iter().zip(receipts) {
                    answers.push(about_received(&**queue, &receipt, call).await);
                }
            }
        }
        answers.try_into().expect("an answer of each")
    }

    /// Sends one dead letter again, and one that nobody knows.
    async fn redrive(&self, random: &mut StdRng) -> Vec<String> {
        let bodies: Vec<_> = dead_letters(&*self.queues[1]).await.into_iter().map(|letter| letter.body).collect();
        let body = any_of(random, &bodies).unwrap_or_default();
        let mut answers = Vec::new();
        for queue in &self.queues {
            let letter = dead_letters(&**queue).await.into_iter().find(|letter| letter.body == body);
            let ids = [letter.map_or_else(|| "none".to_owned(), |letter| letter.id), "nobody".to_owned()];
            answers.push(format!("{:?}", queue.redrive(&ids).await));
        }
        answers
    }

    /// Everything that can be seen of both from outside.
    async fn state(&self) -> [String; 2] {
        let mut seen = Vec::new();
        for queue in &self.queues {
            let depth = queue.depth().await.expect("a depth");
            let mut bodies = queue.bodies(ALL).await.expect("bodies").expect("not more than all");
            bodies.sort();
            let dead = dead_letters(&**queue).await;
            let dead = dead.into_iter().map(|letter| (letter.body, letter.receive_count, letter.error, letter.keys));
            let (counts, is_empty) = ((depth.visible, depth.in_flight, depth.dead), depth.oldest.is_none());
            seen.push(format!("{counts:?}, empty: {is_empty}, {bodies:?}, dead: {:?}", dead.collect::<Vec<_>>()));
        }
        seen.try_into().expect("two")
    }
}

/// A call about one received message, and its answer.
async fn about_received(queue: &dyn Queue, receipt: &str, call: Call) -> String {
    match call {
        Call::Delete => format!("{:?}", queue.delete(&[receipt.to_owned()]).await),
        Call::Extend(visibility) => format!("{:?}", queue.extend(receipt, visibility).await),
        Call::Release => format!("{:?}", queue.release(receipt).await),
        Call::RetryLater(pause) => format!("{:?}", queue.retry_later(receipt, pause, "not yet").await),
        Call::DeadLetter => format!("{:?}", queue.dead_letter(receipt, "refused").await),
        other => panic!("{other:?} is about no received message"),
    }
}

/// What is certain of a message, whatever the queue chooses.
#[derive(Debug, Default)]
struct Known {
    /// Deleted with a receipt that was valid: it must not come again.
    is_deleted: bool,
    /// Dead-lettered by its consumer: it comes again only when it is sent again.
    is_dead: bool,
    /// Receives that count at least: a message that was released may come with the same count again.
    receives_min: u32,
    /// The receive count that it last came with.
    last_count: u32,
    /// The receipt of the last receive, until it was used for the last time.
    receipt: Option<String>,
    /// Until when nobody else receives it.
    hidden_until: Timestamp,
}

/// A walk along which only what is certain is demanded.
struct Ledger {
    queue: Box<dyn Queue>,
    clock: ManualClock,
    sent: usize,
    known: BTreeMap<String, Known>,
}

/// Whatever is asked, in whatever order: what was sent comes until it is deleted, nothing else comes, and nothing comes too often.
///
/// # Panics
/// When something was lost, invented, or came when it could not.
pub async fn loses_and_invents_nothing(fixture: &dyn Fixture) {
    let mut random = StdRng::seed_from_u64(11);
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let mut ledger = Ledger { queue: fixture.empty_queue().await, clock, sent: 0, known: BTreeMap::new() };
    for _ in 0..CALLS {
        let call = Call::any(&mut random);
        ledger.call(fixture, &mut random, call).await;
    }
    ledger.empty(fixture).await;
}

impl Ledger {
    async fn call(&mut self, fixture: &dyn Fixture, random: &mut StdRng, call: Call) {
        match call {
            Call::Send(count) => {
                let bodies = bodies(&mut self.sent, count);
                self.queue.send(&bodies).await.expect("a send");
                self.known.extend(bodies.into_iter().map(|body| (body, Known::default())));
            }
            Call::Receive(max, visibility) => {
                for message in receive(&*self.queue, max, visibility).await {
                    self.received(message, visibility);
                }
            }
            Call::Redrive => {
                let letters = dead_letters(&*self.queue).await;
                if let Some(letter) = any_of(random, &letters) {
                    self.send_again(&letter).await;
                }
            }
            Call::Pass(by) => {
                fixture.pass(by).await;
                self.clock.advance(by);
            }
            Call::Delete | Call::Extend(_) | Call::Release | Call::RetryLater(_) | Call::DeadLetter => {
                let is_held = |known: &Known| known.receipt.is_some() && self.is_hidden(known);
                let held = self.known.iter().filter(|(_, known)| is_held(known)).map(|(body, _)| body.clone());
                if let Some(body) = any_of(random, &held.collect::<Vec<_>>()) {
                    self.about_held(&body, call).await;
                }
            }
        }
    }

    /// Whether a message is hidden for certain.
    fn is_hidden(&self, known: &Known) -> bool {
        known.hidden_until > self.clock.now() + SLACK
    }

    fn received(&mut self, message: Message, visibility: Duration) {
        let is_hidden = self.known.get(&message.body).is_some_and(|known| self.is_hidden(known));
        let until = self.clock.now() + visibility;
        let known = self.known.get_mut(&message.body).unwrap_or_else(|| panic!("nobody sent {message:?}"));
        assert!(!known.is_deleted && !known.is_dead && !is_hidden, "{message:?} cannot come: {known:?}");
        let counts = known.receives_min + 1..=MAX_RECEIVES;
        assert!(counts.contains(&message.receive_count), "{message:?} after {known:?}");
        (known.receives_min, known.last_count) = (message.receive_count, message.receive_count);
        (known.receipt, known.hidden_until) = (Some(message.receipt), until);
    }

    /// A call about a message that this walk holds, with a receipt that is valid for certain.
    async fn about_held(&mut self, body: &str, call: Call) {
        let now = self.clock.now();
        let known = self.known.get_mut(body).expect("a known message");
        let receipt = known.receipt.take().expect("a held message");
        let answer = about_received(&*self.queue, &receipt, call).await;
        let should = if matches!(call, Call::Extend(_)) { "Ok(true)" } else { "Ok(())" };
        assert_eq!(answer, should, "{call:?} of {body}: {known:?}");
        match call {
            Call::Delete => known.is_deleted = true,
            Call::DeadLetter => known.is_dead = true,
            Call::Extend(hidden) => (known.receipt, known.hidden_until) = (Some(receipt), now + hidden),
            Call::RetryLater(pause) => known.hidden_until = now + pause,
            _ => (known.receives_min, known.hidden_until) = (known.receives_min - 1, now),
        }
    }

    /// Sends a dead letter again, which is a new message of the same body.
    async fn send_again(&mut self, letter: &DeadLetter) {
        let known = self.known.get_mut(&letter.body).unwrap_or_else(|| panic!("nobody sent {letter:?}"));
        let was_worn_out = known.last_count >= MAX_RECEIVES;
        assert!(!known.is_deleted && (known.is_dead || was_worn_out), "{letter:?} cannot be dead: {known:?}");
        let sent = self.queue.redrive(std::slice::from_ref(&letter.id)).await.expect("a redrive");
        // One that the queue does not show now is sent again at another time.
        if sent == 1 {
            *known = Known::default();
        }
    }

    /// Receives and deletes until nothing comes any more, dead letters included; then nothing may be missing.
    async fn empty(&mut self, fixture: &dyn Fixture) {
        for _ in 0..ROUNDS {
            // Whatever is hidden comes back.
            let hidden = Duration::from_mins(30);
            fixture.pass(hidden).await;
            self.clock.advance(hidden);
            let messages = receive(&*self.queue, 10, HIDDEN[0]).await;
            let is_empty = messages.is_empty();
            for message in messages {
                let body = message.body.clone();
                self.received(message, HIDDEN[0]);
                self.about_held(&body, Call::Delete).await;
            }
            let letters = if is_empty { dead_letters(&*self.queue).await } else { Vec::new() };
            if is_empty && letters.is_empty() {
                break;
            }
            for letter in letters {
                self.send_again(&letter).await;
            }
        }
        let lost: Vec<_> = self.known.iter().filter(|(_, known)| !known.is_deleted).collect();
        assert!(lost.is_empty(), "never came again: {lost:#?}");
    }
}
