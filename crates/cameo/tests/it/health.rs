//! Health is judged by an upload that is tried: it says no where `serve` could not finish one, and yes again once it can.

use std::{fs, path::Path, sync::Arc};

use async_trait::async_trait;
use cameo::{
    catalog::{contract::rules, memory::MemoryCatalog},
    clock::ManualClock,
    db::Sqlite,
    flow::{Flow, Settings, SizeSets},
    model::{
        content::Content,
        error::{Error, Kind, Place, Result},
    },
    queue::sqlite::SqliteQueue,
    render::{Rejection, Render, in_process::InProcess},
    serve::api::health::{Check, Health, probe},
    store::embedded::{Embedded, EmbeddedOptions},
};
use cameo_image::{Limits, Rendered, SizeSet};
use jiff::Timestamp;

async fn flow(data: &Path) -> Flow {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let db = Sqlite::open(&data.join("cameo.db")).await.unwrap();
    let events = SqliteQueue::new(db.clone(), "events", 5, clock.clone());
    let options = EmbeddedOptions::new("up", "images", events);
    let store = Embedded::open(data, db, clock.clone(), options).await.unwrap();
    let settings = Settings {
        upload_bucket: "up".into(),
        image_bucket: "images".into(),
        size_sets: SizeSets::default(),
        max_original_bytes: 1000,
        cache_control: "public, max-age=60".into(),
        publish_alias: true,
        delete_unpublishes: true,
    };
    Flow {
        store: Arc::new(store),
        catalog: Arc::new(MemoryCatalog::new(rules(), clock)),
        render: Arc::new(InProcess::new(Limits::default(), 1)),
        settings: Arc::new(settings),
    }
}

fn failed(checks: &[Check]) -> Vec<&'static str> {
    checks.iter().filter(|check| !check.ok).map(|check| check.what).collect()
}

/// users.md 14: a disk on which nothing can be written, health ok.
#[tokio::test]
async fn health_fails_where_content_cannot_be_written_and_heals_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let flow = flow(folder.path()).await;
    assert_eq!(failed(&probe(&flow).await), Vec::<&str>::new());
    for name in ["tmp", "objects"] {
        let (path, aside) = (folder.path().join(name), folder.path().join("aside"));
        fs::rename(&path, &aside).unwrap();
        let checks = probe(&flow).await;
        assert_eq!(failed(&checks), ["store"], "{checks:?}");
        assert!(flow.store.ping().await.is_ok(), "a store that is only asked says yes");
        fs::rename(&aside, &path).unwrap();
        assert_eq!(failed(&probe(&flow).await), Vec::<&str>::new());
    }
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0, "nothing is left of a probe");
}

/// A monitor that asks again and again costs no more than one that asks now and then.
#[tokio::test]
async fn an_answer_holds_for_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let flow = flow(folder.path()).await;
    let health = Health::default();
    assert_eq!(failed(&health.of(&flow).await), Vec::<&str>::new());
    fs::remove_dir(folder.path().join("tmp")).unwrap();
    assert_eq!(failed(&probe(&flow).await), ["store"]);
}

#[derive(Debug)]
struct NoEngine(Kind);

#[async_trait]
impl Render for NoEngine {
    async fn render(&self, _: Content, _: &SizeSet) -> Result<Result<Rendered, Rejection>> {
        Err(Error::new(Place::Engine, self.0, "start a child"))
    }
}

/// flow.md, "From reading": an engine that cannot run. A process that needs none is healthy without.
#[tokio::test]
async fn health_fails_where_the_engine_cannot_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut flow = flow(folder.path()).await;
    flow.render = Arc::new(NoEngine(Kind::Unavailable));
    let checks = probe(&flow).await;
    assert_eq!(failed(&checks), ["engine"]);
    assert!(checks.iter().any(|check| check.error.as_ref().is_some_and(|error| error.contains("start a child"))));
    flow.render = Arc::new(NoEngine(Kind::Misconfigured));
    assert_eq!(failed(&probe(&flow).await), Vec::<&str>::new());
}
