//! The embedded database refuses one row, and the worker over it goes on: triggers that abort, and that roll back what others do in the
//! same transaction.

use std::{sync::Arc, time::Duration};

use cameo::{
    catalog::{
        Catalog,
        contract::{rendered, rules},
        sqlite::SqliteCatalog,
        table::Table,
    },
    clock::SystemClock,
    db::Sqlite,
    flow::{Flow, Settings},
    ledger::Scope,
    model::error::{Kind, Place},
    queue::sqlite::SqliteQueue,
    render::unused::UnusedEngine,
    store::memory::MemoryStore,
    worker::{Worker, outage::Outages},
};

use crate::flow_crash::settings;

const MINUTE: Duration = Duration::from_mins(1);

struct Embedded {
    db: Sqlite,
    catalog: Arc<dyn Catalog>,
    worker: Worker,
    _folder: tempfile::TempDir,
}

impl Embedded {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Sqlite::open(&folder.path().join("cameo.db")).await.unwrap();
        let clock = Arc::new(SystemClock);
        let catalog = SqliteCatalog::open(db.clone(), &Table::default(), rules(), clock.clone()).await.unwrap();
        let catalog: Arc<dyn Catalog> = Arc::new(catalog);
        let queue = |name: &str| Arc::new(SqliteQueue::new(db.clone(), name, 5, clock.clone()));
        let (events, registrations) = (queue("events"), queue("registrations"));
        let flow = Flow {
            store: Arc::new(MemoryStore::new(clock.clone())),
            catalog: catalog.clone(),
            render: Arc::new(UnusedEngine),
            settings: Arc::new(Settings { publish_alias: false, ..settings() }),
        };
        let (visibility_timeout, receive_wait, outages) = (MINUTE, Duration::ZERO, Outages::default());
        let worker =
            Worker { flow, events, registrations, visibility_timeout, receive_wait, window: None, clock, outages };
        Self { db, catalog, worker, _folder: folder }
    }

    async fn execute(&self, sql: String) {
        let done =
            self.db.write(Place::Catalog, "prepare a test", move |connection| Ok(connection.execute_batch(&sql)?));
        done.await.unwrap();
    }
}

/// flow.md 2, 10 for the embedded table: neither a CHECK nor a trigger of the application's stops the server.
#[tokio::test]
async fn one_row_that_the_embedded_table_refuses_is_dead_lettered_alone() {
    for how in ["ABORT", "ROLLBACK", "FAIL"] {
        let folder = Embedded::new().await;
        let refusing = format!(
            "CREATE TRIGGER unlucky BEFORE INSERT ON celeb_image_url WHEN NEW.cd_idx = 13
                BEGIN SELECT RAISE({how}, 'thirteen'); END"
        );
        folder.execute(refusing).await;
        let message = |id: u64| rendered(&format!("origin/v/{id}_0.jpg"), 1, &["sq", "ve"]);
        let error = folder.catalog.register(&[message(13)]).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{how}: {error}");
        let registrations = &folder.worker.registrations;
        registrations.send(&[1, 2, 13, 3, 4].map(|id| message(id).to_json())).await.unwrap();
        while registrations.depth().await.unwrap().dead == 0 {
            folder.worker.register_once(Duration::ZERO).await.unwrap();
        }
        let rows = folder.catalog.rows(&Scope::All, None, 100).await.unwrap();
        assert_eq!(rows.len(), 8, "{how}: {rows:?}");
        let dead = registrations.dead_letters(10).await.unwrap();
        assert_eq!((dead.len(), dead[0].keys.as_slice()), (1, &["origin/v/13_0.jpg".to_owned()][..]), "{how}");
        assert!(dead[0].error.contains("thirteen"), "{how}: {dead:?}");
        let depth = registrations.depth().await.unwrap();
        assert_eq!(depth.visible + depth.in_flight, 0, "{how}");
    }
}

/// A job that panics is its caller's failure: the writer goes on.
#[tokio::test]
async fn a_job_that_panics_does_not_end_the_writer() {
    let folder = Embedded::new().await;
    let error = folder
        .db
        .write::<(), _>(Place::Catalog, "register", |connection| {
            connection.execute_batch("DELETE FROM cameo_messages")?;
            panic!("a fault of ours")
        })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Unlisted, "{error}");
    folder.execute("DELETE FROM cameo_dead_letters".to_owned()).await;
}
