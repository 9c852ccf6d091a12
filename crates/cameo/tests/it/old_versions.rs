//! Removals of old versions, as S3 reports them in a bucket with versions: the key's object is still there, so nothing of it may
//! be missing for a moment; and after real deletions, in whatever order their events come, all ends as it would without versions
//! (flow.md, questionable: old-version deletes).

use std::{sync::Arc, time::Duration};

use cameo::{
    clock::SystemClock,
    ledger::{LedgerEntry, Scope, State},
    model::{
        event::{Change, Event},
        generation::Generation,
    },
    store::memory::MemoryStore,
};

use crate::{
    flow_crash::{Durable, drain},
    removal_told_again::NamedByContent,
};

const KEY: &str = "origin/v/1_0.jpg";

/// A world whose store names what it holds by content alone, with a photo that is served.
async fn world() -> Durable {
    let store = Arc::new(NamedByContent::new(MemoryStore::new(Arc::new(SystemClock))));
    let world = Durable { store, ..Durable::new() };
    let first = world.put(KEY, "photo", 1).await;
    handle(&world, &[first]).await;
    world
}

async fn handle(world: &Durable, events: &[Event]) {
    for event in events {
        world.tell(std::slice::from_ref(event)).await;
        drain(world, &world.worker(&Arc::default())).await.unwrap();
    }
}

/// The removal of a version that is not the current one.
fn old_version_removed(counter: u64) -> Event {
    let generation = Generation::from_counter(counter);
    Event { bucket: "up".into(), key: KEY.into(), generation, change: Change::Removed, actor: None }
}

async fn entry(world: &Durable) -> LedgerEntry {
    world.catalog.entry(KEY).await.unwrap().unwrap()
}

/// What is published: the rows with their renditions, and aliases.
async fn published(world: &Durable) -> (usize, usize) {
    let rows = world.catalog.rows(&Scope::All, None, 100).await.unwrap();
    for row in &rows {
        let key = row.photo.rendition_key(&row.image_size);
        let found = world.store.head("images", &key).await.unwrap();
        assert_eq!(found.map(|info| info.etag), Some(row.etag.clone()), "{key}");
    }
    (rows.len(), world.image_keys().await.len())
}

/// Rows, and renditions with aliases, of one photo.
const WHOLE: (usize, usize) = (4, 8);
const NOTHING: (usize, usize) = (0, 0);

#[tokio::test]
async fn the_removal_of_an_old_version_never_makes_a_gap() {
    let world = world().await;
    let worker = world.worker(&Arc::default());
    for counter in [2, 2, 3] {
        world.tell(&[old_version_removed(counter)]).await;
        loop {
            let mut handled = worker.resize_once(Duration::ZERO).await.unwrap();
            assert_eq!(published(&world).await, WHOLE);
            handled += worker.register_once(Duration::ZERO).await.unwrap();
            assert_eq!(published(&world).await, WHOLE);
            if handled == 0 {
                break;
            }
        }
        let entry = entry(&world).await;
        assert_eq!((&entry.state, entry.serving.as_ref()), (&State::Serving, Some(&entry.generation)));
        assert!(entry.generation > Generation::from_counter(counter));
        assert!(entry.generation < Generation::from_counter(counter + 1), "a later change passes it");
    }
    let removed = world.remove(KEY, 4).await;
    handle(&world, &[removed]).await;
    assert_eq!(published(&world).await, NOTHING);
}

/// Every order of three events.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// A real deletion, the same bytes again, and what comes then.
async fn deleted_and_uploaded_again(world: &Durable) -> [Event; 2] {
    [world.remove(KEY, 2).await, world.put(KEY, "photo", 3).await]
}

#[tokio::test]
async fn a_deletion_and_the_same_bytes_again_serve_in_every_order() {
    for order in [[0, 1], [1, 0]] {
        let world = world().await;
        let events = deleted_and_uploaded_again(&world).await;
        handle(&world, &order.map(|at| events[at].clone())).await;
        assert_eq!(published(&world).await, WHOLE, "{order:?}");
        assert!(entry(&world).await.serving >= Some(Generation::from_counter(3)), "{order:?}");
    }
}

#[tokio::test]
async fn a_deletion_the_same_bytes_again_and_a_deletion_leave_nothing_in_every_order() {
    for order in ORDERS {
        // Handled after all of it happened, or the first of it while the second upload was there.
        for handled_before in [0, 1, 2] {
            let world = world().await;
            let [removed, again] = deleted_and_uploaded_again(&world).await;
            handle(&world, &[removed.clone(), again.clone()][..handled_before]).await;
            let events = [removed, again, world.remove(KEY, 4).await];
            handle(&world, &order.map(|at| events[at].clone())).await;
            assert_eq!(published(&world).await, NOTHING, "{order:?}, {handled_before} handled before");
            assert_eq!(entry(&world).await.state, State::Removed, "{order:?}");
        }
    }
}

/// What was deleted is not served beside a bad upload.
#[tokio::test]
async fn a_deletion_and_a_bad_upload_serve_nothing_in_every_order() {
    for order in [[0, 1], [1, 0]] {
        let world = world().await;
        let events = [world.remove(KEY, 2).await, world.put(KEY, "bad", 3).await];
        handle(&world, &order.map(|at| events[at].clone())).await;
        assert_eq!(published(&world).await, NOTHING, "{order:?}");
        assert!(matches!(entry(&world).await.state, State::Rejected { .. }), "{order:?}");
    }
}

/// Another original that was deleted in between comes late: it is not served again.
#[tokio::test]
async fn what_is_late_from_before_the_removal_is_still_late() {
    for order in ORDERS {
        let world = world().await;
        let other = world.put(KEY, "other", 2).await;
        let removed = world.remove(KEY, 3).await;
        let events = [other, removed, world.put(KEY, "photo", 4).await];
        handle(&world, &order.map(|at| events[at].clone())).await;
        assert_eq!(published(&world).await, WHOLE, "{order:?}");
        let image = world.store.get("images", "v/sq/1_sq_0.jpg", 1000).await.unwrap().unwrap();
        assert_eq!(image.body, "sq of photo", "{order:?}");
        assert!(entry(&world).await.serving >= Some(Generation::from_counter(4)), "{order:?}");
    }
}
