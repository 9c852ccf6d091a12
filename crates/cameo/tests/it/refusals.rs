//! Places that answer and refuse: for an hour and everybody, or for one photo and ever. Afterwards nothing is lost, no receive was burnt
//! by an outage, and dead letters are there only for what is at fault.
//!
//! The runtime's time is paused and the queues go by it, so that an hour takes none. Queues count a release, as SQS does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use cameo::{
    catalog::{Catalog, contract::rules, memory::MemoryCatalog},
    clock::Clock,
    flow::Flow,
    ledger::Scope,
    model::{
        content::Content,
        error::{Error, Kind, Place, Result},
        event::{Change, Event},
        generation::Generation,
    },
    queue::{DeadLetter, Depth, Message, Queue, memory::MemoryQueue},
    render::{Rejection, Render},
    store::{Attributes, Condition, Store, Written, memory::MemoryStore},
    worker::{Worker, outage::Outages},
};
use cameo_image::{Rendered, SizeSet};
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    faulty::{Fault, Faulty},
    flow_crash::{Transcript, settings},
};

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
const MAX_RECEIVES: u32 = 5;
const PHOTOS: u64 = 12;
/// Loops that render.
const LOOPS: usize = 2;

/// The runtime's time, which is paused.
#[derive(Debug)]
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.0.elapsed()
    }
}

/// A queue that cannot take a receive back, and knows the highest receive count that it has handed out.
#[derive(Debug)]
struct SqsLike {
    inner: MemoryQueue,
    highest: AtomicU32,
    has_dead_letters: bool,
}

#[async_trait]
impl Queue for SqsLike {
    fn name(&self) -> &str {
        self.inner.name()
    }
    async fn send(&self, bodies: &[String]) -> Result<()> {
        self.inner.send(bodies).await
    }
    async fn receive(&self, max: usize, visibility: Duration, wait: Duration) -> Result<Vec<Message>> {
        let messages = self.inner.receive(max, visibility, wait).await?;
        let highest = messages.iter().map(|message| message.receive_count).max().unwrap_or(0);
        self.highest.fetch_max(highest, Ordering::SeqCst);
        Ok(messages)
    }
    async fn delete(&self, receipts: &[String]) -> Result<()> {
        self.inner.delete(receipts).await
    }
    async fn extend(&self, receipt: &str, visibility: Duration) -> Result<bool> {
        self.inner.extend(receipt, visibility).await
    }
    async fn release(&self, receipt: &str) -> Result<()> {
        self.inner.extend(receipt, Duration::ZERO).await.map(drop)
    }
    async fn retry_later(&self, receipt: &str, pause: Duration, error: &str) -> Result<()> {
        self.inner.retry_later(receipt, pause, error).await
    }
    async fn dead_letter(&self, receipt: &str, error: &str) -> Result<()> {
        if self.has_dead_letters {
            return self.inner.dead_letter(receipt, error).await;
        }
        Err(Error::new(Place::Queue, Kind::Misconfigured, "dead-letter a message: no redrive policy"))
    }
    fn max_receives(&self) -> Option<u32> {
        self.has_dead_letters.then_some(MAX_RECEIVES)
    }
    fn adopt(&self, _: &Message) {}
    async fn redrive(&self, ids: &[String]) -> Result<u64> {
        self.inner.redrive(ids).await
    }
    async fn depth(&self) -> Result<Depth> {
        self.inner.depth().await
    }
    async fn dead_letters(&self, max: usize) -> Result<Vec<DeadLetter>> {
        self.inner.dead_letters(max).await
    }
}

/// An engine that refuses as its fault says, and panics over one original.
#[derive(Debug)]
struct Engine(Arc<Fault>);

#[async_trait]
impl Render for Engine {
    async fn render(&self, original: Content, size_set: &SizeSet) -> Result<Result<Rendered, Rejection>> {
        self.0.check(Place::Engine, "engine.render", "")?;
        assert!(original.len() != PANICS.len(), "a fault of the engine's host");
        Transcript.render(original, size_set).await
    }
}

/// An original over which the engine's host panics.
const PANICS: &str = "an original of a length that no other has";

struct System {
    fault: Arc<Fault>,
    store: Arc<dyn Store>,
    catalog: Arc<dyn Catalog>,
    events: Arc<SqsLike>,
    registrations: Arc<SqsLike>,
    clock: Arc<dyn Clock>,
}

impl System {
    fn new(has_dead_letters: bool) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(PausedClock(Instant::now()));
        let queue = |name: &str| {
            // Its own count is never the bound: the worker dead-letters before the queue would.
            let inner = MemoryQueue::new(name, MAX_RECEIVES + 1000, clock.clone());
            Arc::new(SqsLike { inner, highest: AtomicU32::new(0), has_dead_letters })
        };
        Self {
            fault: Arc::default(),
            store: Arc::new(MemoryStore::new(clock.clone())),
            catalog: Arc::new(MemoryCatalog::new(rules(), clock.clone())),
            events: queue("events"),
            registrations: queue("registrations"),
            clock,
        }
    }

    fn worker(&self) -> Worker {
        let fault = &self.fault;
        let queue = |queue: &Arc<SqsLike>| {
            let inner: Arc<dyn Queue> = queue.clone();
            Arc::new(Faulty { fault: fault.clone(), inner })
        };
        Worker {
            flow: Flow {
                store: Arc::new(Faulty { fault: fault.clone(), inner: self.store.clone() }),
                catalog: Arc::new(Faulty { fault: fault.clone(), inner: self.catalog.clone() }),
                render: Arc::new(Engine(fault.clone())),
                settings: Arc::new(settings()),
            },
            events: queue(&self.events),
            registrations: queue(&self.registrations),
            visibility_timeout: MINUTE,
            receive_wait: Duration::from_secs(1),
            window: None,
            clock: self.clock.clone(),
            outages: Outages::default(),
        }
    }

    async fn upload(&self, photo: u64, content: &str) {
        self.upload_generation(photo, content, photo).await;
    }

    async fn upload_generation(&self, photo: u64, content: &str, generation: u64) {
        let body = self.put(photo, content, generation).await;
        self.events.send(&[body]).await.unwrap();
    }

    /// Writes an original, and returns its event.
    async fn put(&self, photo: u64, content: &str, generation: u64) -> String {
        let (key, body) = (key(photo), Bytes::from(content.to_owned()));
        let written = self.store.put("up", &key, body, &Attributes::default(), Condition::Always).await;
        let Ok(Written::Done(info)) = written else { panic!("{written:?}") };
        let change = Change::Created { etag: info.etag, size: info.size };
        let generation = Generation::from_counter(generation);
        Event { bucket: "up".into(), key, generation, change, actor: None }.to_notification(Timestamp::UNIX_EPOCH)
    }

    async fn deliver(&self) {
        for photo in 1..=PHOTOS {
            self.upload(photo, &format!("photo {photo}")).await;
        }
    }

    /// Photos with all their rows.
    async fn registered(&self) -> Vec<u64> {
        let rows = self.catalog.rows(&Scope::All, None, 10_000).await.unwrap();
        let mut photos: Vec<_> = rows.iter().map(|row| row.photo.entity.cd_idx).collect();
        photos.dedup();
        assert_eq!(rows.len(), photos.len() * 4, "{rows:?}");
        photos
    }

    async fn dead(&self) -> Vec<DeadLetter> {
        let mut dead = self.events.dead_letters(100).await.unwrap();
        dead.extend(self.registrations.dead_letters(100).await.unwrap());
        dead
    }

    async fn waiting(&self) -> u64 {
        let mut waiting = 0;
        for queue in [&self.events, &self.registrations] {
            let depth = queue.depth().await.unwrap();
            waiting += depth.visible + depth.in_flight;
        }
        waiting
    }

    fn highest_receive_count(&self) -> u32 {
        self.events.highest.load(Ordering::SeqCst).max(self.registrations.highest.load(Ordering::SeqCst))
    }
}

fn key(photo: u64) -> String {
    format!("origin/v/{photo}_0.jpg")
}

/// Runs the loops of a process beside what happens; none of them may end by itself.
async fn beside(system: &System, what_happens: impl Future<Output = ()>) {
    let stop = CancellationToken::new();
    let worker = system.worker();
    let rendering = futures::future::join_all((0..LOOPS).map(|_| worker.resize_until(&stop)));
    let registering = worker.register_until(&stop);
    let happening = async {
        what_happens.await;
        stop.cancel();
    };
    let (rendered, registered, ()) = tokio::join!(rendering, registering, happening);
    rendered.into_iter().chain([registered]).for_each(|ended| ended.expect("no loop ends for an outage or a message"));
}

async fn an_hour_of_refusals_burns_no_receive(
    name: &str,
    rule: impl Fn(&str, &str) -> Option<Kind> + Send + Sync + 'static,
) {
    let system = System::new(true);
    system.fault.refuse(move |call, on| rule(call, on));
    beside(&system, async {
        system.deliver().await;
        tokio::time::sleep(HOUR).await;
        assert!(system.fault.refused() > 0, "{name}: nothing was refused");
        assert_eq!(system.dead().await, [], "{name}");
        system.fault.heal();
        tokio::time::sleep(MINUTE).await;
        assert_eq!(system.registered().await, (1..=PHOTOS).collect::<Vec<_>>(), "{name}");
        assert_eq!((system.waiting().await, system.dead().await), (0, Vec::new()), "{name}");
        assert_eq!(system.highest_receive_count(), 1, "{name}: a receive was counted for the outage");
        let images = system.store.list("images", "", "", 1000).await.unwrap().len() as u64;
        assert_eq!(images, PHOTOS * 8, "{name}: renditions and aliases");
    })
    .await;
}

/// flow.md 3, 18, and "a table locked over five minutes": what answers and refuses is out for as long as it refuses.
#[tokio::test(start_paused = true)]
async fn an_outage_of_an_hour_in_any_place_ends_with_everything_registered_and_no_dead_letter() {
    use Kind::{Conflict, Denied, Misconfigured, Unavailable, Unlisted};
    let cases: &[(&'static str, &'static str, Kind)] = &[
        ("read-only database", "catalog.register", Denied),
        ("database away", "catalog.register", Unavailable),
        ("table renamed", "catalog.register", Misconfigured),
        ("table locked", "catalog.register", Conflict),
        ("an error that nobody listed", "catalog.register", Unlisted),
        ("entity locks away", "catalog.lock_entity", Conflict),
        ("right to read revoked", "catalog.entity_rows", Denied),
        ("store refuses writes", "store.put", Denied),
        ("store is busy", "store.put", Unavailable),
        ("bucket missing", "store.put", Misconfigured),
        ("store refuses writes with a code that nobody listed", "store.put", Unlisted),
        ("store refuses reads", "store.get", Denied),
        ("store refuses looks", "store.head", Denied),
        ("store refuses copies", "store.copy", Denied),
        ("queue refuses sends", "queue.send", Denied),
        ("queue refuses receives", "queue.receive", Denied),
        ("queue refuses deletes", "queue.delete", Denied),
        ("engine cannot start", "engine.render", Unavailable),
    ];
    for (name, call, kind) in cases {
        an_hour_of_refusals_burns_no_receive(name, move |called, _| (called == *call).then_some(*kind)).await;
    }
}

/// flow.md 2, 10: one row that the database refuses. It is dead-lettered alone with the true cause, and its neighbours go on.
#[tokio::test(start_paused = true)]
async fn one_photo_that_is_refused_is_dead_lettered_alone_with_the_cause() {
    use Kind::{Corrupt, Malformed, Refused, Unlisted};
    let cases: &[(&'static str, Kind)] = &[
        ("catalog.register", Refused),
        ("catalog.register", Unlisted),
        ("catalog.register", Malformed),
        ("catalog.register", Corrupt),
        // One missing or damaged content file.
        ("store.get", Corrupt),
        ("store.put", Refused),
        ("store.copy", Refused),
    ];
    for (call, kind) in cases {
        let (call, kind) = (*call, *kind);
        let system = System::new(true);
        system.fault.refuse(move |called, on| {
            let is_it = on.split(' ').any(|on| on == key(3) || on.ends_with("/3_sq_0.jpg") || on.ends_with("/3.jpg"));
            (called == call && is_it).then_some(kind)
        });
        beside(&system, async {
            system.deliver().await;
            tokio::time::sleep(MINUTE * 3).await;
            let dead = system.dead().await;
            assert_eq!(dead.len(), 1, "{call} {kind:?}: {dead:?}");
            assert_eq!(dead[0].keys, [key(3)], "{call} {kind:?}");
            assert!(dead[0].error.starts_with(&format!("failed to {call}")), "{call} {kind:?}: {dead:?}");
            assert_eq!(system.waiting().await, 0, "{call} {kind:?}");
            let registered = system.registered().await;
            let others: Vec<_> = registered.into_iter().filter(|photo| *photo != 3).collect();
            assert_eq!(others.len() as u64, PHOTOS - 1, "{call} {kind:?}: {others:?}");
            // Once the cause is gone the letter is sent again, and is done.
            system.fault.heal();
            let ids = [dead[0].id.clone()];
            let again = system.events.redrive(&ids).await.unwrap() + system.registrations.redrive(&ids).await.unwrap();
            assert!(again >= 1, "{call} {kind:?}");
            tokio::time::sleep(MINUTE).await;
            assert_eq!(
                (system.registered().await.len() as u64, system.dead().await.len()),
                (PHOTOS, 0),
                "{call} {kind:?}"
            );
        })
        .await;
    }
}

/// What looks like an outage and meets one photo alone, such as a row that a policy denies, must not hold up the others; in the end it is
/// a dead letter with its cause.
#[tokio::test(start_paused = true)]
async fn a_photo_that_is_denied_alone_holds_nobody_up() {
    let system = System::new(true);
    system.fault.refuse(|call, on| (call == "catalog.register" && on.contains(&key(3))).then_some(Kind::Denied));
    beside(&system, async {
        system.deliver().await;
        tokio::time::sleep(MINUTE * 2).await;
        assert_eq!(system.registered().await.len() as u64, PHOTOS - 1);
        for minutes in 0..180 {
            let photo = 1000 + minutes;
            system.upload(photo, &format!("photo {photo}")).await;
            tokio::time::sleep(MINUTE).await;
            let rows = system.registered().await;
            assert!(rows.contains(&photo) || minutes < 3, "{photo} is held up");
        }
        let dead = system.dead().await;
        assert_eq!((dead.len(), dead[0].keys.clone()), (1, vec![key(3)]));
        assert!(dead[0].error.contains("catalog.register"), "{dead:?}");
    })
    .await;
}

/// flow.md 10: registering left at the first error, so neighbours that were registered came again.
#[tokio::test(start_paused = true)]
async fn what_is_done_is_deleted_whatever_becomes_of_its_neighbours() {
    let system = System::new(true);
    system.fault.refuse(|call, on| match (call, on) {
        ("catalog.register", on) if on.contains(&key(3)) => Some(Kind::Refused),
        ("catalog.register", on) if on.contains(&key(5)) => Some(Kind::Unavailable),
        _ => None,
    });
    let worker = system.worker();
    for photo in 1..=PHOTOS {
        let event = system.put(photo, "photo", photo).await;
        system.events.send(&[event]).await.unwrap();
    }
    while worker.resize_once(Duration::ZERO).await.unwrap() > 0 {}
    let error = worker.register_once(Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert_eq!(system.registered().await.len() as u64, PHOTOS - 2);
    let depth = system.registrations.depth().await.unwrap();
    assert_eq!((depth.visible + depth.in_flight, depth.dead), (1, 1));
}

/// flow.md, questionable: a broken record, and one unreadable original, take their body's neighbours along.
#[tokio::test(start_paused = true)]
async fn a_record_that_is_at_fault_leaves_its_neighbours_in_the_message_alone() {
    let system = System::new(true);
    system.fault.refuse(|call, on| (call == "store.get" && on == key(2)).then_some(Kind::Corrupt));
    let mut records = vec![serde_json::json!({"eventName": "ObjectCreated:Put", "s3": {"object": {"key": key(9)}}})];
    for photo in 1..=3 {
        let event: serde_json::Value = serde_json::from_str(&system.put(photo, "photo", photo).await).unwrap();
        records.push(event["Records"][0].clone());
    }
    beside(&system, async {
        system.events.send(&[serde_json::json!({ "Records": records }).to_string()]).await.unwrap();
        tokio::time::sleep(MINUTE).await;
        assert_eq!(system.registered().await, [1, 3]);
        let mut dead: Vec<_> = system.dead().await.into_iter().flat_map(|letter| letter.keys).collect();
        dead.sort();
        assert_eq!(dead, [key(2), key(9)]);
        assert_eq!(system.waiting().await, 0);
    })
    .await;
}

/// flow.md 21: no redrive policy and one message that nobody can read: it stays, and the worker does not end.
#[tokio::test(start_paused = true)]
async fn without_dead_letters_a_message_that_nobody_can_read_stays_and_ends_nothing() {
    let system = System::new(false);
    beside(&system, async {
        system.events.send(&["no json".to_owned()]).await.unwrap();
        system.registrations.send(&["{\"version\":99}".to_owned()]).await.unwrap();
        system.deliver().await;
        tokio::time::sleep(HOUR).await;
        assert_eq!(system.registered().await.len() as u64, PHOTOS);
        assert_eq!((system.waiting().await, system.dead().await.len()), (2, 0));
        assert!(system.highest_receive_count() < 20, "it is tried ever more rarely");
    })
    .await;
}

/// A role without the right to send to the dead letters' queue: messages at fault come again, and the others go on.
#[tokio::test(start_paused = true)]
async fn messages_that_cannot_be_dead_lettered_stop_nothing_and_are_once_they_can() {
    const BAD: usize = 300;
    for kind in [Kind::Denied, Kind::Misconfigured] {
        let system = System::new(true);
        system.fault.refuse(move |call, _| (call == "queue.dead_letter").then_some(kind));
        beside(&system, async {
            for queue in [&system.events, &system.registrations] {
                let bad: Vec<_> = (0..BAD).map(|n| format!("no message {n}")).collect();
                queue.send(&bad).await.unwrap();
            }
            for photo in 1..=PHOTOS {
                system.upload(photo, &format!("photo {photo}")).await;
                tokio::time::sleep(MINUTE).await;
                assert!(system.registered().await.contains(&photo), "{photo} is held up");
            }
            assert_eq!(system.waiting().await, 2 * BAD as u64);
            system.fault.heal();
            tokio::time::sleep(HOUR).await;
            assert_eq!(system.waiting().await, 0);
            let dead = system.dead().await;
            assert!(!dead.is_empty() && dead.iter().all(|letter| letter.error.contains("failed to")), "{:?}", dead[0]);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_original_over_which_the_host_panics_is_dead_lettered_and_the_others_go_on() {
    let system = System::new(true);
    beside(&system, async {
        system.upload(1, PANICS).await;
        system.upload(2, "photo").await;
        tokio::time::sleep(MINUTE * 3).await;
        assert_eq!(system.registered().await, [2]);
        let dead = system.dead().await;
        assert_eq!((dead.len(), dead[0].keys.clone()), (1, vec![key(1)]));
        assert!(dead[0].error.contains("a fault of the engine's host"), "{dead:?}");
    })
    .await;
}

/// A function that empties the queue on a schedule would else count a receive with each of its runs.
#[tokio::test(start_paused = true)]
async fn a_process_of_a_short_life_has_what_failed_come_rarely() {
    let system = System::new(true);
    let pause = MINUTE * 15;
    let worker = Worker { outages: Outages::of_a_short_life(pause), ..system.worker() };
    system.deliver().await;
    while worker.resize_once(Duration::ZERO).await.unwrap() > 0 {}
    system.fault.refuse(|call, _| (call == "catalog.register").then_some(Kind::Unavailable));
    for _ in 0..10 {
        let _ = worker.register_once(Duration::ZERO).await;
        tokio::time::sleep(MINUTE).await;
    }
    assert_eq!(system.registrations.highest.load(Ordering::SeqCst), 1);
    system.fault.heal();
    tokio::time::sleep(pause).await;
    assert_eq!(worker.register_once(Duration::ZERO).await.unwrap() as u64, PHOTOS);
    assert_eq!(system.registered().await.len() as u64, PHOTOS);
}

/// A process that is told to end in an outage gives everything back at once.
#[tokio::test(start_paused = true)]
async fn what_is_held_in_an_outage_is_released_when_the_process_ends() {
    let system = System::new(true);
    system.fault.refuse(|call, _| (call == "store.put").then_some(Kind::Denied));
    beside(&system, async {
        system.deliver().await;
        tokio::time::sleep(MINUTE).await;
        assert!(system.events.depth().await.unwrap().in_flight > 0);
    })
    .await;
    assert_eq!(system.events.depth().await.unwrap().visible, PHOTOS);
}
