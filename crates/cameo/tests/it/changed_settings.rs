//! Settings that change between a crash and the restart: image sizes come and go, with or without a raised version, a
//! vertical gets a size set of its own, aliases are turned off and on. A further axis of `flow_crash`: the flow is failed at
//! the n-th call, before and after its effect, restarted with *other* settings and drained.
//!
//! Nothing of what was dropped may be left, and every row has its rendition (flow.md 8, users.md 19).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use cameo::{
    clock::Clock as _,
    flow::{
        NamedSizeSet, Settings, SizeSets,
        publish::{Published, publish},
        rendition_metadata::MadeFrom,
        requeue::requeue,
    },
    ledger::{Row, Scope},
    model::{content::Content, event::Change, key::UploadKey},
    render::Render,
    worker::Worker,
};
use cameo_image::{ImageSize, SizeSet};

use crate::{
    faulty::Fault,
    flow_crash::{Durable, Transcript, VISIBILITY, drain, settings},
};

fn size_set(label: &str, sizes: &[&str]) -> Arc<NamedSizeSet> {
    let like = SizeSet::default().sizes()[0].clone();
    let sizes = sizes.iter().map(|name| ImageSize { name: (*name).to_owned(), ..like.clone() }).collect();
    Arc::new(NamedSizeSet::new(label, SizeSet::new(sizes).unwrap()))
}

fn of(default: Arc<NamedSizeSet>) -> Settings {
    Settings { size_sets: SizeSets { default, by_vertical: BTreeMap::new() }, ..settings() }
}

fn without_alias(settings: Settings) -> Settings {
    Settings { publish_alias: false, ..settings }
}

fn of_vertical(set: Arc<NamedSizeSet>) -> Settings {
    let by_vertical = [("v".parse().unwrap(), set)].into();
    Settings { size_sets: SizeSets { by_vertical, ..SizeSets::default() }, ..settings() }
}

/// Before the crash, and after it.
fn changes() -> Vec<(&'static str, Settings, Settings)> {
    let three = || of(size_set("default/1", &["sq", "ve", "ho"]));
    vec![
        ("a size is dropped", three(), of(size_set("default/2", &["sq", "ho"]))),
        ("a size is dropped, the version stays", three(), of(size_set("default/1", &["sq", "ve"]))),
        ("a size is replaced", three(), of(size_set("default/2", &["sq", "ve", "xl"]))),
        ("the version goes back", of(size_set("default/2", &["sq", "ho"])), three()),
        ("the vertical has a set of its own", settings(), of_vertical(size_set("shop/1", &["sq", "xl"]))),
        ("aliases are turned off", three(), without_alias(three())),
        ("aliases are turned off, a size is dropped", three(), without_alias(of(size_set("default/2", &["sq"])))),
        ("aliases are turned on", without_alias(three()), three()),
    ]
}

/// Photos of four entities that are served.
async fn begin(durable: &Durable, worker: &Worker) {
    let mut events = Vec::new();
    for (key, body) in [("1_0", "first"), ("1_1", "second"), ("2_0", "third"), ("4_0", "old")] {
        events.push(durable.put(&format!("origin/v/{key}.jpg"), body, events.len() as u64 + 1).await);
    }
    durable.tell(&events).await;
    drain(durable, worker).await.unwrap();
}

/// One is replaced by a good one, one by a bad one, one is deleted, and one is new.
async fn go_on(durable: &Durable) {
    let events = [
        durable.put("origin/v/4_0.jpg", "new", 11).await,
        durable.put("origin/v/1_1.jpg", "bad", 12).await,
        durable.remove("origin/v/2_0.jpg", 13).await,
        durable.put("origin/v/5_0.jpg", "fifth", 14).await,
    ];
    durable.tell(&events).await;
}

async fn rows(durable: &Durable) -> Vec<Row> {
    durable.catalog.rows(&Scope::All, None, 1000).await.unwrap()
}

fn is_alias(key: &str) -> bool {
    !key.rsplit('/').next().unwrap_or_default().contains('_')
}

/// The objects that the rows ask for: a rendition each, and each entity's primary photo where aliases are on.
fn wanted(rows: &[Row], with_aliases: bool) -> BTreeMap<String, String> {
    let mut objects = BTreeMap::new();
    let mut sorted: Vec<_> = rows.iter().collect();
    sorted.sort_by_key(|row| row.photo.sequence);
    for row in sorted {
        objects.insert(row.photo.rendition_key(&row.image_size), row.etag.clone());
        if with_aliases {
            objects.entry(row.photo.entity.alias_key(&row.image_size)).or_insert_with(|| row.etag.clone());
        }
    }
    objects
}

async fn objects(durable: &Durable) -> BTreeMap<String, String> {
    let all = durable.store.list("images", "", "", 1000).await.unwrap();
    all.into_iter().map(|info| (info.key, info.etag)).collect()
}

/// After the restart, whatever the settings: rows and renditions are one, and nothing of the deleted photo is public.
async fn check(durable: &Durable, aliases: [bool; 2], told: &str) {
    let (rows, mut found) = (rows(durable).await, objects(durable).await);
    assert!(!found.keys().any(|key| key.contains("/2_") || key.ends_with("/2.jpg")), "{told}: {found:?}");
    let with_aliases = aliases == [true, true];
    if !with_aliases {
        // Those of entities that nothing happened to are as they were.
        found.retain(|key, _| !is_alias(key));
    }
    assert_eq!(found, wanted(&rows, with_aliases), "{told}");
}

/// After every original was sent again: all is as the settings of today want it, but for the photo whose good original is
/// gone, which nobody can render again.
async fn check_reconciled(durable: &Durable, after: &Settings, told: &str) {
    let rows = rows(durable).await;
    assert_eq!(objects(durable).await, wanted(&rows, after.publish_alias), "{told}");
    for photo in ["1_0", "4_0", "5_0"] {
        let key = format!("origin/v/{photo}.jpg");
        let of_photo: Vec<_> = rows.iter().filter(|row| row.photo.origin_key() == key).collect();
        let set = after.size_sets.of(&of_photo[0].photo.entity.vertical);
        let wanted: BTreeSet<_> = set.sizes.sizes().iter().map(|size| size.name.as_str()).collect();
        let found: BTreeSet<_> = of_photo.iter().map(|row| row.image_size.as_str()).collect();
        assert_eq!(found, wanted, "{told}: {photo}");
        let entry = durable.catalog.entry(&key).await.unwrap().unwrap();
        assert!(set.made(&entry), "{told}: {entry:?}");
    }
    for queue in [&durable.events, &durable.registrations] {
        assert_eq!(queue.depth().await.unwrap().dead, 0, "{told}");
    }
}

async fn crash_at_every_call(new: fn() -> Durable, after_effect: bool) {
    for (name, before, after) in changes() {
        for n in 0.. {
            let durable = new();
            begin(&durable, &durable.worker_with(&Arc::default(), before.clone())).await;
            go_on(&durable).await;
            let fault = Arc::new(Fault { fail_at: Some(n), after_effect, ..Fault::default() });
            let crashed = drain(&durable, &durable.worker_with(&fault, before.clone())).await.is_err();
            durable.clock.advance(VISIBILITY * 2);
            let restarted = durable.worker_with(&Arc::default(), after.clone());
            drain(&durable, &restarted).await.unwrap();
            let told = format!("{name}, call {n}");
            check(&durable, [before.publish_alias, after.publish_alias], &told).await;
            let keys = ["1_0", "1_1", "4_0", "5_0"].map(|photo| format!("origin/v/{photo}.jpg"));
            requeue(&restarted.flow, &*durable.events, &keys, durable.clock.now()).await.unwrap();
            drain(&durable, &restarted).await.unwrap();
            check_reconciled(&durable, &after, &told).await;
            if !crashed {
                assert!(n > 30, "{name}: the scenario makes only {n} calls");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_crash_before_any_call_and_other_settings_leave_nothing_behind() {
    crash_at_every_call(Durable::new, false).await;
    crash_at_every_call(Durable::like_s3, false).await;
}

#[tokio::test]
async fn a_crash_after_any_call_and_other_settings_leave_nothing_behind() {
    crash_at_every_call(Durable::new, true).await;
    crash_at_every_call(Durable::like_s3, true).await;
}

/// Where writes come before looks, the shortest rendition is written before anybody knows that a newer original is published. The newer
/// one's size set has none of its name, so nobody else would take it down.
#[tokio::test]
async fn an_older_original_of_another_size_set_leaves_nothing_beside_the_newer_one() {
    for new in [Durable::new, Durable::like_s3] {
        let durable = new();
        let (old, set) = (durable.put("origin/v/1_0.jpg", "old", 1).await, size_set("default/1", &["x", "sq"]));
        let worker = durable.worker_with(&Arc::default(), of(size_set("default/2", &["sq"])));
        let event = durable.put("origin/v/1_0.jpg", "new", 2).await;
        durable.tell(&[event]).await;
        drain(&durable, &worker).await.unwrap();
        let Change::Created { etag, .. } = &old.change else { panic!("an upload") };
        let UploadKey::Photo(photo) = UploadKey::parse(&old.key) else { panic!("a photo") };
        let made_from = MadeFrom { generation: &old.generation, etag, size_set: &set };
        let renditions =
            Transcript.render(Content::from(Bytes::from("old")), &set.sizes).await.unwrap().unwrap().renditions;
        let late = durable.worker_with(&Arc::default(), of(set.clone())).flow;
        assert_eq!(publish(&late, &photo, made_from, renditions).await.unwrap(), Published::Superseded);
        assert_eq!(objects(&durable).await, wanted(&rows(&durable).await, true));
        assert_eq!(rows(&durable).await.len(), 1);
    }
}

/// flow.md 8a.
#[tokio::test]
async fn an_alias_goes_with_its_photo_although_aliases_were_turned_off() {
    let durable = Durable::new();
    begin(&durable, &durable.worker(&Arc::default())).await;
    let off = durable.worker_with(&Arc::default(), without_alias(settings()));
    let removed = durable.remove("origin/v/2_0.jpg", 9).await;
    durable.tell(&[removed]).await;
    drain(&durable, &off).await.unwrap();
    assert!(!durable.image_keys().await.iter().any(|key| key.ends_with("/2.jpg")));
}

/// An entity's first photo costs no look at aliases that cannot exist.
#[tokio::test]
async fn with_aliases_turned_off_a_first_registration_makes_no_call_more() {
    let calls = async |settings: Settings, key: &str| {
        let durable = Durable::new();
        let event = durable.put(key, "first", 1).await;
        durable.tell(&[event]).await;
        let fault = Arc::new(Fault::default());
        drain(&durable, &durable.worker_with(&fault, settings)).await.unwrap();
        fault.calls.load(std::sync::atomic::Ordering::SeqCst)
    };
    let sizes = SizeSet::default().sizes().len() as u64;
    let (on, off) =
        (calls(settings(), "origin/v/1_0.jpg").await, calls(without_alias(settings()), "origin/v/1_0.jpg").await);
    // The lock, the rows, and a look and a copy for each size.
    assert_eq!(on - off, 2 + 2 * sizes);
}
