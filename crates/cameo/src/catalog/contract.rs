//! What every catalog must do, whatever its backend. `memory` is the reference.
//!
//! A backend's tests give [`check_all`] a way to make an empty catalog.

mod history;

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use rand::{Rng, SeedableRng, rngs::StdRng};

mod accounts;
mod people;
mod webhooks;

use super::{Catalog, LedgerPages, Registry, RowPages, memory::MemoryCatalog};
use crate::{
    clock::SystemClock,
    ledger::{
        Effect, LedgerEntry, Registered, Row, Scope, State, TakeDown,
        counts::{CountKey, KeptCount},
        decide::RegisterRules,
        history::HistoryChange,
        image_urls::ImageUrls,
    },
    model::{
        actor::Actor,
        generation::Generation,
        ids::IDS_MAX,
        key::{EntityId, PhotoId, UploadKey, Vertical},
        outcome::{Fate, Outcome, PublishedRendition},
        reason::ReasonCode,
    },
};

/// Makes the catalogs under test.
#[async_trait]
pub trait Fixture: Send + Sync + Debug {
    /// An empty catalog with [`rules`].
    async fn empty_catalog(&self) -> Box<dyn Catalog>;
}

/// The rules of a catalog under test.
pub fn rules() -> RegisterRules {
    RegisterRules { urls: ImageUrls::new("https://image.example"), delete_unpublishes: true }
}

/// Runs every check.
pub async fn check_all(fixture: &dyn Fixture) {
    a_rendered_original_has_one_row_a_size(fixture).await;
    a_message_seen_twice_changes_nothing(fixture).await;
    an_older_generation_never_overwrites_a_newer_one(fixture).await;
    a_rejected_replacement_leaves_the_last_good_rows(fixture).await;
    a_good_original_that_comes_after_its_bad_successor_serves(fixture).await;
    a_deleted_original_has_no_rows_and_is_not_revived(fixture).await;
    a_deletion_told_after_its_bad_successor_unpublishes(fixture).await;
    an_upload_after_a_deletion_serves_again(fixture).await;
    a_rejection_after_a_deletion_revives_nothing(fixture).await;
    every_order_of_the_same_changes_ends_alike(fixture).await;
    a_smaller_size_set_drops_rows(fixture).await;
    what_is_taken_down_is_found_again(fixture).await;
    an_older_recipe_does_not_undo_a_newer_one(fixture).await;
    the_first_rows_of_an_entity_are_known_as_such(fixture).await;
    the_highest_generation_is_known(fixture).await;
    one_batch_may_hold_one_key_twice(fixture).await;
    scopes_select_by_vertical_and_id(fixture).await;
    verticals_differ_by_case_and_accents(fixture).await;
    pages_follow_each_other(fixture).await;
    as_many_ids_as_people_may_ask_for_are_found(fixture).await;
    a_large_cd_idx_survives(fixture).await;
    texts_come_back_as_they_were(fixture).await;
    counts_and_rejected_tell_the_reason(fixture).await;
    kept_counts_are_those_that_are_counted(fixture).await;
    rejected_originals_are_found_by_reason(fixture).await;
    keys_are_found_by_prefix_and_backwards(fixture).await;
    addresses_are_rewritten_only_of_rows_that_are_still_there(fixture).await;
    any_messages_do_what_they_do_in_memory(fixture).await;
    history::check_all(fixture).await;
    accounts::check_all(fixture).await;
    people::check_all(fixture).await;
    webhooks::check_all(fixture).await;
}

/// Batches of messages that are tried on a catalog and in memory.
const MODEL_BATCHES: usize = 40;

/// A message about one of a few photos, of a generation that may be old, new or the same.
fn any_message(random: &mut StdRng) -> Outcome {
    let keys = [
        "origin/model/1_0.jpg",
        "origin/model/1_1.jpg",
        "origin/model/2_0.jpg",
        "origin/Model/1_0.jpg",
        "origin/model/x.jpg",
    ];
    let key = keys[random.random_range(0..keys.len())];
    let generation = random.random_range(1..30);
    if key.ends_with("x.jpg") {
        let fate = Fate::Rejected { reason: ReasonCode::NameUnparseable, detail: "no number".into() };
        return if random.random() { outcome(key, generation, fate) } else { removed(key, generation) };
    }
    match random.random_range(0..10) {
        0 | 1 => removed(key, generation),
        2 | 3 => rejected(key, generation),
        4 => outcome(key, generation, Fate::Ignored),
        _ => {
            let sizes: Vec<&str> = ["sq", "ve", "ho", "or"].into_iter().filter(|_| random.random_bool(0.7)).collect();
            let mut message = rendered(key, generation, if sizes.is_empty() { &["sq"] } else { &sizes });
            if let Fate::Rendered { size_set, engine, earlier_sizes, .. } = &mut message.fate {
                *size_set = format!("default/{}", random.random_range(1..3));
                *engine = random.random_range(1..3).to_string();
                if random.random_bool(0.2) {
                    earlier_sizes.push("tn".to_owned());
                }
            }
            message
        }
    }
}

/// A model: whatever comes, in whatever order and batches, ledger and rows are those that `memory` has.
async fn any_messages_do_what_they_do_in_memory(fixture: &dyn Fixture) {
    for seed in 0..3 {
        let mut random = StdRng::seed_from_u64(seed);
        let (catalog, model) = (fixture.empty_catalog().await, MemoryCatalog::new(rules(), Arc::new(SystemClock)));
        for batch in 0..MODEL_BATCHES {
            let messages: Vec<_> = (0..random.random_range(1..5)).map(|_| any_message(&mut random)).collect();
            let said = |registered: Vec<Registered>| {
                let said = |it: Registered| (it.photo, it.effect, it.take_down, it.other_recipe);
                registered.into_iter().map(said).collect::<Vec<_>>()
            };
            let did = said(catalog.register(&messages).await.expect("a registration"));
            let should = said(model.register(&messages).await.expect("a registration"));
            assert_eq!(did, should, "seed {seed}, batch {batch}: {messages:#?}");
            assert_eq!(all_of(&*catalog).await, all_of(&model).await, "seed {seed}, batch {batch}: {messages:#?}");
        }
    }
}

/// All that a catalog has, but for times.
type All = (Vec<LedgerEntry>, Vec<Row>, Vec<KeptCount>, Option<Generation>, Vec<HistoryChange>);

async fn all_of(catalog: &dyn Catalog) -> All {
    let mut ledger = catalog.ledger(&Scope::All, "", 100).await.expect("the ledger");
    for entry in &mut ledger {
        entry.updated_at = jiff::Timestamp::UNIX_EPOCH;
    }
    (
        ledger,
        catalog.rows(&Scope::All, None, 1000).await.expect("rows"),
        counts_of(catalog).await,
        catalog.highest_generation().await.expect("a generation"),
        history::all_but_times(catalog).await,
    )
}

/// The kept counts, which must be those that are counted.
async fn counts_of(catalog: &dyn Catalog) -> Vec<KeptCount> {
    let kept = catalog.kept_counts().await.expect("counts");
    assert_eq!(kept, catalog.counted().await.expect("originals"), "kept, and counted");
    kept
}

/// A rendered original, as `resize` reports it.
pub fn rendered(key: &str, generation: u64, sizes: &[&str]) -> Outcome {
    let rendition = |size: &&str| PublishedRendition {
        image_size: (*size).to_owned(),
        width: 320,
        height: 320,
        bytes: 1000 + generation,
        etag: format!("{size}-{generation}"),
    };
    let fate = Fate::Rendered {
        size_set: "default/1".into(),
        size_set_digest: None,
        engine: "1".into(),
        renditions: sizes.iter().map(rendition).collect(),
        earlier_sizes: Vec::new(),
    };
    outcome(key, generation, fate)
}

/// What became of a change, with an `ETag` of its own.
pub fn outcome(key: &str, generation: u64, fate: Fate) -> Outcome {
    Outcome {
        key: key.to_owned(),
        generation: Generation::from_counter(generation),
        etag: format!("e{generation}"),
        size: Some(generation),
        actor: Actor::new("tester"),
        fate,
    }
}

fn rejected(key: &str, generation: u64) -> Outcome {
    outcome(key, generation, Fate::Rejected { reason: ReasonCode::FileTruncated, detail: "ends at byte 7".into() })
}

/// A deleted original.
pub fn removed(key: &str, generation: u64) -> Outcome {
    outcome(key, generation, Fate::Removed)
}

fn photo(key: &str) -> PhotoId {
    match UploadKey::parse(key) {
        UploadKey::Photo(photo) => photo,
        other => panic!("{key}: {other:?}"),
    }
}

const KEY: &str = "origin/ssgdfm_eye/351518_0.jpg";

async fn register(catalog: &dyn Catalog, outcomes: &[Outcome]) -> Vec<Effect> {
    let registered = catalog.register(outcomes).await.expect("a registration");
    registered.into_iter().map(|registered| registered.effect).collect()
}

/// What each message leaves to be taken down: up to which generation, and which image sizes.
async fn taken_down(catalog: &dyn Catalog, outcomes: &[Outcome]) -> Vec<Option<(u64, Vec<String>)>> {
    let registered = catalog.register(outcomes).await.expect("a registration");
    let told = |TakeDown { image_sizes, up_to }: TakeDown| {
        (up_to.counter().expect("a counter"), image_sizes.into_iter().collect())
    };
    registered.into_iter().map(|registered| registered.take_down.map(told)).collect()
}

/// As [`taken_down`] returns it.
fn down(up_to: u64, image_sizes: &[&str]) -> (u64, Vec<String>) {
    (up_to, image_sizes.iter().map(|size| (*size).to_owned()).collect())
}

async fn etags(catalog: &dyn Catalog, key: &str) -> Vec<String> {
    let rows = catalog.entity_rows(&photo(key).entity).await.expect("rows").rows;
    rows.into_iter().map(|row| row.etag).collect()
}

async fn state(catalog: &dyn Catalog, key: &str) -> (State, Option<Generation>) {
    let entry = catalog.entry(key).await.expect("the ledger").expect("an entry");
    (entry.state, entry.serving)
}

async fn a_rendered_original_has_one_row_a_size(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let effects = register(&*catalog, &[rendered(KEY, 1, &["sq", "ve"])]).await;
    assert_eq!(effects, [Effect::Rows]);
    let rows = catalog.entity_rows(&photo(KEY).entity).await.expect("rows");
    assert_eq!((rows.version, rows.rows.len()), (1, 2));
    let row = &rows.rows[0];
    assert_eq!(row.image_url, "https://image.example/ssgdfm_eye/sq/351518_sq_0.jpg");
    assert_eq!((row.width, row.height, row.bytes, row.etag.as_str()), (320, 320, 1001, "sq-1"));
    assert_eq!(state(&*catalog, KEY).await, (State::Serving, Some(Generation::from_counter(1))));
}

async fn a_message_seen_twice_changes_nothing(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let message = rendered(KEY, 1, &["sq"]);
    register(&*catalog, std::slice::from_ref(&message)).await;
    register(&*catalog, &[message]).await;
    assert_eq!(etags(&*catalog, KEY).await, ["sq-1"]);
    assert_eq!(catalog.ledger(&Scope::All, "", 10).await.expect("the ledger").len(), 1);
}

async fn an_older_generation_never_overwrites_a_newer_one(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    register(&*catalog, &[rendered(KEY, 2, &["sq"])]).await;
    for late in [rendered(KEY, 1, &["sq"]), rejected(KEY, 1), removed(KEY, 1)] {
        assert_eq!(register(&*catalog, &[late]).await, [Effect::Stale]);
    }
    assert_eq!(etags(&*catalog, KEY).await, ["sq-2"]);
}

async fn a_rejected_replacement_leaves_the_last_good_rows(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    register(&*catalog, &[rendered(KEY, 1, &["sq"])]).await;
    assert_eq!(register(&*catalog, &[rejected(KEY, 2)]).await, [Effect::Noted]);
    assert_eq!(etags(&*catalog, KEY).await, ["sq-1"]);
    let (state, serving) = state(&*catalog, KEY).await;
    let expected = State::Rejected { reason: ReasonCode::FileTruncated, detail: "ends at byte 7".into() };
    assert_eq!((state, serving), (expected, Some(Generation::from_counter(1))));
}

async fn a_good_original_that_comes_after_its_bad_successor_serves(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    register(&*catalog, &[rejected(KEY, 2)]).await;
    assert_eq!(register(&*catalog, &[rendered(KEY, 1, &["sq"])]).await, [Effect::Rows]);
    assert_eq!(etags(&*catalog, KEY).await, ["sq-1"]);
    let (state, serving) = state(&*catalog, KEY).await;
    assert!(matches!(state, State::Rejected { .. }));
    assert_eq!(serving, Some(Generation::from_counter(1)));
}

async fn a_deleted_original_has_no_rows_and_is_not_revived(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    register(&*catalog, &[rendered(KEY, 1, &["sq", "ve"])]).await;
    assert_eq!(register(&*catalog, &[removed(KEY, 3)]).await, [Effect::Unpublished]);
    let late = [rendered(KEY, 2, &["sq", "or"])];
    assert_eq!(register(&*catalog, &late).await, [Effect::Unpublished]);
    assert_eq!(taken_down(&*catalog, &late).await, [Some(down(3, &["or", "sq", "ve"]))]);
    assert_eq!(etags(&*catalog, KEY).await, Vec::<String>::new());
    assert_eq!(state(&*catalog, KEY).await, (State::Removed, None));
}

async fn a_rejection_after_a_deletion_revives_nothing(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let good = rendered(KEY, 4, &["sq"]);
    register(&*catalog, &[good.clone(), removed(KEY, 5), rejected(KEY, 6)]).await;
    // A crash may have come between its commit and what follows from it.
    for again in [good, removed(KEY, 5)] {
        assert_eq!(register(&*catalog, std::slice::from_ref(&again)).await, [Effect::Unpublished]);
        assert_eq!(taken_down(&*catalog, &[again]).await, [Some(down(5, &["sq"]))]);
    }
    assert_eq!(etags(&*catalog, KEY).await, Vec::<String>::new());
    // What came between the removal and the rejection is the last good one.
    register(&*catalog, &[rejected(KEY, 8), rendered(KEY, 7, &["sq"])]).await;
    assert_eq!(etags(&*catalog, KEY).await, ["sq-7"]);
}

/// Good 1, good 2, removed 3, rejected 4; and the same with another good one between removal and rejection.
async fn every_order_of_the_same_changes_ends_alike(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let without = vec![rendered(KEY, 1, &["sq"]), rendered(KEY, 2, &["sq"]), removed(KEY, 3), rejected(KEY, 5)];
    let with = [&without[..], &[rendered(KEY, 4, &["sq"])]].concat();
    let mut photos = 0;
    for (changes, expected) in [(without, vec![]), (with, vec!["sq-4".to_owned()])] {
        for order in orders(&changes) {
            // A photo of its own for each order, since a catalog of its own would take a server long to make.
            photos += 1;
            let key = format!("origin/v/{photos}_0.jpg");
            for change in &order {
                register(&*catalog, &[Outcome { key: key.clone(), ..change.clone() }]).await;
            }
            let told: Vec<_> = order.iter().map(|change| change.generation.to_string()).collect();
            assert_eq!(etags(&*catalog, &key).await, expected, "{told:?}");
            assert!(matches!(state(&*catalog, &key).await.0, State::Rejected { .. }), "{told:?}");
        }
    }
}

/// Every order of these changes.
fn orders(changes: &[Outcome]) -> Vec<Vec<Outcome>> {
    if changes.len() <= 1 {
        return vec![changes.to_vec()];
    }
    let first = |n: usize| {
        let mut rest = changes.to_vec();
        let first = rest.remove(n);
        orders(&rest).into_iter().map(move |order| [vec![first.clone()], order].concat())
    };
    (0..changes.len()).flat_map(first).collect()
}

async fn a_deletion_told_after_its_bad_successor_unpublishes(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    register(&*catalog, &[rendered(KEY, 1, &["sq"]), rejected(KEY, 3)]).await;
    assert_eq!(register(&*catalog, &[removed(KEY, 2)]).await, [Effect::Unpublished]);
    assert_eq!(taken_down(&*catalog, &[removed(KEY, 2)]).await, [Some(down(2, &["sq"]))]);
    assert_eq!(etags(&*catalog, KEY).await, Vec::<String>::new());
    let (state, serving) = state(&*catalog, KEY).await;
    assert!(matches!(state, State::Rejected { .. }) && serving.is_none());
}

async fn an_upload_after_a_deletion_serves_again(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    register(&*catalog, &[rendered(KEY, 1, &["sq"])]).await;
    register(&*catalog, &[removed(KEY, 2)]).await;
    register(&*catalog, &[rendered(KEY, 3, &["sq"])]).await;
    assert_eq!(etags(&*catalog, KEY).await, ["sq-3"]);
    assert_eq!(state(&*catalog, KEY).await.0, State::Serving);
}

async fn a_smaller_size_set_drops_rows(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    register(&*catalog, &[rendered(KEY, 1, &["sq", "ve"])]).await;
    assert_eq!(taken_down(&*catalog, &[rendered(KEY, 2, &["sq"])]).await, [Some(down(2, &["ve"]))]);
    assert_eq!(etags(&*catalog, KEY).await, ["sq-2"]);
}

/// flow.md 8c and "Take-down after the commit is not repeatable": the rows are gone with the commit, the work is not.
async fn what_is_taken_down_is_found_again(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    register(&*catalog, &[rendered(KEY, 1, &["sq", "ve"])]).await;
    let smaller = [rendered(KEY, 2, &["sq", "ho"])];
    for _ in 0..2 {
        assert_eq!(taken_down(&*catalog, &smaller).await, [Some(down(2, &["ve"]))]);
    }
    // Nor does a removal, or what comes after it, forget what was dropped before.
    for _ in 0..2 {
        assert_eq!(taken_down(&*catalog, &[removed(KEY, 3)]).await, [Some(down(3, &["ho", "sq", "ve"]))]);
    }
    assert_eq!(taken_down(&*catalog, &[rendered(KEY, 4, &["ve"])]).await, [Some(down(4, &["ho", "sq"]))]);
    let entry = catalog.entry(KEY).await.expect("the ledger").expect("an entry");
    assert_eq!(entry.published.iter().map(String::as_str).collect::<Vec<_>>(), ["ho", "sq", "ve"]);
    // A late one is not served; what it alone published goes.
    assert_eq!(taken_down(&*catalog, &[rendered(KEY, 1, &["sq", "ve"])]).await, [Some(down(4, &["sq"]))]);
    assert_eq!(etags(&*catalog, KEY).await, ["ve-4"]);
}

/// flow.md 23: redriven from a dead-letter queue, after the size set or the engine changed.
async fn an_older_recipe_does_not_undo_a_newer_one(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let made = |set: &str, by: &str, sizes: &[&str]| {
        let mut outcome = rendered(KEY, 1, sizes);
        if let Fate::Rendered { size_set, size_set_digest, engine, .. } = &mut outcome.fate {
            (*size_set, *size_set_digest, *engine) = (set.into(), Some(format!("digest of {set}")), by.into());
        }
        outcome
    };
    register(&*catalog, &[made("default/1", "1", &["sq", "ve"]), made("default/2", "2", &["sq"])]).await;
    for older in [made("default/1", "1", &["sq", "ve"]), made("default/1", "2", &["ve"])] {
        let registered = catalog.register(&[older]).await.expect("a registration");
        assert_eq!(registered[0].effect, Effect::Stale);
        let take_down = registered[0].take_down.as_ref().expect("a take-down");
        assert_eq!(take_down.image_sizes.iter().map(String::as_str).collect::<Vec<_>>(), ["ve"]);
    }
    assert_eq!(etags(&*catalog, KEY).await, ["sq-1"]);
    let entry = catalog.entry(KEY).await.expect("the ledger").expect("an entry");
    assert_eq!((entry.size_set.as_deref(), entry.engine.as_deref()), (Some("default/2"), Some("2")));
    assert_eq!(entry.size_set_digest.as_deref(), Some("digest of default/2"));
    // Another set of another name is neither older nor newer: what comes last applies.
    assert_eq!(register(&*catalog, &[made("shop/1", "2", &["ho"])]).await, [Effect::Rows]);
}

async fn the_first_rows_of_an_entity_are_known_as_such(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let first = async |outcome: Outcome| catalog.register(&[outcome]).await.expect("a registration")[0].first;
    assert!(!first(rejected("origin/v/1_0.jpg", 1)).await);
    assert!(first(rendered("origin/v/1_0.jpg", 2, &["sq"])).await);
    assert!(!first(rendered("origin/v/1_1.jpg", 1, &["sq"])).await);
    assert!(!first(rendered("origin/v/1_0.jpg", 2, &["sq"])).await);
    assert!(first(rendered("origin/v/2_0.jpg", 1, &["sq"])).await);
}

async fn the_highest_generation_is_known(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    assert_eq!(catalog.highest_generation().await.expect("a generation"), None);
    register(&*catalog, &[rendered(KEY, 20, &["sq"]), removed("origin/v/1_0.jpg", 300), rejected(KEY, 7)]).await;
    let highest = catalog.highest_generation().await.expect("a generation");
    assert_eq!(highest, Some(Generation::from_counter(300)));
}

async fn one_batch_may_hold_one_key_twice(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let batch = [rendered(KEY, 2, &["sq"]), rendered(KEY, 1, &["sq"]), rendered(KEY, 3, &["sq"])];
    let effects = register(&*catalog, &batch).await;
    assert_eq!(effects[1], Effect::Stale);
    assert_eq!(etags(&*catalog, KEY).await, ["sq-3"]);
}

async fn scopes_select_by_vertical_and_id(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let keys = ["origin/a/1_0.jpg", "origin/a/2_0.jpg", "origin/b/1_0.jpg", "origin/a/notes.txt"];
    let mut batch: Vec<_> = keys[..3].iter().map(|key| rendered(key, 1, &["sq"])).collect();
    batch.push(outcome(keys[3], 1, Fate::Rejected { reason: ReasonCode::NameUnparseable, detail: "no".into() }));
    register(&*catalog, &batch).await;
    let a: Vertical = "a".parse().expect("a vertical");
    let ids = |vertical| Scope::Ids { vertical, cd_idx: vec![1, 7] };
    for (scope, ledger, rows) in
        [(Scope::All, 4, 3), (Scope::Vertical(a.clone()), 3, 2), (ids(None), 2, 2), (ids(Some(a)), 1, 1)]
    {
        assert_eq!(catalog.ledger(&scope, "", 100).await.expect("the ledger").len(), ledger, "{scope:?}");
        assert_eq!(catalog.rows(&scope, None, 100).await.expect("rows").len(), rows, "{scope:?}");
    }
}

/// `IDS_MAX` numbers in one question: more than a statement of `SQLite` (32,766), `PostgreSQL` and MySQL (65,535) has parameters.
async fn as_many_ids_as_people_may_ask_for_are_found(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let last = IDS_MAX as u64;
    let keys = [1, 999, 1000, 1001, last, last + 1].map(|id| format!("origin/v/{id}_0.jpg"));
    let batch: Vec<_> = keys.iter().map(|key| rendered(key, 1, &["sq", "ve"])).collect();
    register(&*catalog, &batch).await;
    for vertical in [None, Some("v".parse::<Vertical>().expect("a vertical"))] {
        let scope = Scope::Ids { vertical, cd_idx: (1..=last).collect() };
        assert_eq!(catalog.ledger(&scope, "", 100).await.expect("the ledger").len(), 5, "in one question");
        assert_eq!(catalog.rows(&scope, None, 100).await.expect("rows").len(), 10, "in one question");
        if matches!(scope, Scope::Ids { vertical: Some(_), .. }) {
            continue;
        }
        let (mut entries, mut ledger) = (Vec::new(), LedgerPages::new(&*catalog, &scope));
        while let Some(page) = ledger.next().await.expect("the ledger") {
            entries.extend(page.into_iter().map(|entry| entry.key));
        }
        assert_eq!(entries.len(), 5, "{entries:?}");
        let (mut rows, mut pages) = (0, RowPages::new(&*catalog, &scope));
        while let Some(page) = pages.next().await.expect("rows") {
            rows += page.len();
        }
        assert_eq!(rows, 10);
    }
}

async fn verticals_differ_by_case_and_accents(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    for (n, key) in ["origin/v/1_0.jpg", "origin/V/1_0.jpg", "origin/가나/1_0.jpg"].iter().enumerate() {
        register(&*catalog, &[rendered(key, n as u64 + 1, &["sq"])]).await;
    }
    assert_eq!(etags(&*catalog, "origin/v/1_0.jpg").await, ["sq-1"]);
    assert_eq!(etags(&*catalog, "origin/V/1_0.jpg").await, ["sq-2"]);
    let rows = catalog.rows(&Scope::Vertical("가나".parse().expect("a vertical")), None, 10).await.expect("rows");
    assert_eq!(rows[0].image_url, "https://image.example/%EA%B0%80%EB%82%98/sq/1_sq_0.jpg");
}

async fn pages_follow_each_other(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let batch: Vec<_> = (1..=7).map(|id| rendered(&format!("origin/v/{id}_0.jpg"), 1, &["sq", "ve"])).collect();
    register(&*catalog, &batch).await;
    let mut seen = Vec::new();
    while let Ok(page) = catalog.rows(&Scope::All, seen.last(), 3).await {
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen.len(), 14);
    assert!(seen.windows(2).all(|pair| (&pair[0].photo, &pair[0].image_size) < (&pair[1].photo, &pair[1].image_size)));
    let page = catalog.ledger(&Scope::All, "origin/v/3_0.jpg", 2).await.expect("the ledger");
    assert_eq!(
        page.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(),
        ["origin/v/4_0.jpg", "origin/v/5_0.jpg"]
    );
}

async fn a_large_cd_idx_survives(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let key = "origin/v/9007199254740991_65535.jpg";
    register(&*catalog, &[rendered(key, 1, &["sq"])]).await;
    let entity = EntityId { vertical: "v".parse().expect("a vertical"), cd_idx: (1 << 53) - 1 };
    assert_eq!(catalog.entity_rows(&entity).await.expect("rows").rows[0].photo, photo(key));
}

async fn texts_come_back_as_they_were(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    for text in
        ["it's", "\\'; DROP TABLE cameo_originals; -- ", "\"{a,b}\" $1 ? %s", "NULL", "\\\\", "line\nline", "가나 😀"]
    {
        let fate = Fate::Rejected { reason: ReasonCode::FileTruncated, detail: text.into() };
        let message = Outcome { etag: text.into(), ..outcome(KEY, 1, fate) };
        register(&*catalog, &[message]).await;
        let entry = catalog.entry(KEY).await.expect("the ledger").expect("an entry");
        let expected = State::Rejected { reason: ReasonCode::FileTruncated, detail: text.into() };
        assert_eq!((entry.etag.as_str(), entry.state), (text, expected));
    }
    let key = "origin/it's/\\{\"가나\"}.txt";
    register(&*catalog, &[outcome(key, 1, Fate::Ignored)]).await;
    register(&*catalog, &[outcome(key, 2, Fate::Ignored)]).await;
    let entry = catalog.entry(key).await.expect("the ledger").expect("an entry");
    assert_eq!(entry.generation, Generation::from_counter(2));
}

async fn counts_and_rejected_tell_the_reason(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let litter = outcome("origin/v/.DS_Store", 1, Fate::Ignored);
    register(&*catalog, &[rendered("origin/v/1_0.jpg", 1, &["sq"]), rejected("origin/v/2_0.jpg", 1), litter]).await;
    let counts = catalog.counts().await.expect("counts");
    let told: Vec<_> = counts.iter().map(|c| (c.state.as_str(), c.reason.as_deref(), c.originals)).collect();
    assert_eq!(told, [("ignored", None, 1), ("rejected", Some("file.truncated"), 1), ("serving", None, 1)]);
    let rejected = catalog.rejected(Some(&"v".parse().expect("a vertical")), 10).await.expect("rejected");
    assert_eq!(rejected.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["origin/v/2_0.jpg"]);
    assert_eq!(catalog.rejected(Some(&"w".parse().expect("a vertical")), 10).await.expect("rejected"), []);
}

/// Also where workers meet at the same counts.
async fn kept_counts_are_those_that_are_counted(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let catalog = &*catalog;
    let write = async |writer: u64| {
        for n in 1..=10 {
            let key = format!("origin/v/{}_0.jpg", writer * 100 + n);
            let other = format!("origin/w{writer}/1_0.jpg");
            let messages = [rendered(&key, 1, &["sq"]), rejected(&other, n), rejected(&key, n)];
            catalog.register(&messages[..if n % 2 == 0 { 3 } else { 2 }]).await.expect("a registration");
        }
    };
    futures::future::join_all((1..=4).map(write)).await;
    let key = |vertical: &str, state: &str, serves| CountKey {
        vertical: Some(vertical.to_owned()),
        state: state.to_owned(),
        reason: (state == "rejected").then(|| "file.truncated".to_owned()),
        serves,
    };
    let mut expected = vec![
        KeptCount { key: key("v", "rejected", true), originals: 20 },
        KeptCount { key: key("v", "serving", true), originals: 20 },
    ];
    expected.extend((1..=4).map(|n| KeptCount { key: key(&format!("w{n}"), "rejected", false), originals: 1 }));
    assert_eq!(counts_of(catalog).await, expected);
    assert!(!catalog.counts_drifted().await.expect("a comparison"));
    catalog.recount().await.expect("a recount");
    assert_eq!(counts_of(catalog).await, expected);
    register(catalog, &[removed("origin/v/101_0.jpg", 9)]).await;
    assert!(counts_of(catalog).await.contains(&KeptCount { key: key("v", "removed", false), originals: 1 }));
}

async fn rejected_originals_are_found_by_reason(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let empty = outcome("origin/v/4_0.jpg", 1, Fate::Rejected { reason: ReasonCode::FileEmpty, detail: String::new() });
    let truncated = ["origin/v/1_0.jpg", "origin/v/3_0.jpg", "origin/w/2_0.jpg"].map(|key| rejected(key, 1));
    register(&*catalog, &truncated).await;
    register(&*catalog, &[empty, rendered("origin/v/5_0.jpg", 1, &["sq"])]).await;
    let (v, none) = ("v".parse().expect("a vertical"), "none".parse().expect("a vertical"));
    for (code, vertical, after, max, expected) in [
        ("file.truncated", None, "", 10, &["origin/v/1_0.jpg", "origin/v/3_0.jpg", "origin/w/2_0.jpg"][..]),
        ("file.truncated", None, "origin/v/1_0.jpg", 1, &["origin/v/3_0.jpg"]),
        ("file.truncated", Some(&v), "", 10, &["origin/v/1_0.jpg", "origin/v/3_0.jpg"]),
        ("file.truncated", Some(&none), "", 10, &[]),
        ("file.empty", None, "", 10, &["origin/v/4_0.jpg"]),
        ("file.corrupt", None, "", 10, &[]),
    ] {
        let found = catalog.rejected_for(code, vertical, after, max).await.expect("rejected originals");
        assert_eq!(keys(&found), expected, "{code} {vertical:?} {after}");
    }
}

async fn keys_are_found_by_prefix_and_backwards(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let all = ["origin/v/10_0.jpg", "origin/v/1_0.jpg", "origin/v/1_1.jpg", "origin/v/가.jpg", "origin/va/1_0.jpg"];
    for key in all {
        register(&*catalog, &[outcome(key, 1, Fate::Ignored)]).await;
    }
    for (prefix, after, max, expected) in [
        ("origin/v/1", "", 10, &all[..3]),
        ("origin/v/1_", "", 10, &all[1..3]),
        ("origin/v/1", "origin/v/10_0.jpg", 1, &all[1..2]),
        ("origin/v/가", "", 10, &all[3..4]),
        ("origin/v", "", 10, &all),
        ("origin/x", "", 10, &[]),
    ] {
        let found = catalog.ledger_with_prefix(prefix, after, max).await.expect("the ledger");
        assert_eq!(keys(&found), expected, "{prefix} {after}");
    }
    let v = "v".parse().expect("a vertical");
    for (before, max, expected) in [
        ("origin/v/1_1.jpg", 10, &["origin/v/1_0.jpg", "origin/v/10_0.jpg"][..]),
        ("origin/z", 2, &["origin/v/가.jpg", "origin/v/1_1.jpg"]),
        ("origin/v/10_0.jpg", 10, &[]),
    ] {
        let found = catalog.ledger_before(&v, before, max).await.expect("the ledger");
        assert_eq!(keys(&found), expected, "{before}");
    }
}

fn keys(entries: &[LedgerEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

async fn addresses_are_rewritten_only_of_rows_that_are_still_there(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    register(&*catalog, &[rendered(KEY, 1, &["sq", "ve"])]).await;
    let mut rows = catalog.rows(&Scope::All, None, 10).await.expect("rows");
    for row in &mut rows {
        row.image_url = format!("https://new.example/{}", row.image_size);
    }
    "of another original".clone_into(&mut rows[1].etag);
    assert_eq!(catalog.rewrite_urls(&rows).await.expect("a rewrite"), 1);
    let urls: Vec<_> =
        catalog.rows(&Scope::All, None, 10).await.expect("rows").into_iter().map(|row| row.image_url).collect();
    assert_eq!(urls, ["https://new.example/sq", "https://image.example/ssgdfm_eye/ve/351518_ve_0.jpg"]);
}
