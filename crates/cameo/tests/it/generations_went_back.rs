//! Generations that go back: a data folder of yesterday, another store, a restored database, a clock that was set. What
//! was accepted is published and registered all the same, what is gone goes, and a real later change still passes
//! (flow.md 4, 8, 9, 14).

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use cameo::{
    catalog::{
        Catalog,
        contract::{rendered, rules},
        memory::MemoryCatalog,
    },
    clock::{Clock, SystemClock},
    flow::{
        register::register,
        requeue::{requeue, requeue_removed},
    },
    ledger::{Scope, State},
    model::{
        error::{Kind, Result},
        event::{Change, Event},
        generation::Generation,
        outcome::{Fate, Outcome},
    },
    store::{Attributes, Condition, Object, ObjectInfo, Store, Written, memory::MemoryStore},
    worker::Worker,
};

use crate::{
    faulty::Fault,
    flow_crash::{Durable, VISIBILITY, drain},
    removal_told_again::NamedByContent,
};

const KEY: &str = "origin/v/1_0.jpg";
/// A counter that is far above what the store of the tests gives.
const HIGH: u64 = 0xff00;

/// One that names its writes, as the embedded store does, and one that does not, as S3.
fn worlds() -> [Durable; 2] {
    let by_content =
        Durable { store: Arc::new(NamedByContent::new(MemoryStore::new(Arc::new(SystemClock)))), ..Durable::new() };
    [Durable::new(), by_content]
}

fn worker(world: &Durable) -> Worker {
    world.worker(&Arc::default())
}

/// An upload whose generation is the store's own, where it has one.
async fn put(world: &Durable, body: &str, counter: u64) -> Event {
    let event = world.put(KEY, body, counter).await;
    let own = world.store.head("up", KEY).await.unwrap().unwrap().write_generation;
    Event { generation: own.unwrap_or(event.generation), ..event }
}

fn with_generation(event: Event, counter: u64) -> Event {
    Event { generation: Generation::from_counter(counter), ..event }
}

async fn handle(world: &Durable, event: Event) {
    world.tell(&[event]).await;
    drain(world, &worker(world)).await.unwrap();
}

/// A photo that is served under a high generation.
async fn serve_high(world: &Durable, body: &str) {
    let event = with_generation(put(world, body, HIGH).await, HIGH);
    handle(world, event).await;
}

async fn served(world: &Durable) -> Option<String> {
    let object = world.store.get("images", "v/sq/1_sq_0.jpg", 1000).await.unwrap();
    object.map(|object| String::from_utf8(object.body.to_vec()).unwrap())
}

/// Every row names the object that its rendition, and its alias, is.
async fn check_rows(world: &Durable, count: usize) {
    let rows = world.catalog.rows(&Scope::All, None, 100).await.unwrap();
    assert_eq!(rows.len(), count, "{rows:?}");
    for row in &rows {
        for key in [row.photo.rendition_key(&row.image_size), row.photo.entity.alias_key(&row.image_size)] {
            let info = world.store.head("images", &key).await.unwrap();
            assert_eq!(info.map(|info| info.etag).as_ref(), Some(&row.etag), "{key}");
        }
    }
    assert_eq!(world.image_keys().await.len(), 2 * count);
}

async fn generation(world: &Durable) -> Generation {
    world.catalog.entry(KEY).await.unwrap().unwrap().generation
}

async fn gone(world: &Durable, counter: u64) -> Event {
    world.remove(KEY, counter).await
}

/// flow.md 4.
#[tokio::test]
async fn uploads_after_generations_went_back_are_served_and_later_ones_pass() {
    for world in worlds() {
        serve_high(&world, "yesterday").await;
        let mut length = None;
        for (n, body) in ["today", "later", "latest"].into_iter().enumerate() {
            let event = put(&world, body, n as u64 + 2).await;
            handle(&world, event.clone()).await;
            assert_eq!(served(&world).await.as_deref(), Some(format!("sq of {body}").as_str()));
            check_rows(&world, 4).await;
            let lifted = generation(&world).await;
            assert!(lifted > Generation::from_counter(HIGH) && lifted < Generation::from_counter(HIGH + 1), "{lifted}");
            assert_eq!(*length.get_or_insert(lifted.as_str().len()), lifted.as_str().len(), "it does not grow");
            // Redelivered, it changes nothing.
            handle(&world, event).await;
            assert_eq!(generation(&world).await, lifted);
        }
        let real = with_generation(put(&world, "real", HIGH + 1).await, HIGH + 1);
        handle(&world, real).await;
        assert_eq!(served(&world).await.as_deref(), Some("sq of real"));
        assert_eq!(generation(&world).await, Generation::from_counter(HIGH + 1));
        check_rows(&world, 4).await;
    }
}

/// flow.md 4: a removal whose generation went back.
#[tokio::test]
async fn a_removal_after_generations_went_back_takes_everything_down() {
    for world in worlds() {
        serve_high(&world, "yesterday").await;
        let event = gone(&world, 3).await;
        handle(&world, event).await;
        check_rows(&world, 0).await;
        assert_eq!(world.catalog.entry(KEY).await.unwrap().unwrap().state, State::Removed);
    }
}

/// flow.md 4: "after an earlier deletion the new photo is taken down".
#[tokio::test]
async fn an_upload_below_an_old_tombstone_is_served() {
    for world in worlds() {
        serve_high(&world, "yesterday").await;
        let event = gone(&world, HIGH + 1).await;
        handle(&world, event).await;
        check_rows(&world, 0).await;
        let event = put(&world, "today", 4).await;
        handle(&world, event).await;
        assert_eq!(served(&world).await.as_deref(), Some("sq of today"));
        check_rows(&world, 4).await;
    }
}

#[tokio::test]
async fn a_bad_upload_after_generations_went_back_is_reported_beside_what_is_served() {
    for world in worlds() {
        serve_high(&world, "yesterday").await;
        let event = put(&world, "bad", 2).await;
        handle(&world, event).await;
        assert_eq!(served(&world).await.as_deref(), Some("sq of yesterday"));
        assert!(matches!(world.catalog.entry(KEY).await.unwrap().unwrap().state, State::Rejected { .. }));
        check_rows(&world, 4).await;
    }
}

/// What is merely late stays stale.
#[tokio::test]
async fn a_late_event_is_not_lifted() {
    for world in worlds() {
        let first = put(&world, "first", 1).await;
        let second = put(&world, "second", 2).await;
        handle(&world, second.clone()).await;
        for late in [first, with_generation(gone_event(), 1)] {
            handle(&world, late).await;
            assert_eq!(generation(&world).await, second.generation);
            assert_eq!(served(&world).await.as_deref(), Some("sq of second"));
        }
        check_rows(&world, 4).await;
    }
}

fn gone_event() -> Event {
    let generation = Generation::from_counter(1);
    Event { bucket: "up".into(), key: KEY.into(), generation, change: Change::Removed, actor: None }
}

/// A lift is repeated like everything else: the flow fails at the n-th call, before and after its effect.
#[tokio::test]
async fn a_crash_while_an_event_is_lifted_is_repeated() {
    for (n, after_effect) in (0..).map(|n| (n / 2, n % 2 == 0)) {
        let mut struck = false;
        for world in worlds() {
            serve_high(&world, "yesterday").await;
            let event = put(&world, "today", 2).await;
            world.tell(&[event]).await;
            let fault = Arc::new(Fault { fail_at: Some(n), after_effect, ..Fault::default() });
            struck |= drain(&world, &world.worker(&fault)).await.is_err();
            world.clock.advance(VISIBILITY * 2);
            drain(&world, &worker(&world)).await.unwrap();
            assert_eq!(served(&world).await.as_deref(), Some("sq of today"), "call {n}");
            check_rows(&world, 4).await;
        }
        if !struck {
            assert!(n > 20, "only {n} calls");
            return;
        }
    }
}

/// flow.md 14: the database is of yesterday, store and renditions are not.
#[tokio::test]
async fn reconciling_with_a_database_of_yesterday_serves_what_the_store_has() {
    for world in worlds() {
        let first = put(&world, "yesterday", 5).await;
        handle(&world, first.clone()).await;
        let yesterday: Arc<dyn Catalog> = Arc::new(MemoryCatalog::new(rules(), world.clock.clone()));
        let old = Outcome {
            etag: match &first.change {
                Change::Created { etag, .. } => etag.clone(),
                Change::Removed => String::new(),
            },
            generation: first.generation,
            ..rendered(KEY, 5, &["sq", "ve", "ho", "or"])
        };
        yesterday.register(&[old]).await.unwrap();
        for n in 0..3 {
            let event = put(&world, &format!("today {n}"), 6 + n).await;
            handle(&world, event).await;
        }
        let world = Durable { catalog: yesterday, ..world };
        let restored = worker(&world);
        for _ in 0..2 {
            requeue(&restored.flow, &*world.events, &[KEY.to_owned()], world.clock.now()).await.unwrap();
            drain(&world, &restored).await.unwrap();
            assert_eq!(served(&world).await.as_deref(), Some("sq of today 2"));
            check_rows(&world, 4).await;
        }
        // flow.md 8b: its version is far below what the aliases were made from; a deletion takes them down all the same.
        let event = gone(&world, 99).await;
        handle(&world, event).await;
        check_rows(&world, 0).await;
    }
}

/// flow.md 14: "Photos deleted since: rows are back, nothing removes them."
#[tokio::test]
async fn rows_that_came_back_are_taken_down_by_a_removal_that_is_sent() {
    for world in worlds() {
        let event = put(&world, "yesterday", 5).await;
        handle(&world, event).await;
        // Deleted, but this database has not heard of it.
        gone(&world, 6).await;
        let worker = worker(&world);
        let keys = [KEY.to_owned()];
        let sent = requeue_removed(&worker.flow, &*world.events, &keys, world.clock.now()).await.unwrap();
        assert_eq!(sent.requeued, 1);
        drain(&world, &worker).await.unwrap();
        check_rows(&world, 0).await;
        // Uploaded again, it is left alone.
        let event = put(&world, "again", 7).await;
        handle(&world, event).await;
        let sent = requeue_removed(&worker.flow, &*world.events, &keys, world.clock.now()).await.unwrap();
        assert_eq!(sent.requeued, 0);
        check_rows(&world, 4).await;
    }
}

/// flow.md 9.
#[tokio::test]
async fn a_replacement_whose_event_was_lost_is_served_when_it_is_sent_again() {
    for world in worlds() {
        let event = put(&world, "first", 1).await;
        handle(&world, event).await;
        put(&world, "second", 2).await;
        let worker = worker(&world);
        for _ in 0..2 {
            requeue(&worker.flow, &*world.events, &[KEY.to_owned()], world.clock.now()).await.unwrap();
            drain(&world, &worker).await.unwrap();
            assert_eq!(served(&world).await.as_deref(), Some("sq of second"));
            check_rows(&world, 4).await;
        }
    }
}

/// A store whose `If-Match` never holds, as where it gives weak `ETag`s.
#[derive(Debug)]
struct NeverMatches(MemoryStore);

#[async_trait]
impl Store for NeverMatches {
    async fn get(&self, bucket: &str, key: &str, max_bytes: u64) -> Result<Option<Object>> {
        self.0.get(bucket, key, max_bytes).await
    }
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>> {
        self.0.head(bucket, key).await
    }
    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Written> {
        self.0.put(bucket, key, body, attributes, condition).await
    }
    async fn copy(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
        attributes: &Attributes,
        condition: Condition,
    ) -> Result<Option<Written>> {
        self.0.copy(bucket, from, to, attributes, condition).await
    }
    async fn delete(&self, _: &str, _: &str, _: &str) -> Result<bool> {
        Ok(false)
    }
    async fn list(&self, bucket: &str, prefix: &str, after: &str, max: usize) -> Result<Vec<ObjectInfo>> {
        self.0.list(bucket, prefix, after, max).await
    }
    async fn ping(&self) -> Result<()> {
        self.0.ping().await
    }
}

/// "`take_down_rendition` loops without bound where `If-Match` never holds".
#[tokio::test]
async fn taking_down_ends_where_a_condition_never_holds() {
    let world = Durable { store: Arc::new(NeverMatches(MemoryStore::new(Arc::new(SystemClock)))), ..Durable::new() };
    let event = put(&world, "first", 1).await;
    handle(&world, event).await;
    let removed = Outcome { fate: Fate::Removed, ..rendered(KEY, 99, &[]) };
    let error = register(&worker(&world).flow, &[removed]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict, "{error}");
}
