//! Messages that come twice, out of order and late, through the real registering: the end is the same as in order.
//!
//! Each key has a history of accepted changes. Their messages are sent at least once, some more often, and shuffled as
//! far as anybody could; one that is lost comes again, since its visibility timeout ends. A failing seed is printed.

use std::{collections::BTreeMap, sync::Arc};

use cameo::{
    catalog::{
        Catalog, LedgerEntry, Scope, State,
        contract::{rendered, rules},
        memory::MemoryCatalog,
    },
    clock::SystemClock,
    generation::Generation,
    message::{Fate, Outcome},
    reason::ReasonCode,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// Messages in one registration, as SQS hands them out.
const BATCH: usize = 10;
/// Changes that one key has, at most.
const CHANGES_MAX: u64 = 6;
/// How often a message comes again, in a hundred.
const AGAIN_PERCENT: u32 = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Good,
    Bad,
    Gone,
}

impl Change {
    /// The next change of a history. A bad original right after a deletion is left to the contract.
    fn after(last: Option<Self>, random: &mut StdRng) -> Self {
        match (last, random.random_range(0..10)) {
            (Some(Self::Gone) | None, _) | (_, 0..6) => Self::Good,
            (_, 6..8) => Self::Bad,
            _ => Self::Gone,
        }
    }

    fn outcome(self, key: &str, generation: u64) -> Outcome {
        let fate = match self {
            Self::Good => return rendered(key, generation, &["sq", "ve", "ho", "or"]),
            Self::Bad => Fate::Rejected { reason: ReasonCode::FileTruncated, detail: String::new() },
            Self::Gone => Fate::Removed,
        };
        let generation = Generation::from_counter(generation);
        Outcome { key: key.to_owned(), generation, etag: String::new(), fate }
    }
}

struct Delivery {
    messages: Vec<Outcome>,
    expected: BTreeMap<String, (&'static str, Option<u64>)>,
}

/// Histories of keys, their messages in disorder, and what must stand at the end.
fn delivery(keys: u64, random: &mut StdRng) -> Delivery {
    let mut delivery = Delivery { messages: Vec::new(), expected: BTreeMap::new() };
    for id in 1..=keys {
        let key = format!("origin/v/{id}_0.jpg");
        let (mut last, mut serving) = (None, None);
        for generation in 1..=random.random_range(1..=CHANGES_MAX) {
            let change = Change::after(last, random);
            serving = match change {
                Change::Good => Some(generation),
                Change::Bad => serving,
                Change::Gone => None,
            };
            last = Some(change);
            let message = change.outcome(&key, generation);
            while random.random_range(0..100) < AGAIN_PERCENT {
                delivery.messages.push(message.clone());
            }
            delivery.messages.push(message);
        }
        let state = match last {
            Some(Change::Bad) => "rejected",
            Some(Change::Gone) => "removed",
            _ => "serving",
        };
        delivery.expected.insert(key, (state, serving));
    }
    delivery.messages.shuffle(random);
    delivery
}

fn told(entry: &LedgerEntry) -> (&'static str, Option<u64>) {
    (State::as_str(&entry.state), entry.serving.as_ref().and_then(Generation::counter))
}

/// Registers about three messages a key and looks at every entry and row.
async fn simulate(keys: u64, seed: u64) -> usize {
    let mut random = StdRng::seed_from_u64(seed);
    let Delivery { messages, expected } = delivery(keys, &mut random);
    let catalog = MemoryCatalog::new(rules(), Arc::new(SystemClock));
    for batch in messages.chunks(BATCH) {
        catalog.register(batch).await.unwrap();
    }
    let entries = catalog.ledger(&Scope::All, "", usize::MAX).await.unwrap();
    let found: BTreeMap<_, _> = entries.iter().map(|entry| (entry.key.clone(), told(entry))).collect();
    for (key, expected) in &expected {
        assert_eq!(found.get(key), Some(expected), "seed {seed}, {key}");
    }
    let rows = catalog.rows(&Scope::All, None, usize::MAX).await.unwrap();
    let served: BTreeMap<_, _> =
        expected.iter().filter_map(|(key, (_, serving))| Some((key.as_str(), (*serving)?))).collect();
    assert_eq!(rows.len(), 4 * served.len(), "seed {seed}");
    for row in &rows {
        let generation = served.get(row.photo.origin_key().as_str());
        let generation = generation.unwrap_or_else(|| panic!("seed {seed}: a row of nothing: {row:?}"));
        assert_eq!(row.etag, format!("{}-{generation}", row.image_size), "seed {seed}");
    }
    messages.len()
}

#[tokio::test]
async fn disorder_ends_as_order_does() {
    for seed in 0..40 {
        simulate(100, seed).await;
    }
}

/// A million messages: `cargo test --release -p cameo --test it -- --ignored a_million`.
#[tokio::test]
#[ignore = "takes a minute"]
async fn a_million_messages_end_right() {
    let mut messages = 0;
    for seed in 1000.. {
        messages += simulate(2000, seed).await;
        if messages >= 1_000_000 {
            break;
        }
    }
    eprintln!("{messages} messages registered");
}
