//! Webhooks from the history to the receiver, with a clock that is moved by hand: what is an event and when, what is sent again and when,
//! and that nothing is lost or made twice, whoever ends when. Signatures and real servers are tried in `e2e/test_webhooks.py`.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cameo::{
    catalog::{
        History, Registry, Webhooks,
        contract::{outcome, removed, rendered, rules},
        memory::MemoryCatalog,
    },
    clock::{Clock, ManualClock},
    flow::{Flow, Settings as FlowSettings, SizeSets},
    model::{
        key::Vertical,
        outcome::{Fate, Outcome},
        reason::ReasonCode,
        webhook::{Because, EventType, Events, MessageState, Webhook},
    },
    proof::deliveries::{self, DeliveredFile, NewRecord},
    queue::memory::MemoryQueue,
    render::in_process::InProcess,
    store::{Attributes, Condition, Store, memory::MemoryStore},
    webhooks::{Courier, Dispatcher, Looked, Settings, Sources, address::Reach},
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const SIZES: [&str; 4] = ["sq", "ve", "ho", "or"];

/// A receiver that answers in order what it is told to, the last from then on, and keeps what came.
struct Receiver {
    url: String,
    came: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    async fn new(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let came = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(VecDeque::from(answers.to_vec())));
        let (kept, script) = (came.clone(), answers.clone());
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut read = Vec::new();
                let body = loop {
                    let mut some = [0; 4096];
                    let Ok(n @ 1..) = stream.read(&mut some).await else { break None };
                    read.extend_from_slice(&some[..n]);
                    let text = String::from_utf8_lossy(&read).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let head = head.to_ascii_lowercase();
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                    if length.is_some_and(|length| body.len() >= length.parse().unwrap()) {
                        let id = head.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap().to_owned();
                        break Some((id, body.to_owned()));
                    }
                };
                let Some((id, body)) = body else { continue };
                let mut message: Value = serde_json::from_str(&body).unwrap();
                message["id"] = id.into();
                kept.lock().unwrap().push(message);
                let answer = {
                    let mut script = script.lock().unwrap();
                    if script.len() > 1 { script.pop_front().unwrap() } else { script[0] }
                };
                let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, came, answers, task }
    }

    fn answer(&self, answers: &[&'static str]) {
        *self.answers.lock().unwrap() = answers.to_vec().into();
    }

    fn came(&self) -> Vec<Value> {
        self.came.lock().unwrap().clone()
    }

    /// The types of what came, each with the entity or delivery that it is about.
    fn about(&self) -> Vec<String> {
        let about = |message: &Value| {
            let data = &message["data"];
            let what = data["cd_idx"].as_u64().map_or_else(|| data["delivery"].to_string(), |id| id.to_string());
            format!("{} {what}", message["type"].as_str().unwrap())
        };
        self.came().iter().map(about).collect()
    }
}

/// A store and a ledger that are changed as the flow would, and a clock.
struct World {
    clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
    catalog: Arc<MemoryCatalog>,
    sources: Sources,
    settings: Settings,
    generation: AtomicU64,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-26T00:00:00Z".parse().unwrap()));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let catalog = Arc::new(MemoryCatalog::new(rules(), clock.clone()));
        let settings = FlowSettings {
            upload_bucket: "up".into(),
            image_bucket: "images".into(),
            size_sets: SizeSets::default(),
            max_original_bytes: 1000,
            cache_control: "public, max-age=60".into(),
            publish_alias: true,
            delete_unpublishes: true,
        };
        let render = Arc::new(InProcess::new(cameo_image::Limits::default(), 1));
        let flow = Flow { store: store.clone(), catalog: catalog.clone(), render, settings: Arc::new(settings) };
        let queue = |name| Arc::new(MemoryQueue::new(name, 5, clock.clone()));
        let zone = TimeZone::get("Asia/Seoul").unwrap();
        let sources = Sources {
            flow,
            events: queue("events"),
            registrations: queue("registrations"),
            zone,
            clock: clock.clone(),
        };
        let reach = Reach { allow_private: true, ..Reach::default() };
        let settings = Settings { reach, ..Settings::default() };
        Self { clock, store, catalog, sources, settings, generation: AtomicU64::new(1) }
    }

    fn dispatcher(&self, owner: &str) -> Dispatcher {
        Dispatcher::new(self.sources.clone(), Courier::new(self.settings.clone()), Some(owner))
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn webhook(&self, url: &str, events: &[EventType]) -> Webhook {
        let last = self.catalog.history_ends().await.unwrap().last;
        let events = Events::only_or_all(events.iter().copied());
        let webhook = Webhook { events, ..Webhook::new(url, "kim", last, self.clock.now()) };
        self.catalog.add_webhook(&webhook).await.unwrap();
        webhook
    }

    /// Uploads content without the flow.
    async fn upload(&self, key: &str, content: &str) -> u64 {
        let body = Bytes::from(content.to_owned());
        let attributes = Attributes::default();
        self.store.put("up", key, body, &attributes, Condition::Always).await.unwrap();
        self.generation.fetch_add(1, Ordering::Relaxed)
    }

    /// Registers what became of it.
    async fn register(&self, message: Outcome, content: &str) {
        let etag = hex::encode(fast_md5::digest(content.as_bytes()));
        self.catalog.register(&[Outcome { etag, size: Some(content.len() as u64), ..message }]).await.unwrap();
    }

    async fn good(&self, key: &str, content: &str) {
        let generation = self.upload(key, content).await;
        self.register(rendered(key, generation, &SIZES), content).await;
    }

    async fn bad(&self, key: &str, content: &str) {
        let generation = self.upload(key, content).await;
        let fate = Fate::Rejected { reason: ReasonCode::FileTruncated, detail: "ends at byte 7".into() };
        self.register(outcome(key, generation, fate), content).await;
    }

    async fn delete(&self, key: &str) {
        let there = self.store.head("up", key).await.unwrap().expect("an original");
        assert!(self.store.delete("up", key, &there.etag).await.unwrap());
        let generation = self.generation.fetch_add(1, Ordering::Relaxed);
        self.catalog.register(&[removed(key, generation)]).await.unwrap();
    }

    /// Records a delivery of these files.
    async fn record(&self, files: &[(&str, &str)]) -> String {
        let file = |(name, content): &(&str, &str)| DeliveredFile {
            name: (*name).to_owned(),
            size: content.len() as u64,
            md5: hex::encode(fast_md5::digest(content.as_bytes())),
            sha256: hex::encode(Sha256::digest(content)),
        };
        let content = NewRecord { files: files.iter().map(file).collect(), ..NewRecord::default() };
        let vertical: Vertical = "eye".parse().unwrap();
        let at = (self.clock.now(), &self.sources.zone);
        deliveries::create(&*self.store, "up", &vertical, content, at).await.unwrap().id.to_string()
    }
}

/// Looks until there is nothing more, and sends what is due.
async fn settle(dispatcher: &Dispatcher) -> usize {
    while dispatcher.look().await.unwrap() == Looked::More {}
    dispatcher.send_due().await.unwrap()
}

#[tokio::test]
async fn an_entity_of_several_photos_is_complete_once_and_again_after_it_was_not() {
    let world = World::new();
    let receiver = Receiver::new(&["204 No Content"]).await;
    world.webhook(&receiver.url, &[EventType::EntityCompleted]).await;
    let dispatcher = world.dispatcher("a");
    for sequence in 0..3 {
        world.good(&format!("origin/eye/1_{sequence}.jpg"), &format!("photo {sequence}")).await;
        settle(&dispatcher).await;
        world.advance(3);
        settle(&dispatcher).await;
    }
    assert_eq!(receiver.about(), Vec::<String>::new(), "more may come at once");
    world.advance(5);
    settle(&dispatcher).await;
    assert_eq!(receiver.about(), ["entity.completed 1"]);
    assert_eq!(receiver.came()[0]["data"]["sequences"], serde_json::json!([0, 1, 2]));
    assert_eq!(receiver.came()[0]["data"]["image_sizes"].as_array().unwrap().len(), 4);

    // Replacing one completes nothing; rejecting one neither, and a good one in its place does.
    world.good("origin/eye/1_0.jpg", "another").await;
    settle(&dispatcher).await;
    world.advance(6);
    settle(&dispatcher).await;
    world.bad("origin/eye/1_1.jpg", "cut off").await;
    settle(&dispatcher).await;
    world.advance(6);
    settle(&dispatcher).await;
    assert_eq!(receiver.about().len(), 1);
    world.good("origin/eye/1_1.jpg", "whole").await;
    settle(&dispatcher).await;
    world.advance(6);
    settle(&dispatcher).await;
    assert_eq!(receiver.about(), ["entity.completed 1", "entity.completed 1"]);

    // A photo that is uploaded and not decided yet is waited for, however long.
    world.good("origin/eye/2_0.jpg", "first").await;
    let second = world.upload("origin/eye/2_1.jpg", "second").await;
    for _ in 0..5 {
        settle(&dispatcher).await;
        world.advance(3600);
    }
    assert_eq!(receiver.about().len(), 2);
    world.register(rendered("origin/eye/2_1.jpg", second, &SIZES), "second").await;
    settle(&dispatcher).await;
    world.advance(6);
    settle(&dispatcher).await;
    assert_eq!(receiver.about()[2..], ["entity.completed 2"]);
    // What lacks an image size is not complete, nor is what has a misnamed file beside it.
    let third = world.upload("origin/eye/3_0.jpg", "third").await;
    world.register(rendered("origin/eye/3_0.jpg", third, &["sq"]), "third").await;
    world.good("origin/eye/4_0.jpg", "fourth").await;
    world.bad("origin/eye/4_0 (1).jpg", "copy").await;
    settle(&dispatcher).await;
    world.advance(6);
    settle(&dispatcher).await;
    assert_eq!(receiver.about().len(), 3);
    world.delete("origin/eye/4_0 (1).jpg").await;
    settle(&dispatcher).await;
    world.advance(6);
    settle(&dispatcher).await;
    assert_eq!(receiver.about()[3..], ["entity.completed 4"]);
}

#[tokio::test]
async fn a_delivery_ends_when_nothing_of_it_goes_on_by_itself() {
    let world = World::new();
    let receiver = Receiver::new(&["204 No Content"]).await;
    world.webhook(&receiver.url, &[EventType::DeliveryCompleted, EventType::DeliveryFailed]).await;
    let dispatcher = world.dispatcher("a");
    settle(&dispatcher).await;
    let id = world.record(&[("1_0.jpg", "one"), ("2_0.jpg", "two"), ("3_0.jpg", "three")]).await;
    let about = |event: &str| format!("{event} \"{id}\"");
    world.advance(61);
    settle(&dispatcher).await;
    world.good("origin/eye/1_0.jpg", "one").await;
    let second = world.upload("origin/eye/2_0.jpg", "two").await;
    settle(&dispatcher).await;
    world.advance(600);
    settle(&dispatcher).await;
    assert_eq!(receiver.about(), Vec::<String>::new(), "one is in work, and one may yet arrive");
    world.register(rendered("origin/eye/2_0.jpg", second, &SIZES), "two").await;
    settle(&dispatcher).await;
    world.advance(14 * 60);
    settle(&dispatcher).await;
    assert_eq!(receiver.about(), Vec::<String>::new(), "it is 14 minutes that nothing happened");
    world.advance(120);
    settle(&dispatcher).await;
    world.advance(16 * 60);
    settle(&dispatcher).await;
    assert_eq!(receiver.about(), [about("delivery.failed")], "it never arrived");
    let data = receiver.came()[0]["data"].clone();
    assert_eq!((&data["live"], &data["failed"], &data["photos"]), (&2.into(), &1.into(), &3.into()));
    // Somebody sends the rest after all.
    world.good("origin/eye/3_0.jpg", "three").await;
    settle(&dispatcher).await;
    world.advance(6);
    settle(&dispatcher).await;
    assert_eq!(receiver.about(), [about("delivery.failed"), about("delivery.completed")]);
    // A photo that is processed once more changes nothing of it.
    world.good("origin/eye/3_0.jpg", "three").await;
    settle(&dispatcher).await;
    world.advance(3600);
    settle(&dispatcher).await;
    assert_eq!(receiver.about().len(), 2);
    // All of it was there before it was recorded: no line is ever written of it.
    let again = world.record(&[("1_0.jpg", "one"), ("2_0.jpg", "two")]).await;
    world.advance(61);
    settle(&dispatcher).await;
    world.advance(6);
    settle(&dispatcher).await;
    assert_eq!(receiver.about()[2..], [format!("delivery.completed \"{again}\"")]);
}

#[tokio::test]
async fn what_nobody_recorded_ends_with_its_day() {
    let world = World::new();
    let receiver = Receiver::new(&["204 No Content"]).await;
    world.webhook(&receiver.url, &[EventType::DeliveryCompleted, EventType::DeliveryFailed]).await;
    let dispatcher = world.dispatcher("a");
    // 09:00 in Seoul.
    world.good("origin/eye/1_0.jpg", "one").await;
    world.bad("origin/eye/2_0.jpg", "cut off").await;
    settle(&dispatcher).await;
    world.advance(14 * 3600);
    settle(&dispatcher).await;
    assert_eq!(receiver.about(), Vec::<String>::new(), "the day is not over at 23:00");
    world.advance(3601);
    settle(&dispatcher).await;
    assert_eq!(receiver.about(), ["delivery.failed \"20261126-day-eye\""]);
    assert_eq!(receiver.came()[0]["data"]["failed"], 1);
}

#[tokio::test]
async fn what_fails_is_tried_for_three_days_and_then_the_endpoint_is_disabled() {
    let world = World::new();
    let receiver = Receiver::new(&["500 Internal Server Error"]).await;
    let webhook = world.webhook(&receiver.url, &[EventType::OriginalRejected]).await;
    let dispatcher = world.dispatcher("a");
    world.bad("origin/eye/1_0.jpg", "cut off").await;
    settle(&dispatcher).await;
    let begun = world.clock.now();
    let mut tried = vec![0];
    loop {
        let pending = world.catalog.webhook_messages(&webhook.id, None, 1).await.unwrap().pop().unwrap();
        let Some(next) = pending.next else { break };
        world.clock.set(next);
        if settle(&dispatcher).await > 0 {
            tried.push(next.duration_since(begun).as_secs());
        }
    }
    assert_eq!(receiver.came().len(), 10, "{tried:?}");
    assert!((64 * 3600..=72 * 3600).contains(tried.last().unwrap()), "{tried:?}");
    assert!(receiver.came().iter().all(|message| message["id"] == receiver.came()[0]["id"]));
    // The message is given up; the endpoint is once it failed for three days.
    world.clock.set(begun + jiff::SignedDuration::from_hours(72));
    world.bad("origin/eye/2_0.jpg", "cut off too").await;
    settle(&dispatcher).await;
    let disabled = world.catalog.webhook(&webhook.id).await.unwrap().unwrap();
    assert_eq!(disabled.disabled.map(|(_, because)| because), Some(Because::Failing));
    assert_eq!(disabled.health.last_error.as_deref(), Some("the answer is 500 Internal Server Error"));
    // What happens now waits in the history, and comes once somebody enables it.
    world.bad("origin/eye/3_0.jpg", "cut off as well").await;
    let before = receiver.came().len();
    settle(&dispatcher).await;
    assert_eq!(receiver.came().len(), before);
    receiver.answer(&["204 No Content"]);
    assert!(world.catalog.change_webhook(&Webhook { disabled: None, ..disabled }).await.unwrap());
    settle(&dispatcher).await;
    world.advance(10);
    settle(&dispatcher).await;
    let mut came = receiver.about()[before..].to_vec();
    came.sort();
    assert_eq!(came, ["original.rejected 2", "original.rejected 3"]);
    let well = world.catalog.webhook(&webhook.id).await.unwrap().unwrap();
    assert_eq!((well.health.failing_since, well.health.last_error), (None, None));
}

#[tokio::test]
async fn a_message_that_one_receiver_never_takes_holds_up_no_other() {
    let world = World::new();
    let (bad, good) = (Receiver::new(&["500 Internal Server Error"]).await, Receiver::new(&["200 OK"]).await);
    world.webhook(&bad.url, &[]).await;
    world.webhook(&good.url, &[]).await;
    let dispatcher = world.dispatcher("a");
    for n in 1..=20 {
        world.bad(&format!("origin/eye/{n}_0.jpg"), &format!("cut off {n}")).await;
    }
    settle(&dispatcher).await;
    assert_eq!(good.came().len(), 20);
    assert!(bad.came().len() <= 4, "one that fails gets one message at a time: {}", bad.came().len());
}

#[tokio::test]
async fn one_of_several_servers_sends_and_another_goes_on_where_it_ended() {
    let world = World::new();
    let receiver = Receiver::new(&["204 No Content"]).await;
    world.webhook(&receiver.url, &[EventType::OriginalRejected]).await;
    let (one, other) = (world.dispatcher("a"), world.dispatcher("b"));
    assert_eq!(one.look().await.unwrap(), Looked::Done);
    world.bad("origin/eye/1_0.jpg", "cut off").await;
    assert_eq!(other.look().await.unwrap(), Looked::Standby);
    assert_eq!(other.look().await.unwrap(), Looked::Standby);
    settle(&one).await;
    assert_eq!(receiver.came().len(), 1);
    // It prolongs its lease while it lives.
    for _ in 0..10 {
        world.advance(20);
        assert_eq!((one.look().await.unwrap(), other.look().await.unwrap()), (Looked::Done, Looked::Standby));
    }
    // It made messages and ended before it sent them; what it sent and did not note comes once more, as the same message.
    world.bad("origin/eye/2_0.jpg", "cut off").await;
    assert_eq!(one.look().await.unwrap(), Looked::Done);
    drop(one);
    world.advance(31);
    settle(&other).await;
    assert_eq!(receiver.about(), ["original.rejected 1", "original.rejected 2"]);
}

/// Two that believe to have the lease at once, as after a pause of a machine, make no message twice.
#[tokio::test]
async fn two_at_once_make_the_same_messages() {
    let world = World::new();
    let webhook = world.webhook("http://127.0.0.1:9/", &[]).await;
    let (one, other) = (world.dispatcher("same"), world.dispatcher("same"));
    for n in 1..=30 {
        world.bad(&format!("origin/eye/{n}_0.jpg"), &format!("cut off {n}")).await;
        world.good(&format!("origin/eye/{}_0.jpg", n + 100), &format!("photo {n}")).await;
    }
    for seconds in [0, 6, 60] {
        world.advance(seconds);
        let (a, b) = tokio::join!(one.look(), other.look());
        assert_eq!((a.unwrap(), b.unwrap()), (Looked::Done, Looked::Done));
    }
    let messages = world.catalog.webhook_messages(&webhook.id, None, 1000).await.unwrap();
    let of = |kind: EventType| messages.iter().filter(|message| message.kind == kind.as_str()).count();
    assert_eq!((of(EventType::OriginalRejected), of(EventType::EntityCompleted)), (30, 30));
}

#[tokio::test]
async fn the_history_waits_for_an_endpoint_that_has_too_much_to_take() {
    let mut world = World::new();
    world.settings.pending_max = 250;
    let receiver = Receiver::new(&["204 No Content"]).await;
    let webhook = world.webhook(&receiver.url, &[EventType::OriginalRejected]).await;
    let dispatcher = world.dispatcher("a");
    for n in 1..=900 {
        world.bad(&format!("origin/eye/{n}_0.jpg"), &format!("cut off {n}")).await;
    }
    while dispatcher.look().await.unwrap() == Looked::More {}
    let pending = world.catalog.count_pending_webhook_messages(&webhook.id).await.unwrap();
    assert!((250..900).contains(&pending), "{pending}");
    let mut sent = 0;
    while sent < 900 {
        let now = settle(&dispatcher).await;
        assert!(now > 0, "it stopped after {sent}");
        sent += now;
    }
    let mut ids: Vec<_> = receiver.came().iter().map(|message| message["data"]["cd_idx"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=900).collect::<Vec<_>>(), "nothing is lost, and nothing comes twice");
}

#[tokio::test]
async fn what_was_forgotten_is_passed_over_and_what_ended_is_replayed() {
    let world = World::new();
    let receiver = Receiver::new(&["204 No Content"]).await;
    let webhook = world.webhook(&receiver.url, &[EventType::OriginalRejected]).await;
    let disabled = Webhook { disabled: Some((world.clock.now(), Because::Person)), ..webhook.clone() };
    assert!(world.catalog.change_webhook(&disabled).await.unwrap());
    let dispatcher = world.dispatcher("a");
    assert_eq!(dispatcher.look().await.unwrap(), Looked::Off);
    for n in 1..=3 {
        world.bad(&format!("origin/eye/{n}_0.jpg"), "cut off").await;
    }
    world.catalog.forget_changes(2).await.unwrap();
    assert!(world.catalog.change_webhook(&Webhook { version: 1, ..webhook.clone() }).await.unwrap());
    settle(&dispatcher).await;
    assert_eq!(receiver.about(), ["original.rejected 3"]);
    let replay = cameo::catalog::webhooks::Replay::Since(Timestamp::UNIX_EPOCH);
    assert_eq!(world.catalog.replay_webhook_messages(&webhook.id, replay, world.clock.now()).await.unwrap(), 1);
    settle(&dispatcher).await;
    let came = receiver.came();
    assert_eq!((came.len(), &came[0]), (2, &came[1]));
    // Kept for a week.
    world.advance(8 * 24 * 3600);
    settle(&dispatcher).await;
    assert_eq!(world.catalog.webhook_messages(&webhook.id, None, 10).await.unwrap(), []);
    assert_eq!(world.catalog.webhook_attempts(&webhook.id, None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn an_endpoint_that_says_gone_is_left_alone() {
    let world = World::new();
    let receiver = Receiver::new(&["410 Gone"]).await;
    let webhook = world.webhook(&receiver.url, &[EventType::OriginalRejected]).await;
    let dispatcher = world.dispatcher("a");
    world.bad("origin/eye/1_0.jpg", "cut off").await;
    settle(&dispatcher).await;
    world.advance(24 * 3600);
    assert_eq!(dispatcher.look().await.unwrap(), Looked::Off);
    assert_eq!((receiver.came().len(), dispatcher.send_due().await.unwrap()), (1, 0));
    let gone = world.catalog.webhook(&webhook.id).await.unwrap().unwrap();
    assert_eq!(gone.disabled.map(|(_, because)| because), Some(Because::Gone));
    let message = world.catalog.webhook_messages(&webhook.id, None, 1).await.unwrap().pop().unwrap();
    assert_eq!(message.state, MessageState::Pending, "it waits for whoever enables it again");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_no_address_is_reached_that_is_not_allowed() {
    let mut world = World::new();
    let elsewhere = Receiver::new(&["204 No Content"]).await;
    let to = Box::leak(format!("302 Found\r\nlocation: {}", elsewhere.url).into_boxed_str());
    let receiver = Receiver::new(&[to]).await;
    let webhook = world.webhook(&receiver.url, &[EventType::OriginalRejected]).await;
    world.bad("origin/eye/1_0.jpg", "cut off").await;
    settle(&world.dispatcher("a")).await;
    assert_eq!((receiver.came().len(), elsewhere.came().len()), (1, 0));
    let attempts = world.catalog.webhook_attempts(&webhook.id, None, 10).await.unwrap();
    assert!(attempts[0].error.as_ref().unwrap().contains("redirects are not followed"), "{attempts:?}");
    // Under other settings: what was made before is refused too, by its address and by a name that leads there.
    world.settings.reach = Reach { allow_http: true, ..Reach::default() };
    world.webhook(&elsewhere.url.replace("127.0.0.1", "localhost"), &[EventType::OriginalRejected]).await;
    world.webhook(&elsewhere.url.replace("127.0.0.1", "[::ffff:127.0.0.1]"), &[EventType::OriginalRejected]).await;
    world.bad("origin/eye/2_0.jpg", "cut off").await;
    world.advance(60);
    settle(&world.dispatcher("a")).await;
    assert_eq!((receiver.came().len(), elsewhere.came().len()), (1, 0));
    for webhook in world.catalog.webhooks().await.unwrap() {
        let attempts = world.catalog.webhook_attempts(&webhook.id, None, 1).await.unwrap();
        let error = attempts[0].error.as_ref().unwrap();
        assert!(attempts[0].status.is_none() && error.contains("private address"), "{attempts:?}");
    }
}
