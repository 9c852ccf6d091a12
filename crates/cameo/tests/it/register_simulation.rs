//! Events and messages that come twice, late, out of order or never, with backends that fail at random, through the real
//! publishing and the real `register`: entries, rows, renditions and aliases end as if all had come once and in order.
//!
//! Each photo has a history of accepted changes. An event is lost for good only where a later change makes up for it;
//! the newest one's is sent again by `reconcile`, which another test looks at. Meanwhile the size set changes, and workers
//! of earlier ones go on: which one made a photo is nobody's promise, but nothing of any other may be left. Aliases are on, off, or
//! turned on and off; and the deletion of an original unpublishes, or does not. Where the size set changes,
//! renditions are published whole or not at all: what a worker published in part before it was replaced by one of another size
//! set is found by its neighbours alone (`changed_settings`). A failing seed is printed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use cameo::{
    catalog::{Catalog, contract::rules, memory::MemoryCatalog},
    clock::SystemClock,
    flow::{
        Flow, NamedSizeSet, SizeSets,
        publish::{Published, publish},
        register::{Registration, register},
        rendition_metadata::MadeFrom,
    },
    ledger::{LedgerEntry, Row, Scope, State, decide::RegisterRules},
    model::{
        error::Result,
        generation::Generation,
        key::{EntityId, ImageKey, PhotoId},
        outcome::{Fate, Outcome},
        reason::ReasonCode,
    },
    store::{Attributes, Condition, Store, memory::MemoryStore},
};
use cameo_image::{ImageSize, Rendition, SizeSet};
use md5::{Digest, Md5};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    faulty::{Fault, Faulty},
    flow_crash::{Transcript, settings},
    removal_told_again::NamedByContent,
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
/// The size sets of a deployment, one after the other: an image size is dropped, comes back, and is replaced.
const SIZE_SETS: [&[&str]; 5] =
    [&["ho", "or", "sq", "ve"], &["sq", "ve"], &["or", "sq"], &["ho", "or", "sq", "xl"], &["sq", "xl"]];
/// How often a step is done by a worker of an earlier size set, in a hundred.
const EARLIER_PERCENT: u32 = 20;

/// Whether aliases are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aliases {
    On,
    Off,
    /// Every other worker has them off.
    Changing,
}

/// What a simulation varies, beside its seed.
#[derive(Debug, Clone, Copy)]
struct Axes {
    size_set_changes: bool,
    aliases: Aliases,
    /// `delete_unpublishes`.
    unpublishes: bool,
}

impl Axes {
    /// The settings that a new installation has.
    const PLAIN: Self = Self { size_set_changes: false, aliases: Aliases::On, unpublishes: true };

    /// Settings for a seed. Which store it has goes by whether the seed is even.
    fn of(seed: u64, size_set_changes: bool) -> Self {
        let aliases = match seed % 3 {
            0 => Aliases::On,
            1 if size_set_changes => Aliases::Changing,
            _ => Aliases::Off,
        };
        Self { size_set_changes, aliases, unpublishes: !(seed / 2).is_multiple_of(3) }
    }

    fn rules(self) -> RegisterRules {
        RegisterRules { delete_unpublishes: self.unpublishes, ..rules() }
    }
}

/// The size set of a version, from 0.
fn size_set(version: usize) -> NamedSizeSet {
    let like = SizeSet::default().sizes()[0].clone();
    let sizes = SIZE_SETS[version].iter().map(|name| ImageSize { name: (*name).to_owned(), ..like.clone() });
    NamedSizeSet::new(format!("default/{}", version + 1), SizeSet::new(sizes.collect()).unwrap())
}

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
    fn makes_up(self, unpublishes: bool) -> bool {
        self == Self::Good || (self == Self::Gone && unpublishes)
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
        let mut generation = Generation::from_counter(self.generation);
        let etag = original(&self.photo, self.generation);
        let size_set = &*flow.settings.size_sets.default;
        let fate = match self.change {
            Change::Bad => Fate::Rejected { reason: ReasonCode::FileTruncated, detail: String::new() },
            Change::Gone => Fate::Removed,
            Change::Good => {
                let made = size_set.sizes.sizes().iter().map(|size| {
                    let jpeg = content(&self.photo, &size.name, self.generation).into_bytes();
                    Rendition { image_size: size.name.clone(), width: 1, height: 1, jpeg }
                });
                let made_from = MadeFrom { generation: &generation.clone(), etag: &etag, size_set };
                match publish(flow, &self.photo, made_from, made.collect()).await? {
                    Published::Done { generation: carried, renditions, earlier_sizes } => {
                        generation = carried;
                        Fate::Rendered {
                            size_set: size_set.label.clone(),
                            size_set_digest: Some(size_set.digest().to_owned()),
                            engine: "1".into(),
                            renditions,
                            earlier_sizes,
                        }
                    }
                    Published::Superseded => return Ok(None),
                }
            }
        };
        Ok(Some(Outcome { key: self.photo.origin_key(), generation, etag, size: None, actor: None, fate }))
    }
}

/// What is uploaded.
fn uploaded(photo: &PhotoId, generation: u64) -> String {
    format!("{photo}, {generation}")
}

/// The `ETag` of what is uploaded.
fn original(photo: &PhotoId, generation: u64) -> String {
    hex::encode(Md5::digest(uploaded(photo, generation)))
}

fn content(photo: &PhotoId, size: &str, generation: u64) -> String {
    format!("{size} of {photo}, {generation}")
}

fn etag(photo: &PhotoId, size: &str, generation: u64) -> String {
    hex::encode(Md5::digest(content(photo, size, generation)))
}

/// What must be at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    state: &'static str,
    serving: Option<u64>,
}

impl Standing {
    fn of(history: &[Change], unpublishes: bool) -> Self {
        let mut standing = Self { state: "", serving: None };
        for (change, generation) in history.iter().zip(1..) {
            (standing.state, standing.serving) = match change {
                Change::Good => ("serving", Some(generation)),
                Change::Bad => ("rejected", standing.serving),
                Change::Gone => ("removed", standing.serving.filter(|_| !unpublishes)),
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
    /// The newest generation of each photo, where it is an upload.
    newest: BTreeMap<PhotoId, (u64, Change)>,
}

impl Histories {
    /// Histories of photos, two for each entity.
    fn draw(photos: u64, unpublishes: bool, random: &mut StdRng) -> Self {
        let mut histories = Self::default();
        for n in 0..photos {
            let entity = EntityId { vertical: "v".parse().unwrap(), cd_idx: n / 2 + 1 };
            let photo = PhotoId { entity, sequence: u16::from(n % 2 == 1) };
            let mut history = Vec::new();
            for _ in 0..random.random_range(1..=CHANGES_MAX) {
                history.push(Change::after(history.last().copied(), random));
            }
            for (at, change) in history.iter().enumerate() {
                let made_up = history.get(at + 1).is_some_and(|next| next.makes_up(unpublishes));
                if !(made_up && random.random_range(0..100) < LOST_PERCENT) {
                    histories.events.push(Event { photo: photo.clone(), generation: at as u64 + 1, change: *change });
                }
            }
            histories.standing.insert(photo.clone(), Standing::of(&history, unpublishes));
            histories.newest.insert(photo, (history.len() as u64, history[history.len() - 1]));
        }
        histories
    }
}

/// Workers over the same backends, one for each size set, or of the first alone.
fn workers(flow: &Flow, axes: Axes) -> Vec<Flow> {
    let worker = |version: usize| {
        let size_sets = SizeSets { default: Arc::new(size_set(version)), ..SizeSets::default() };
        let publish_alias = match axes.aliases {
            Aliases::On => true,
            Aliases::Off => false,
            Aliases::Changing => version.is_multiple_of(2),
        };
        Flow { settings: Arc::new(cameo::flow::Settings { size_sets, publish_alias, ..settings() }), ..flow.clone() }
    };
    (0..if axes.size_set_changes { SIZE_SETS.len() } else { 1 }).map(worker).collect()
}

/// Lets everything happen in disorder; returns how many events and messages came.
///
/// With `whole`, publishing goes to this store, which does not fail.
async fn happen(workers: &[Flow], whole: Option<&Arc<dyn Store>>, histories: Histories, random: &mut StdRng) -> usize {
    let Histories { mut events, newest, .. } = histories;
    let all = events.len();
    let (mut messages, mut came) = (Vec::<Outcome>::new(), 0);
    while !(events.is_empty() && messages.is_empty()) {
        let again = random.random_range(0..100) < AGAIN_PERCENT;
        // The size set follows how far things are; now and then a worker is behind.
        let current = (workers.len() - 1).min(came * workers.len() / (2 * all + 1));
        let behind = random.random_range(0..100) < EARLIER_PERCENT;
        let flow = &workers[if behind { random.random_range(0..=current) } else { current }];
        if !events.is_empty() && (messages.is_empty() || random.random_bool(0.5)) {
            let event = events.swap_remove(random.random_range(0..events.len()));
            came += 1;
            let publishing = Flow { store: whole.unwrap_or(&flow.store).clone(), ..flow.clone() };
            let outcome = event.resize(&publishing).await;
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
            match register(flow, &batch).await {
                Ok(Registration { mend, .. }) => {
                    for key in mend {
                        let newest = newest.iter().find(|(photo, _)| photo.origin_key() == key);
                        let Some((photo, &(generation, change))) = newest else { continue };
                        events.push(Event { photo: photo.clone(), generation, change });
                    }
                    if again {
                        messages.extend(batch);
                    }
                }
                Err(_) => messages.extend(batch),
            }
        }
    }
    came
}

/// Objects with their `ETag`s: renditions of what serves, at the image sizes that it has rows of, and aliases of each entity's
/// lowest sequence that does.
fn objects(
    standing: &BTreeMap<PhotoId, Standing>,
    sizes: &BTreeMap<PhotoId, BTreeSet<String>>,
) -> BTreeMap<String, String> {
    let mut objects = BTreeMap::new();
    // In the order of sequences.
    for (photo, standing) in standing {
        let Some(generation) = standing.serving else { continue };
        for size in sizes.get(photo).into_iter().flatten() {
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

/// The upload bucket as it is at the end.
async fn upload(store: &dyn Store, newest: &BTreeMap<PhotoId, (u64, Change)>) {
    for (photo, (generation, _)) in newest.iter().filter(|(_, (_, change))| *change != Change::Gone) {
        let body = Bytes::from(uploaded(photo, *generation));
        store.put("up", &photo.origin_key(), body, &Attributes::default(), Condition::Always).await.unwrap();
    }
}

/// Draws about three changes a photo, lets them happen and looks at everything; returns how many messages came.
pub(crate) async fn simulate(catalog: Arc<dyn Catalog>, photos: u64, seed: u64) -> usize {
    simulate_with(catalog, photos, seed, Axes::PLAIN).await
}

/// The same with other settings, which the catalog has too.
async fn simulate_with(catalog: Arc<dyn Catalog>, photos: u64, seed: u64, axes: Axes) -> usize {
    let mut random = StdRng::seed_from_u64(seed);
    let histories = Histories::draw(photos, axes.unpublishes, &mut random);
    let memory = MemoryStore::new(Arc::new(SystemClock));
    // As the embedded store names its writes, or as S3 does not.
    let store: Arc<dyn Store> =
        if seed.is_multiple_of(2) { Arc::new(memory) } else { Arc::new(NamedByContent::new(memory)) };
    upload(&*store, &histories.newest).await;
    let fault = Arc::new(Fault { fail_per_mille: FAILED_PER_MILLE, ..Fault::default() });
    let flow = Flow {
        store: Arc::new(Faulty { fault: fault.clone(), inner: store.clone() }),
        catalog: Arc::new(Faulty { fault, inner: catalog.clone() }),
        render: Arc::new(Transcript),
        settings: Arc::new(settings()),
    };
    let standing = histories.standing.clone();
    let whole = axes.size_set_changes.then_some(&store);
    let came = happen(&workers(&flow, axes), whole, histories, &mut random).await;
    check(&*catalog, &*store, &standing, axes.aliases, seed).await;
    came
}

/// Looks at everything.
async fn check(
    catalog: &dyn Catalog,
    store: &dyn Store,
    standing: &BTreeMap<PhotoId, Standing>,
    aliases: Aliases,
    seed: u64,
) {
    let entries = catalog.ledger(&Scope::All, "", usize::MAX).await.unwrap();
    let told: BTreeMap<_, _> = entries.iter().map(|entry| (entry.key.clone(), Standing::told(entry))).collect();
    for (photo, standing) in standing {
        assert_eq!(told.get(&photo.origin_key()), Some(standing), "seed {seed}, {photo}");
    }
    let rows = catalog.rows(&Scope::All, None, usize::MAX).await.unwrap();
    let mut sizes = BTreeMap::<_, BTreeSet<String>>::new();
    for row in &rows {
        sizes.entry(row.photo.clone()).or_default().insert(row.image_size.clone());
    }
    for entry in entries.iter().filter(|entry| entry.serving.is_some()) {
        let made = (0..SIZE_SETS.len()).map(size_set).find(|set| set.made(entry)).expect("a size set");
        let photo = standing.keys().find(|photo| photo.origin_key() == entry.key).unwrap();
        let made: BTreeSet<_> = made.sizes.sizes().iter().map(|size| size.name.clone()).collect();
        assert_eq!(sizes.get(photo), Some(&made), "seed {seed}, {photo}: the rows are those of one size set");
    }
    let mut objects = objects(standing, &sizes);
    let stored = store.list("images", "", "", usize::MAX).await.unwrap();
    let stored: BTreeMap<_, _> = stored.into_iter().map(|info| (info.key, info.etag)).collect();
    let is_alias = |key: &str| !key.rsplit('/').next().unwrap_or_default().contains('_');
    match aliases {
        Aliases::On => {}
        Aliases::Off => objects.retain(|key, _| !is_alias(key)),
        // Each entity has those that its rows want, or none, as the worker that came last has it.
        Aliases::Changing => {
            for entity in standing.keys().map(|photo| &photo.entity) {
                let is_of = |key: &&String| matches!(ImageKey::parse(key), ImageKey::Alias(of, _) if of == *entity);
                let keys: Vec<_> = objects.keys().filter(is_of).cloned().collect();
                if !keys.iter().any(|key| stored.contains_key(key)) {
                    objects.retain(|key, _| !keys.contains(key));
                }
            }
        }
    }
    assert_eq!(stored, objects, "seed {seed}, aliases {aliases:?}");
    let rows: BTreeMap<_, _> = rows.into_iter().map(row_of).collect();
    let renditions: BTreeMap<_, _> = objects.into_iter().filter(|(key, _)| !is_alias(key)).collect();
    assert_eq!(rows, renditions, "seed {seed}");
}

fn in_memory(axes: Axes) -> Arc<dyn Catalog> {
    Arc::new(MemoryCatalog::new(axes.rules(), Arc::new(SystemClock)))
}

#[tokio::test]
async fn disorder_ends_as_order_does() {
    for seed in 0..40 {
        let axes = Axes::of(seed, false);
        simulate_with(in_memory(axes), 100, seed, axes).await;
    }
}

/// The size set changes meanwhile, and workers of earlier ones go on.
#[tokio::test]
async fn disorder_and_changing_settings_end_as_order_does() {
    for seed in 0..40 {
        let axes = Axes::of(seed, true);
        simulate_with(in_memory(axes), 100, seed, axes).await;
    }
}

/// The same with more seeds.
#[tokio::test]
#[ignore = "takes a minute"]
async fn disorder_and_changing_settings_end_as_order_does_with_many_seeds() {
    for seed in 40..1000 {
        let axes = Axes::of(seed, true);
        simulate_with(in_memory(axes), 100, seed, axes).await;
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
            came += simulate(in_memory(Axes::PLAIN), 2000, seeds.next().unwrap()).await;
        }
        let (last, took) = (seeds.start - 1, begun.elapsed());
        eprintln!("{came} events and messages came, with seeds {first} to {last}, in {} s", took.as_secs());
    }
}
