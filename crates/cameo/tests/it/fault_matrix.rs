//! The fault matrix: component × how it fails × the step under way. A component that answers *no* is another fault than a crash: the
//! loops must go on, hold what they have, and lose nothing.
//!
//! Each case: the loops run on a component that refuses for ten minutes, which is longer than a message is received often enough for
//! a dead letter; then it is healed. Within five minutes everything must be as if nothing had been: 0 lost, 0 twice, 0 orphans, no
//! loop ended, and dead letters only of the photo that is refused alone, with its own cause. Those are sent again, and then
//! everything must be right. Time is tokio's paused clock; nothing waits.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use cameo::{
    catalog::{Catalog, Scope, contract::rules, memory::MemoryCatalog},
    clock::ManualClock,
    error::{Kind, Result},
    event::{Change, Event},
    flow::{Flow, reconcile::requeue},
    generation::Generation,
    host::worker::Worker,
    queue::{DeadLetter, Queue, memory::MemoryQueue},
    render::Render,
    store::{Attributes, Condition, Store, Written, memory::MemoryStore},
};
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    flow_crash::{Transcript, settings},
    refusing::{How, Refusal, Refusals, Refusing},
};

const VISIBILITY: Duration = Duration::from_mins(1);
/// The default of `queue.max_receives`.
const MAX_RECEIVES: u32 = 5;
/// How long a fault lasts: twice as long as the receives of a message would.
const FAULT: Duration = Duration::from_mins(10);
/// How long after the healing everything must be done.
const HEALED_WITHIN: Duration = Duration::from_mins(5);
const TICK: Duration = Duration::from_secs(1);
/// The original that is refused where one is, and a word of its content. Its generations are written in no other body.
const VICTIM: &str = "2_0";
const VICTIM_BODY: &str = "victim";
/// What is told of a case that ends wrongly, lines.
const TOLD_OF_A_CASE: usize = 3;
const SIZES: [&str; 4] = ["ho", "or", "sq", "ve"];

/// What the loops are at when the fault begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Events of new originals wait.
    Event,
    /// Renditions stand, their messages wait.
    Registration,
    /// Entities get a photo that comes before their first one.
    Alias,
    /// Photos that are served are deleted.
    TakeDown,
    /// Everything is served, and events of everything are sent again.
    Reconcile,
    /// A process died with messages in its hands; another starts on the component that fails.
    Start,
}

const STEPS: [Step; 6] = [Step::Event, Step::Registration, Step::Alias, Step::TakeDown, Step::Reconcile, Step::Start];

/// What is left when the fault is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaves {
    /// Nothing: everything went through.
    Nothing,
    /// A dead letter of the one photo, with the true cause, where the fault struck.
    DeadLetter,
    /// Something that was not done although it was acknowledged, or an original that was rejected: to be seen by verifying, and
    /// right after everything was sent again.
    Lie,
}

/// A way to fail.
struct Fault {
    name: &'static str,
    rules: Vec<Refusal>,
    leaves: Leaves,
}

fn fault(name: &'static str, calls: &'static [&'static str], about: &'static str, how: How, leaves: Leaves) -> Fault {
    Fault { name, rules: vec![Refusal { calls, about, how, times: u64::MAX }], leaves }
}

impl Fault {
    /// The same, a few times alone: fewer than a message is received.
    fn a_few_times(mut self) -> Self {
        self.rules.iter_mut().for_each(|rule| rule.times = 3);
        self
    }
}

/// Components × ways to fail.
fn faults() -> Vec<Fault> {
    use Kind::{Corrupt, Denied, Malformed, Misconfigured, Refused, Unavailable, Unlisted};
    use Leaves::{DeadLetter, Lie, Nothing};
    let slow = How::Slow(Duration::from_secs(20));
    let store_writes: &[&str] = &["store.put", "store.copy", "store.delete"];
    vec![
        // The store. flow.md 3: writes are refused and every ping succeeds.
        fault("store away", &["store."], "", How::Error(Unavailable), Nothing),
        fault("store denies writes", store_writes, "", How::Error(Denied), Nothing),
        fault("store is overloaded by writes", store_writes, "", How::Error(Unavailable), Nothing),
        fault(
            "store denies everything but a ping",
            &["store.get", "store.head", "store.put", "store.copy", "store.delete"],
            "",
            How::Error(Denied),
            Nothing,
        ),
        fault("store does not take one photo", &["store.put"], "/2_", How::Error(Refused), DeadLetter),
        fault("store never agrees on a condition", store_writes, "", How::Error(Kind::Conflict), Nothing),
        fault("store slow", &["store."], "", slow, Nothing),
        fault("original damaged", &["store.get"], VICTIM, How::Error(Corrupt), DeadLetter),
        fault("store says yes and wrote nothing", &["store.put"], "/2_", How::NothingDone, Lie),
        fault("store says yes and copied nothing", &["store.copy"], "/2.jpg", How::NothingDone, Lie),
        // flow.md 8: a take-down that did not happen is found and repeated.
        fault("store says yes and deleted nothing", &["store.delete"], "/2", How::NothingDone, Lie),
        fault("store answers an old value for one rendition", &["store.head"], "2_sq_0", How::Outdated, Lie)
            .a_few_times(),
        // The queues.
        fault("events away", &["events."], "", How::Error(Unavailable), Nothing),
        fault("events denied", &["events."], "", How::Error(Denied), Nothing),
        fault("events cannot be deleted", &["events.delete"], "", How::Error(Denied), Nothing),
        fault("events slow", &["events."], "", slow, Nothing),
        fault("events say yes and deleted nothing", &["events.delete"], "", How::NothingDone, Nothing).a_few_times(),
        fault("events are received empty", &["events.receive"], "", How::Outdated, Nothing),
        fault("registrations away", &["registrations."], "", How::Error(Unavailable), Nothing),
        fault("registrations take nothing", &["registrations.send"], "", How::Error(Denied), Nothing),
        fault(
            "registrations do not take one message",
            &["registrations.send"],
            VICTIM,
            How::Error(Refused),
            DeadLetter,
        ),
        fault("registrations slow", &["registrations."], "", slow, Nothing),
        fault("registrations say yes and deleted nothing", &["registrations.delete"], "", How::NothingDone, Nothing)
            .a_few_times(),
        // The catalog. flow.md 3: read-only, a revoked right. flow.md 18: a table that is away for a moment.
        fault("catalog away", &["catalog."], "", How::Error(Unavailable), Nothing),
        fault("catalog denies writes", &["catalog.register"], "", How::Error(Denied), Nothing),
        fault("table renamed", &["catalog.register", "catalog.entity_rows"], "", How::Error(Misconfigured), Nothing),
        fault("table locked", &["catalog.register"], "", How::Error(Kind::Conflict), Nothing),
        // flow.md 10: an error that nobody listed, of all rows, is no fault of theirs.
        fault("catalog fails in a way that nobody listed", &["catalog.register"], "", How::Error(Unlisted), Nothing),
        // flow.md 2: one row that the database refuses.
        fault("catalog refuses one row", &["catalog.register"], VICTIM, How::Error(Refused), DeadLetter),
        fault(
            "catalog refuses one row in a way that nobody listed",
            &["catalog.register"],
            VICTIM,
            How::Error(Unlisted),
            DeadLetter,
        ),
        // flow.md 11: a row of the entity that cannot be read.
        fault("catalog cannot read one entity", &["catalog.entity_rows"], "/2_", How::Error(Malformed), DeadLetter),
        fault("catalog slow", &["catalog."], "", slow, Nothing),
        fault("catalog answers old rows", &["catalog.entity_rows"], "/2_", How::Outdated, Lie),
        // The engine. An engine that cannot run is no fault of the message.
        fault("engine away", &["engine."], "", How::Error(Unavailable), Nothing),
        fault("engine slow", &["engine."], "", slow, Nothing),
        fault("engine rejects one photo", &["engine."], VICTIM_BODY, How::Rejected, Lie),
        // The disk below all of an embedded server.
        fault(
            "disk full",
            &["store.put", "store.copy", "events.send", "registrations.send", "catalog.register"],
            "",
            How::Error(Unavailable),
            Nothing,
        ),
        fault(
            "disk read-only",
            &[
                "store.put",
                "store.copy",
                "store.delete",
                "events.send",
                "events.receive",
                "events.delete",
                "registrations.",
                "catalog.register",
            ],
            "",
            How::Error(Denied),
            Nothing,
        ),
    ]
}

/// What outlives a process.
struct Durable {
    clock: Arc<ManualClock>,
    store: Arc<dyn Store>,
    catalog: Arc<dyn Catalog>,
    events: Arc<dyn Queue>,
    registrations: Arc<dyn Queue>,
}

impl Durable {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let queue = |name: &str| Arc::new(MemoryQueue::new(name, MAX_RECEIVES, clock.clone()));
        Self {
            store: Arc::new(MemoryStore::new(clock.clone())),
            catalog: Arc::new(MemoryCatalog::new(rules(), clock.clone())),
            events: queue("events"),
            registrations: queue("registrations"),
            clock,
        }
    }

    /// A process whose components refuse as told.
    fn worker(&self, refusals: &Arc<Refusals>) -> Worker {
        let queue = |name, queue: &Arc<dyn Queue>| {
            Arc::new(Refusing { name, refusals: refusals.clone(), inner: queue.clone() })
        };
        let render: Arc<dyn Render> = Arc::new(Transcript);
        let flow = Flow {
            store: Arc::new(Refusing { name: "store", refusals: refusals.clone(), inner: self.store.clone() }),
            catalog: Arc::new(Refusing { name: "catalog", refusals: refusals.clone(), inner: self.catalog.clone() }),
            render: Arc::new(Refusing { name: "engine", refusals: refusals.clone(), inner: render }),
            settings: Arc::new(settings()),
        };
        Worker {
            flow,
            events: queue("events", &self.events),
            registrations: queue("registrations", &self.registrations),
            visibility_timeout: VISIBILITY,
            receive_wait: TICK,
            window: None,
            clock: self.clock.clone(),
        }
    }

    async fn waiting(&self) -> u64 {
        let mut waiting = 0;
        for queue in [&self.events, &self.registrations] {
            let depth = queue.depth().await.unwrap();
            waiting += depth.visible + depth.in_flight;
        }
        waiting
    }

    async fn dead_letters(&self) -> Vec<DeadLetter> {
        let mut dead = self.events.dead_letters(100).await.unwrap();
        dead.extend(self.registrations.dead_letters(100).await.unwrap());
        dead
    }
}

/// The world of a case: what stands, and what should.
struct World {
    durable: Durable,
    /// Photo → its content; none when it was deleted.
    expected: BTreeMap<&'static str, Option<String>>,
    generation: u64,
}

impl World {
    fn new() -> Self {
        Self { durable: Durable::new(), expected: BTreeMap::new(), generation: 0 }
    }

    fn event(&mut self, photo: &str, change: Change) -> String {
        self.generation += 1;
        let (key, generation) = (origin(photo), Generation::from_counter(self.generation));
        Event { bucket: "up".into(), key, generation, change }.to_notification(Timestamp::UNIX_EPOCH)
    }

    /// Somebody uploads a photo.
    async fn put(&mut self, photo: &'static str) {
        let content = if photo == VICTIM { VICTIM_BODY.to_owned() } else { format!("photo {photo}") };
        let body = Bytes::from(content.clone());
        let (key, attributes) = (origin(photo), Attributes::default());
        let written = self.durable.store.put("up", &key, body, &attributes, Condition::Always).await;
        let Written::Done(info) = written.unwrap() else { panic!("{photo} is written") };
        let event = self.event(photo, Change::Created { etag: info.etag, size: info.size });
        self.durable.events.send(&[event]).await.unwrap();
        self.expected.insert(photo, Some(content));
    }

    /// Somebody deletes a photo.
    async fn remove(&mut self, photo: &'static str) {
        let info = self.durable.store.head("up", &origin(photo)).await.unwrap().unwrap();
        assert!(self.durable.store.delete("up", &origin(photo), &info.etag).await.unwrap());
        let event = self.event(photo, Change::Removed);
        self.durable.events.send(&[event]).await.unwrap();
        self.expected.insert(photo, None);
    }

    /// What `reconcile --apply` comes to: the events of everything, removals included, are sent again.
    async fn send_everything_again(&mut self) {
        let flow = self.durable.worker(&Refusals::new(Vec::new())).flow;
        let is_there = |there: bool| {
            move |(photo, content): (&&'static str, &Option<String>)| (content.is_some() == there).then_some(*photo)
        };
        let keys: Vec<_> = self.expected.iter().filter_map(is_there(true)).map(origin).collect();
        requeue(&flow, &*self.durable.events, &keys, Timestamp::UNIX_EPOCH).await.unwrap();
        let gone: Vec<_> = self.expected.iter().filter_map(is_there(false)).collect();
        for photo in gone {
            let event = self.event(photo, Change::Removed);
            self.durable.events.send(&[event]).await.unwrap();
        }
    }

    /// Brings everything to where the step begins.
    async fn begin(&mut self, step: Step) {
        match step {
            Step::Event | Step::Registration | Step::Start => {
                for photo in ["1_0", "1_1", VICTIM, "3_0"] {
                    self.put(photo).await;
                }
            }
            Step::Alias => {
                for photo in ["1_1", "2_1", "3_0"] {
                    self.put(photo).await;
                }
                self.settle().await;
                for photo in ["1_0", VICTIM] {
                    self.put(photo).await;
                }
            }
            Step::TakeDown | Step::Reconcile => {
                for photo in ["1_0", "1_1", VICTIM, "3_0"] {
                    self.put(photo).await;
                }
                self.settle().await;
            }
        }
        let worker = self.durable.worker(&Refusals::new(Vec::new()));
        match step {
            Step::Registration => while worker.resize_once(Duration::ZERO).await.unwrap() > 0 {},
            Step::TakeDown => {
                for photo in ["1_0", VICTIM, "3_0"] {
                    self.remove(photo).await;
                }
            }
            Step::Reconcile => self.send_everything_again().await,
            Step::Start => {
                assert_eq!(worker.resize_once(Duration::ZERO).await.unwrap(), 4);
                self.put("3_1").await;
                for queue in [&self.durable.events, &self.durable.registrations] {
                    assert!(!queue.receive(10, VISIBILITY, Duration::ZERO).await.unwrap().is_empty());
                }
            }
            Step::Event | Step::Alias => {}
        }
    }

    /// Lets a process without faults do what waits.
    async fn settle(&self) {
        let loops = Loops::start(&self.durable, &Refusals::new(Vec::new()));
        loops.end_when_quiet(&self.durable).await.unwrap();
    }

    /// What is not as it should be. `but` is a photo that is not looked at.
    async fn wrongs(&self, but: Option<&str>) -> Vec<String> {
        let durable = &self.durable;
        let is_looked_at = |photo: &str| but != Some(photo);
        let mut wrongs = Vec::new();
        let mut images = BTreeMap::new();
        for info in durable.store.list("images", "", "", 1000).await.unwrap() {
            let object = durable.store.get("images", &info.key, 1000).await.unwrap().unwrap();
            images.insert(info.key, String::from_utf8_lossy(&object.body).into_owned());
        }
        let mut rows: Vec<_> = durable.catalog.rows(&Scope::All, None, 1000).await.unwrap();
        let mut aliases = BTreeMap::new();
        for (photo, content) in &self.expected {
            let Some(content) = content else { continue };
            let entity = entity_of(photo);
            for size in SIZES {
                let rendition = format!("{size} of {content}");
                if is_looked_at(photo) {
                    aliases.entry(format!("v/{size}/{entity}.jpg")).or_insert_with(|| rendition.clone());
                }
                let key = rendition_key(photo, size);
                let found = images.remove(&key);
                if is_looked_at(photo) && found.as_ref() != Some(&rendition) {
                    wrongs.push(format!("lost: {key} is {found:?}"));
                }
                let standing = rows.extract_if(.., |row| row.photo.rendition_key(&row.image_size) == key).count();
                if is_looked_at(photo) && standing != 1 {
                    wrongs.push(format!("{}: {standing} rows of {key}", if standing == 0 { "lost" } else { "twice" }));
                }
            }
        }
        for (alias, rendition) in aliases {
            let found = images.remove(&alias);
            let is_of_it = but.is_some_and(|photo| alias.ends_with(&format!("/{}.jpg", entity_of(photo))));
            if found.as_ref() != Some(&rendition) && !is_of_it {
                wrongs.push(format!("lost: {alias} is {found:?}, not {rendition:?}"));
            }
        }
        let is_left_by = |key: &str| {
            but.is_some_and(|photo| {
                let (entity, of_it) = (entity_of(photo), |size: &&str| rendition_key(photo, size) == key);
                SIZES.iter().any(|size| of_it(size) || key == format!("v/{size}/{entity}.jpg"))
            })
        };
        wrongs.extend(images.into_keys().filter(|key| !is_left_by(key)).map(|key| format!("orphan: {key}")));
        rows.retain(|row| !is_left_by(&row.photo.rendition_key(&row.image_size)));
        wrongs.extend(rows.iter().map(|row| format!("orphan: the row of {} {}", row.photo, row.image_size)));
        wrongs.extend(self.wrong_in_the_ledger(but).await);
        wrongs
    }

    async fn wrong_in_the_ledger(&self, but: Option<&str>) -> Vec<String> {
        let mut wrongs = Vec::new();
        for (photo, content) in self.expected.iter().filter(|(photo, _)| but != Some(photo)) {
            let entry = self.durable.catalog.entry(&origin(photo)).await.unwrap();
            let found = entry.as_ref().map(|entry| entry.state.as_str());
            let expected = if content.is_some() { "serving" } else { "removed" };
            if found != Some(expected) {
                wrongs.push(format!("lost: the ledger says {found:?} of {photo}, not {expected}"));
            }
        }
        wrongs
    }
}

fn origin(photo: &str) -> String {
    format!("origin/v/{photo}.jpg")
}

fn entity_of(photo: &str) -> &str {
    photo.split('_').next().unwrap_or(photo)
}

fn rendition_key(photo: &str, size: &str) -> String {
    let (entity, sequence) = photo.split_once('_').expect("a photo");
    format!("v/{size}/{entity}_{size}_{sequence}.jpg")
}

/// The loops of a process, beside a clock that goes as tokio's does.
struct Loops {
    stop: CancellationToken,
    ticking: JoinHandle<()>,
    running: Vec<(&'static str, JoinHandle<Result<()>>)>,
}

impl Loops {
    fn start(durable: &Durable, refusals: &Arc<Refusals>) -> Self {
        let (stop, clock) = (CancellationToken::new(), durable.clock.clone());
        let ticking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                clock.advance(TICK);
            }
        });
        let (resizer, registrar) = (durable.worker(refusals), durable.worker(refusals));
        let (stopped, stopped_too) = (stop.clone(), stop.clone());
        let resizing = tokio::spawn(async move { resizer.resize_until(&stopped).await });
        let registering = tokio::spawn(async move { registrar.register_until(&stopped_too).await });
        Self { stop, ticking, running: vec![("resize", resizing), ("register", registering)] }
    }

    /// Waits until no message waits or is held, and ends the loops. Says what did not end well.
    async fn end_when_quiet(self, durable: &Durable) -> Result<(), String> {
        let deadline = tokio::time::Instant::now() + HEALED_WITHIN;
        let mut late = 0;
        loop {
            let waiting = durable.waiting().await;
            if waiting == 0 || self.ended().is_some() {
                break;
            }
            if tokio::time::Instant::now() > deadline {
                late = waiting;
                break;
            }
            tokio::time::sleep(TICK).await;
        }
        let ended = self.ended();
        self.stop.cancel();
        for (name, running) in self.running {
            if let Err(error) =
                running.await.map_err(|panic| panic.to_string()).and_then(|r| r.map_err(|e| e.to_string()))
            {
                self.ticking.abort();
                return Err(format!("stop: the loop {name} ended: {error}"));
            }
        }
        self.ticking.abort();
        match (ended, late) {
            (Some(name), _) => Err(format!("stop: the loop {name} ended")),
            (None, 0) => Ok(()),
            (None, late) => Err(format!("late: {late} messages still wait")),
        }
    }

    fn ended(&self) -> Option<&'static str> {
        self.running.iter().find(|(_, running)| running.is_finished()).map(|(name, _)| *name)
    }
}

/// Runs a case; returns what was wrong, and how many calls were refused.
async fn run(fault: &Fault, step: Step) -> (Vec<String>, u64) {
    let mut world = World::new();
    world.begin(step).await;
    let refusals = Refusals::new(fault.rules.clone());
    let loops = Loops::start(&world.durable, &refusals);
    tokio::time::sleep(FAULT).await;
    refusals.heal();
    if let Err(wrong) = loops.end_when_quiet(&world.durable).await {
        return (vec![wrong], refusals.struck());
    }
    let dead = world.durable.dead_letters().await;
    let mut wrongs = wrong_letters(&dead, fault.leaves);
    let but = match fault.leaves {
        Leaves::DeadLetter if !dead.is_empty() => Some(VICTIM),
        Leaves::Lie => Some(VICTIM),
        _ => None,
    };
    wrongs.extend(world.wrongs(but).await);
    // What a person does next: dead letters are sent again, and after a lie everything is.
    send_letters_again(&world.durable).await;
    if fault.leaves == Leaves::Lie {
        world.send_everything_again().await;
    }
    world.settle().await;
    wrongs.extend(world.wrongs(None).await.into_iter().map(|wrong| format!("sent again, and still {wrong}")));
    (wrongs, refusals.struck())
}

/// Dead letters that must not be, and causes that are not told.
fn wrong_letters(dead: &[DeadLetter], leaves: Leaves) -> Vec<String> {
    let wrong = |letter: &DeadLetter| {
        let (is_the_victim, cause_is_told) =
            (letter.body.contains(VICTIM), letter.error.contains("refused by the test"));
        match leaves {
            Leaves::DeadLetter if is_the_victim && cause_is_told => None,
            Leaves::DeadLetter if is_the_victim => Some(format!("a dead letter without its cause: {}", letter.error)),
            _ => Some(format!("a dead letter: {}: {}", letter.error, letter.body)),
        }
    };
    dead.iter().filter_map(wrong).collect()
}

async fn send_letters_again(durable: &Durable) {
    for queue in [&durable.events, &durable.registrations] {
        let bodies: Vec<_> = queue.dead_letters(100).await.unwrap().into_iter().map(|letter| letter.body).collect();
        if !bodies.is_empty() {
            queue.send(&bodies).await.unwrap();
        }
    }
}

/// Runs the faults whose names begin with one of these words, at every step.
async fn nothing_is_lost_when(components: &[&str]) {
    let mut wrongs = Vec::new();
    let mut cases = 0;
    for fault in faults().iter().filter(|fault| components.iter().any(|name| fault.name.starts_with(name))) {
        let mut struck = 0;
        for step in STEPS {
            let (found, times) = run(fault, step).await;
            let more = found.len().saturating_sub(TOLD_OF_A_CASE);
            let told =
                found.into_iter().take(TOLD_OF_A_CASE).map(|wrong| format!("{} × {step:?}: {wrong}", fault.name));
            wrongs.extend(told);
            wrongs.extend((more > 0).then(|| format!("{} × {step:?}: and {more} more", fault.name)));
            struck += times;
            cases += 1;
        }
        assert!(struck > 0, "no call was refused at any step: {}", fault.name);
    }
    assert!(cases > 0, "no fault is of {components:?}");
    assert!(wrongs.is_empty(), "in {cases} cases:\n{}", wrongs.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_loses_nothing() {
    nothing_is_lost_when(&["store", "original"]).await;
}

#[tokio::test(start_paused = true)]
async fn queues_that_refuse_lose_nothing() {
    nothing_is_lost_when(&["events", "registrations"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_catalog_that_refuses_loses_nothing() {
    nothing_is_lost_when(&["catalog", "table"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_refuses_loses_nothing() {
    nothing_is_lost_when(&["engine"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_refuses_loses_nothing() {
    nothing_is_lost_when(&["disk"]).await;
}
