//! Events and messages that come twice, late, out of order or never, with backends that fail at random, through the real
//! publishing and the real `register`: entries, rows, renditions and aliases end as if all had come once and in order.
//!
//! Each photo has a history of accepted changes. An event is lost for good only where a later change makes up for it;
//! the newest one's is sent again by `reconcile`, which another test looks at. A failing seed is printed.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use cameo::{
    catalog::{Catalog, LedgerEntry, Row, Scope, State, contract::rules, memory::MemoryCatalog},
    clock::SystemClock,
    error::Result,
    flow::{
        Flow,
        publish::{Published, publish},
        register::register,
    },
    generation::Generation,
    key::{EntityId, PhotoId},
    message::{Fate, Outcome},
    reason::ReasonCode,
    store::{Store, memory::MemoryStore},
};
use cameo_image::Rendition;
use md5::{Digest, Md5};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    faulty::{Fault, Faulty},
    flow_crash::{Transcript, settings},
};

/// Messages in one registration: as many as one receive brings, or as a worker may gather. More would nearly always meet a call that
/// fails.
const BATCHES: [usize; 2] = [10, 40];
/// How often it is the larger one, in a hundred.
const LARGE_PERCENT: u32 = 10;
/// Changes that one photo has, at most.
const CHANGES_MAX: u64 = 6;
/// How often an event or a batch of messages comes again although it was handled, in a hundred.
const AGAIN_PERCENT: u32 = 30;
/// How often an event never comes that a later change makes up for, in a hundred.
const LOST_PERCENT: u32 = 5;
/// How often a call of the store or the catalog fails, in a thousand.
const FAILED_PER_MILLE: u64 = 2;
const SIZES: [&str; 4] = ["ho", "or", "sq", "ve"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Good,
    Bad,
    Gone,
}

impl Change {
    /// The next change of a history: only what is there can go.
    fn after(last: Option<Self>, random: &mut StdRng) -> Self {
        match random.random_range(0..10) {
            0..5 => Self::Good,
            5..8 => Self::Bad,
            _ if matches!(last, None | Some(Self::Gone)) => Self::Good,
            _ => Self::Gone,
        }
    }

    /// Whether an event before this change may be lost: what it did is undone or replaced.
    fn makes_up(self) -> bool {
        self != Self::Bad
    }
}

#[derive(Debug)]
struct Event {
    photo: PhotoId,
    generation: u64,
    change: Change,
}

impl Event {
    /// What `resize` makes of it, but for the pixels: publishes, and returns what is to be registered.
    async fn resize(&self, flow: &Flow) -> Result<Option<Outcome>> {
        let generation = Generation::from_counter(self.generation);
        let fate = match self.change {
            Change::Bad => Fate::Rejected { reason: ReasonCode::FileTruncated, detail: String::new() },
            Change::Gone => Fate::Removed,
            Change::Good => {
                let made = SIZES.map(|size| {
                    let jpeg = content(&self.photo, size, self.generation).into_bytes();
                    Rendition { image_size: size.to_owned(), width: 1, height: 1, jpeg }
                });
                match publish(flow, &self.photo, &generation, made.into()).await? {
                    Published::Stand(renditions) => {
                        Fate::Rendered { size_set: "default/1".into(), engine: "1".into(), renditions }
                    }
                    Published::Superseded => return Ok(None),
                }
            }
        };
        Ok(Some(Outcome { key: self.photo.origin_key(), generation, etag: String::new(), fate }))
    }
}

fn content(photo: &PhotoId, size: &str, generation: u64) -> String {
    format!("{size} of {photo}, {generation}")
}

fn etag(photo: &PhotoId, size: &str, generation: u64) -> String {
    hex::encode(Md5::digest(content(photo, size, generation)))
}

/// What must stand at the end.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    state: &'static str,
    serving: Option<u64>,
}

impl Standing {
    fn of(history: &[Change]) -> Self {
        let mut standing = Self { state: "", serving: None };
        for (change, generation) in history.iter().zip(1..) {
            (standing.state, standing.serving) = match change {
                Change::Good => ("serving", Some(generation)),
                Change::Bad => ("rejected", standing.serving),
                Change::Gone => ("removed", None),
            };
        }
        standing
    }

    fn told(entry: &LedgerEntry) -> Self {
        Self { state: State::as_str(&entry.state), serving: entry.serving.as_ref().and_then(Generation::counter) }
    }
}

#[derive(Debug, Default)]
struct Histories {
    events: Vec<Event>,
    standing: BTreeMap<PhotoId, Standing>,
}

impl Histories {
    /// Histories of photos, two for each entity.
    fn draw(photos: u64, random: &mut StdRng) -> Self {
        let mut histories = Self::default();
        for n in 0..photos {
            let entity = EntityId { vertical: "v".parse().unwrap(), cd_idx: n / 2 + 1 };
            let photo = PhotoId { entity, sequence: u16::from(n % 2 == 1) };
            let mut history = Vec::new();
            for _ in 0..random.random_range(1..=CHANGES_MAX) {
                history.push(Change::after(history.last().copied(), random));
            }
            for (at, change) in history.iter().enumerate() {
                let made_up = history.get(at + 1).is_some_and(|next| next.makes_up());
                if !(made_up && random.random_range(0..100) < LOST_PERCENT) {
                    histories.events.push(Event { photo: photo.clone(), generation: at as u64 + 1, change: *change });
                }
            }
            histories.standing.insert(photo, Standing::of(&history));
        }
        histories
    }
}

/// Lets everything happen in disorder; returns how many events and messages came.
async fn happen(flow: &Flow, mut events: Vec<Event>, random: &mut StdRng) -> usize {
    let (mut messages, mut came) = (Vec::<Outcome>::new(), 0);
    while !(events.is_empty() && messages.is_empty()) {
        let again = random.random_range(0..100) < AGAIN_PERCENT;
        if !events.is_empty() && (messages.is_empty() || random.random_bool(0.5)) {
            let event = events.swap_remove(random.random_range(0..events.len()));
            came += 1;
            let outcome = event.resize(flow).await;
            if again || outcome.is_err() {
                events.push(event);
            }
            messages.extend(outcome.ok().flatten());
        } else {
            let size = BATCHES[usize::from(random.random_range(0..100) < LARGE_PERCENT)];
            let mut batch = Vec::with_capacity(size);
            while batch.len() < size && !messages.is_empty() {
                batch.push(messages.swap_remove(random.random_range(0..messages.len())));
            }
            came += batch.len();
            if register(flow, &batch).await.is_err() || again {
                messages.extend(batch);
            }
        }
    }
    came
}

/// Objects with their `ETag`s: renditions of what serves, and aliases of each entity's lowest sequence that does.
fn objects(standing: &BTreeMap<PhotoId, Standing>) -> BTreeMap<String, String> {
    let mut objects = BTreeMap::new();
    // In the order of sequences.
    for (photo, standing) in standing {
        let Some(generation) = standing.serving else { continue };
        for size in SIZES {
            let etag = etag(photo, size, generation);
            objects.entry(photo.entity.alias_key(size)).or_insert_with(|| etag.clone());
            objects.insert(photo.rendition_key(size), etag);
        }
    }
    objects
}

fn row_of(row: Row) -> (String, String) {
    (row.photo.rendition_key(&row.image_size), row.etag)
}

/// Draws about three changes a photo, lets them happen and looks at everything; returns how many messages came.
pub(crate) async fn simulate(catalog: Arc<dyn Catalog>, photos: u64, seed: u64) -> usize {
    let mut random = StdRng::seed_from_u64(seed);
    let Histories { events, standing } = Histories::draw(photos, &mut random);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    let fault = Arc::new(Fault { fail_per_mille: FAILED_PER_MILLE, ..Fault::default() });
    let flow = Flow {
        store: Arc::new(Faulty { fault: fault.clone(), inner: store.clone() }),
        catalog: Arc::new(Faulty { fault, inner: catalog.clone() }),
        render: Arc::new(Transcript),
        settings: Arc::new(settings()),
    };
    let came = happen(&flow, events, &mut random).await;

    let entries = catalog.ledger(&Scope::All, "", usize::MAX).await.unwrap();
    let entries: BTreeMap<_, _> = entries.iter().map(|entry| (entry.key.clone(), Standing::told(entry))).collect();
    for (photo, standing) in &standing {
        assert_eq!(entries.get(&photo.origin_key()), Some(standing), "seed {seed}, {photo}");
    }
    let objects = objects(&standing);
    let stored = store.list("images", "", "", usize::MAX).await.unwrap();
    let stored: BTreeMap<_, _> = stored.into_iter().map(|info| (info.key, info.etag)).collect();
    assert_eq!(stored, objects, "seed {seed}");
    let rows = catalog.rows(&Scope::All, None, usize::MAX).await.unwrap();
    let rows: BTreeMap<_, _> = rows.into_iter().map(row_of).collect();
    let is_alias = |key: &str| !key.rsplit('/').next().unwrap_or_default().contains('_');
    let renditions: BTreeMap<_, _> = objects.into_iter().filter(|(key, _)| !is_alias(key)).collect();
    assert_eq!(rows, renditions, "seed {seed}");
    came
}

fn in_memory() -> Arc<dyn Catalog> {
    Arc::new(MemoryCatalog::new(rules(), Arc::new(SystemClock)))
}

#[tokio::test]
async fn disorder_ends_as_order_does() {
    for seed in 0..40 {
        simulate(in_memory(), 100, seed).await;
    }
}

/// A million events and messages, twice, with seeds of their own:
/// `cargo test --release -p cameo --test it -- --ignored --nocapture a_million`.
#[tokio::test]
#[ignore = "takes a minute"]
async fn a_million_messages_end_right() {
    for first in [1000, 2000] {
        let (begun, mut came) = (Instant::now(), 0);
        let mut seeds = first..;
        while came < 1_000_000 {
            came += simulate(in_memory(), 2000, seeds.next().unwrap()).await;
        }
        let (last, took) = (seeds.start - 1, begun.elapsed());
        eprintln!("{came} events and messages came, with seeds {first} to {last}, in {} s", took.as_secs());
    }
}
