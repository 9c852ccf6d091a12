//! A crash at any call of any backend is repeated, never lost and never doubled: the flow is failed at the n-th call,
//! before and after the call took effect, for every n; then it is restarted, drained and looked at.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use cameo::{
    catalog::{Catalog, contract::rules, memory::MemoryCatalog},
    clock::ManualClock,
    flow::{Flow, Settings, SizeSets},
    ledger::{Scope, State},
    model::{
        content::Content,
        error::Result,
        event::{Change, Event},
        generation::Generation,
    },
    queue::{Queue, memory::MemoryQueue},
    render::{Rejection, Render},
    store::{Attributes, Condition, Store, Written, memory::MemoryStore},
    worker::{Worker, outage::Outages},
};
use cameo_image::{Rendered, Rendition, SizeSet};
use jiff::Timestamp;

use crate::{
    faulty::{Fault, Faulty},
    removal_told_again::NamedByContent,
};

pub(crate) const VISIBILITY: Duration = Duration::from_mins(1);

/// Renders by writing down what it was given: the flow is under test, not the engine.
#[derive(Debug)]
pub(crate) struct Transcript;

#[async_trait]
impl Render for Transcript {
    async fn render(&self, original: Content, size_set: &SizeSet) -> Result<Result<Rendered, Rejection>> {
        let original = original.into_bytes().expect("an original");
        if original.starts_with(b"bad") {
            let reason = cameo::model::reason::ReasonCode::FileCorrupt;
            return Ok(Err(Rejection { reason, detail: "bad".into(), size: None }));
        }
        let rendition = |size: &cameo_image::ImageSize| Rendition {
            image_size: size.name.clone(),
            width: size.width,
            height: size.height,
            jpeg: [size.name.as_bytes(), b" of ", &original].concat(),
        };
        let renditions = size_set.sizes().iter().map(rendition).collect();
        Ok(Ok(Rendered { width: 1, height: 1, renditions }))
    }
}

/// What survives a crash.
pub(crate) struct Durable {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) events: Arc<dyn Queue>,
    pub(crate) registrations: Arc<dyn Queue>,
}

impl Durable {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let queue = |name: &str| Arc::new(MemoryQueue::new(name, 1000, clock.clone()));
        Self {
            store: Arc::new(MemoryStore::new(clock.clone())),
            catalog: Arc::new(MemoryCatalog::new(rules(), clock.clone())),
            events: queue("events"),
            registrations: queue("registrations"),
            clock,
        }
    }

    /// As S3 is: it names what it holds by content alone, and writes come before looks.
    pub(crate) fn like_s3() -> Self {
        let durable = Self::new();
        let store = Arc::new(NamedByContent::new(MemoryStore::new(durable.clock.clone())));
        Self { store, ..durable }
    }

    /// A process that works on it, until it crashes.
    pub(crate) fn worker(&self, fault: &Arc<Fault>) -> Worker {
        self.worker_with(fault, settings())
    }

    /// One with settings of its own.
    pub(crate) fn worker_with(&self, fault: &Arc<Fault>, settings: Settings) -> Worker {
        let queue = |queue: &Arc<dyn Queue>| Arc::new(Faulty { fault: fault.clone(), inner: queue.clone() });
        let flow = Flow {
            store: Arc::new(Faulty { fault: fault.clone(), inner: self.store.clone() }),
            catalog: Arc::new(Faulty { fault: fault.clone(), inner: self.catalog.clone() }),
            render: Arc::new(Transcript),
            settings: Arc::new(settings),
        };
        let (events, registrations) = (queue(&self.events), queue(&self.registrations));
        let (visibility_timeout, receive_wait, clock) = (VISIBILITY, Duration::ZERO, self.clock.clone());
        let outages = Outages::default();
        Worker { flow, events, registrations, visibility_timeout, receive_wait, window: None, clock, outages }
    }

    pub(crate) async fn put(&self, key: &str, body: &str, counter: u64) -> Event {
        let written =
            self.store.put("up", key, Bytes::from(body.to_owned()), &Attributes::default(), Condition::Always).await;
        let Ok(Written::Done(info)) = written else { panic!("{written:?}") };
        let change = Change::Created { etag: info.etag, size: info.size };
        Event {
            bucket: "up".into(),
            key: key.into(),
            generation: Generation::from_counter(counter),
            change,
            actor: None,
        }
    }

    pub(crate) async fn remove(&self, key: &str, counter: u64) -> Event {
        let info = self.store.head("up", key).await.unwrap().unwrap();
        assert!(self.store.delete("up", key, &info.etag).await.unwrap());
        Event {
            bucket: "up".into(),
            key: key.into(),
            generation: Generation::from_counter(counter),
            change: Change::Removed,
            actor: None,
        }
    }

    pub(crate) async fn tell(&self, events: &[Event]) {
        let bodies: Vec<_> = events.iter().map(|event| event.to_notification(Timestamp::UNIX_EPOCH)).collect();
        self.events.send(&bodies).await.unwrap();
    }

    async fn is_quiet(&self) -> bool {
        let (events, registrations) = (self.events.depth().await.unwrap(), self.registrations.depth().await.unwrap());
        events.visible + events.in_flight + registrations.visible + registrations.in_flight == 0
    }

    pub(crate) async fn image_keys(&self) -> Vec<String> {
        self.store.list("images", "", "", 1000).await.unwrap().into_iter().map(|info| info.key).collect()
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        upload_bucket: "up".into(),
        image_bucket: "images".into(),
        size_sets: SizeSets::default(),
        max_original_bytes: 1000,
        cache_control: "public, max-age=60".into(),
        publish_alias: true,
        delete_unpublishes: true,
    }
}

pub(crate) async fn drain(durable: &Durable, worker: &Worker) -> Result<()> {
    while !durable.is_quiet().await {
        let handled = worker.resize_once(Duration::ZERO).await? + worker.register_once(Duration::ZERO).await?;
        if handled == 0 {
            durable.clock.advance(VISIBILITY * 2);
        }
    }
    Ok(())
}

/// Works until the fault strikes; then restarts without it and drains. False when the fault never struck.
async fn crash_and_recover(durable: &Durable, fault: Fault) -> bool {
    let fault = Arc::new(fault);
    let crashed = drain(durable, &durable.worker(&fault)).await.is_err();
    if crashed {
        durable.clock.advance(VISIBILITY * 2);
        drain(durable, &durable.worker(&Arc::default())).await.expect("a drain without faults");
    }
    crashed
}

/// Uploads, a replacement by a good and by a bad one, a deletion, litter and a misnamed file.
async fn scenario(durable: &Durable) -> Vec<Event> {
    let mut events = vec![
        durable.put("origin/v/1_0.jpg", "first", 1).await,
        durable.put("origin/v/1_1.jpg", "second", 2).await,
        durable.put("origin/v/2_0.jpg", "third", 3).await,
        durable.put("origin/v/.DS_Store", "litter", 4).await,
        durable.put("origin/v/notes.txt", "notes", 5).await,
        durable.put("origin/v/3_0.jpg", "bad", 6).await,
        durable.put("origin/v/4_0.jpg", "old", 7).await,
    ];
    // The event of the old content stays in the queue, and comes twice.
    events.push(durable.put("origin/v/4_0.jpg", "new", 8).await);
    events.push(durable.remove("origin/v/2_0.jpg", 9).await);
    events.extend(events.clone());
    events
}

async fn check(durable: &Durable, n: u64) {
    let sizes = ["ho", "or", "sq", "ve"];
    let mut expected: Vec<_> = sizes
        .iter()
        .flat_map(|size| {
            [
                format!("v/{size}/1.jpg"),
                format!("v/{size}/1_{size}_0.jpg"),
                format!("v/{size}/1_{size}_1.jpg"),
                format!("v/{size}/4.jpg"),
                format!("v/{size}/4_{size}_0.jpg"),
            ]
        })
        .collect();
    expected.sort();
    assert_eq!(durable.image_keys().await, expected, "call {n}");
    let rows = durable.catalog.rows(&Scope::All, None, 1000).await.unwrap();
    assert_eq!(rows.len(), 12, "call {n}: {rows:?}");
    for row in &rows {
        let key = row.photo.rendition_key(&row.image_size);
        let object = durable.store.get("images", &key, 1000).await.unwrap().unwrap();
        assert_eq!(object.info.etag, row.etag, "call {n}: {key}");
    }
    let body = |key: &'static str| async move { durable.store.get("images", key, 1000).await.unwrap().unwrap().body };
    assert_eq!(body("v/sq/4_sq_0.jpg").await, "sq of new", "call {n}");
    assert_eq!(body("v/sq/1.jpg").await, "sq of first", "call {n}");
    let states: Vec<_> = durable.catalog.ledger(&Scope::All, "", 100).await.unwrap();
    let states: Vec<_> = states.iter().map(|entry| (entry.key.as_str(), entry.state.as_str())).collect();
    let expected = [
        ("origin/v/.DS_Store", "ignored"),
        ("origin/v/1_0.jpg", "serving"),
        ("origin/v/1_1.jpg", "serving"),
        ("origin/v/2_0.jpg", "removed"),
        ("origin/v/3_0.jpg", "rejected"),
        ("origin/v/4_0.jpg", "serving"),
        ("origin/v/notes.txt", "rejected"),
    ];
    assert_eq!(states, expected, "call {n}");
    assert_eq!(durable.events.depth().await.unwrap().dead, 0, "call {n}");
}

async fn crash_at_every_call(new: fn() -> Durable, after_effect: bool) {
    for n in 0.. {
        let durable = new();
        let events = scenario(&durable).await;
        durable.tell(&events).await;
        let struck = crash_and_recover(&durable, Fault { fail_at: Some(n), after_effect, ..Fault::default() }).await;
        check(&durable, n).await;
        if !struck {
            assert!(n > 100, "the scenario makes only {n} calls");
            return;
        }
    }
}

#[tokio::test]
async fn a_crash_before_any_call_is_repeated() {
    crash_at_every_call(Durable::new, false).await;
    crash_at_every_call(Durable::like_s3, false).await;
}

#[tokio::test]
async fn a_crash_after_any_call_is_repeated() {
    crash_at_every_call(Durable::new, true).await;
    crash_at_every_call(Durable::like_s3, true).await;
}

/// A bad original over a good one: the good one goes on serving, and both are told.
#[tokio::test]
async fn a_bad_replacement_leaves_the_good_one_serving() {
    let durable = Durable::new();
    let worker = durable.worker(&Arc::default());
    let good = durable.put("origin/v/1_0.jpg", "good", 1).await;
    durable.tell(&[good]).await;
    drain(&durable, &worker).await.unwrap();
    let bad = durable.put("origin/v/1_0.jpg", "bad", 2).await;
    durable.tell(&[bad]).await;
    drain(&durable, &worker).await.unwrap();
    let entry = durable.catalog.entry("origin/v/1_0.jpg").await.unwrap().unwrap();
    assert!(matches!(entry.state, State::Rejected { .. }));
    assert_eq!(entry.serving, Some(Generation::from_counter(1)));
    let image = durable.store.get("images", "v/sq/1_sq_0.jpg", 1000).await.unwrap().unwrap();
    assert_eq!(image.body, "sq of good");
}

/// A good original is published, the process dies before it tells so, and a bad original comes in its place: rows and
/// renditions still are of one original, or there are none.
#[tokio::test]
async fn a_bad_replacement_after_a_crash_leaves_rows_and_renditions_in_line() {
    a_bad_replacement_after_a_crash(Durable::new, 20).await;
    // There are fewer calls where nobody looks first.
    a_bad_replacement_after_a_crash(Durable::like_s3, 15).await;
}

async fn a_bad_replacement_after_a_crash(new: fn() -> Durable, calls_min: u64) {
    for (n, before) in (0..).map(|n| (n / 2, n % 2 == 0)) {
        let durable = new();
        if before {
            let first = durable.put("origin/v/1_0.jpg", "first", 1).await;
            durable.tell(&[first]).await;
            drain(&durable, &durable.worker(&Arc::default())).await.unwrap();
        }
        let second = durable.put("origin/v/1_0.jpg", "second", 2).await;
        durable.tell(&[second]).await;
        let fault = Arc::new(Fault { fail_at: Some(n), ..Fault::default() });
        let crashed = drain(&durable, &durable.worker(&fault)).await.is_err();
        let bad = durable.put("origin/v/1_0.jpg", "bad", 3).await;
        durable.tell(&[bad]).await;
        durable.clock.advance(VISIBILITY * 2);
        drain(&durable, &durable.worker(&Arc::default())).await.unwrap();
        let rows = durable.catalog.rows(&Scope::All, None, 100).await.unwrap();
        assert!(rows.len() == 4 || (rows.is_empty() && !before), "call {n}: {rows:?}");
        for row in &rows {
            let key = row.photo.rendition_key(&row.image_size);
            let object = durable.store.head("images", &key).await.unwrap();
            assert_eq!(object.map(|info| info.etag), Some(row.etag.clone()), "call {n}: {key}");
        }
        assert_eq!(durable.image_keys().await.len(), rows.len() * 2, "call {n}: an image has a row, or is an alias");
        if !crashed {
            assert!(n > calls_min, "only {n} calls");
            return;
        }
    }
}

/// Down is not bad: a disk that is full for long sets nothing aside.
#[tokio::test]
async fn a_full_disk_burns_no_receive_count() {
    let durable = Durable::new();
    let event = durable.put("origin/v/1_0.jpg", "good", 1).await;
    durable.tell(&[event]).await;
    let worker = durable.worker(&Arc::new(Fault { disk_is_full: true, ..Fault::default() }));
    for _ in 0..10 {
        assert!(worker.resize_once(Duration::ZERO).await.is_err(), "the loop is told to wait");
    }
    let messages = durable.events.receive(1, VISIBILITY, Duration::ZERO).await.unwrap();
    assert_eq!(messages[0].receive_count, 1);
}

/// The primary photo's alias follows the lowest sequence, and goes with the last one.
#[tokio::test]
async fn the_alias_follows_the_lowest_sequence() {
    let durable = Durable::new();
    let worker = durable.worker(&Arc::default());
    let (second, first) =
        (durable.put("origin/v/1_1.jpg", "b", 1).await, durable.put("origin/v/1_0.jpg", "a", 2).await);
    let alias = || async { durable.store.get("images", "v/sq/1.jpg", 1000).await.unwrap().map(|object| object.body) };
    for (event, expected) in [(second, Some("sq of b")), (first, Some("sq of a"))] {
        durable.tell(&[event]).await;
        drain(&durable, &worker).await.unwrap();
        assert_eq!(alias().await.as_deref(), expected.map(str::as_bytes));
    }
    for (key, counter, expected) in [("origin/v/1_0.jpg", 3, Some("sq of b")), ("origin/v/1_1.jpg", 4, None)] {
        let event = durable.remove(key, counter).await;
        durable.tell(&[event]).await;
        drain(&durable, &worker).await.unwrap();
        assert_eq!(alias().await.as_deref(), expected.map(str::as_bytes));
    }
    assert_eq!(durable.image_keys().await, Vec::<String>::new());
}

/// What nobody can read is set aside at once, and its neighbours go on.
#[tokio::test]
async fn poison_is_set_aside() {
    let durable = Durable::new();
    let worker = durable.worker(&Arc::default());
    durable.events.send(&["no json".to_owned()]).await.unwrap();
    durable.registrations.send(&["{\"version\":99}".to_owned()]).await.unwrap();
    let good = durable.put("origin/v/1_0.jpg", "good", 1).await;
    durable.tell(&[good]).await;
    drain(&durable, &worker).await.unwrap();
    for queue in [&durable.events, &durable.registrations] {
        assert_eq!(queue.depth().await.unwrap().dead, 1);
    }
    assert_eq!(durable.catalog.rows(&Scope::All, None, 10).await.unwrap().len(), 4);
}
