//! The world of a case: memory backends that outlive a process, what people did, and what is not as it should be afterwards.
//!
//! A step brings the world to where its fault begins. What is expected follows from what people did, never from what the flow said.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use cameo::{
    catalog::{Catalog, contract::rules, memory::MemoryCatalog},
    clock::ManualClock,
    flow::{Flow, requeue::requeue},
    ledger::Scope,
    model::{
        event::{Change, Event},
        generation::Generation,
    },
    queue::{DeadLetter, Queue, memory::MemoryQueue},
    render::Render,
    store::{Attributes, Condition, Store, Written, memory::MemoryStore},
    worker::{Worker, outage::Outages},
};
use jiff::Timestamp;

use super::loops::{Loops, TICK};
use crate::{
    flow_crash::{Transcript, settings},
    refusing::{Refusals, Refusing},
    removal_told_again::NamedByContent,
};

const VISIBILITY: Duration = Duration::from_mins(1);
/// The default of `queue.max_receives`.
const MAX_RECEIVES: u32 = 5;
/// The original that is refused where one is, and a word of its content. No other message contains either.
pub(super) const VICTIM: &str = "2_0";
pub(super) const VICTIM_BODY: &str = "victim";
const SIZES: [&str; 4] = ["ho", "or", "sq", "ve"];

/// What the loops are at when the fault begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
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

pub(super) const STEPS: [Step; 6] =
    [Step::Event, Step::Registration, Step::Alias, Step::TakeDown, Step::Reconcile, Step::Start];

pub(super) const KINDS: [Kind; 2] = [Kind::Embedded, Kind::LikeS3];

/// What outlives a process.
pub(super) struct Durable {
    pub(super) clock: Arc<ManualClock>,
    store: Arc<dyn Store>,
    catalog: Arc<dyn Catalog>,
    pub(super) events: Arc<dyn Queue>,
    pub(super) registrations: Arc<dyn Queue>,
}

/// What the store is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It names its writes, and is looked at before it is written to.
    Embedded,
    /// It names what it holds by content, and is written to first.
    LikeS3,
}

impl Durable {
    fn new(kind: Kind) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let queue = |name: &str| Arc::new(MemoryQueue::new(name, MAX_RECEIVES, clock.clone()));
        let memory = MemoryStore::new(clock.clone());
        Self {
            store: match kind {
                Kind::Embedded => Arc::new(memory),
                Kind::LikeS3 => Arc::new(NamedByContent::new(memory)),
            },
            catalog: Arc::new(MemoryCatalog::new(rules(), clock.clone())),
            events: queue("events"),
            registrations: queue("registrations"),
            clock,
        }
    }

    /// A process whose components refuse as told.
    pub(super) fn worker(&self, refusals: &Arc<Refusals>) -> Worker {
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
            outages: Outages::default(),
        }
    }

    pub(super) async fn waiting(&self) -> u64 {
        let mut waiting = 0;
        for queue in [&self.events, &self.registrations] {
            let depth = queue.depth().await.unwrap();
            waiting += depth.visible + depth.in_flight;
        }
        waiting
    }

    pub(super) async fn dead_letters(&self) -> Vec<DeadLetter> {
        let mut dead = self.events.dead_letters(100).await.unwrap();
        dead.extend(self.registrations.dead_letters(100).await.unwrap());
        dead
    }
}

/// The world of a case: what stands, and what should.
pub(super) struct World {
    pub(super) durable: Durable,
    /// Photo → its content; none when it was deleted.
    expected: BTreeMap<&'static str, Option<String>>,
    generation: u64,
}

impl World {
    pub(super) fn new(kind: Kind) -> Self {
        Self { durable: Durable::new(kind), expected: BTreeMap::new(), generation: 0 }
    }

    fn event(&mut self, photo: &str, change: Change) -> String {
        self.generation += 1;
        let (key, generation) = (origin(photo), Generation::from_counter(self.generation));
        Event { bucket: "up".into(), key, generation, change, actor: None }.to_notification(Timestamp::UNIX_EPOCH)
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
    pub(super) async fn send_everything_again(&mut self) {
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
    pub(super) async fn begin(&mut self, step: Step) {
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
    pub(super) async fn settle(&self) {
        let loops = Loops::start(&self.durable, &Refusals::new(Vec::new()));
        loops.end_when_quiet(&self.durable).await.unwrap();
    }

    /// What is not as it should be. `but` is a photo that is not looked at.
    pub(super) async fn wrongs(&self, but: Option<&str>) -> Vec<String> {
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
