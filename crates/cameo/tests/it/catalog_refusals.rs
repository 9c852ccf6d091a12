//! What real databases say of one row, and of everybody: FOREIGN KEY, CHECK, triggers, rights, a table that is away. One row that is refused
//! is a dead letter with the database's own words, and its neighbours are registered.

use std::{sync::Arc, time::Duration};

use cameo::{
    catalog::{Catalog, contract::rendered, limits::ServerLimits, table::Table},
    clock::SystemClock,
    flow::Flow,
    ledger::Scope,
    model::error::Kind,
    queue::memory::MemoryQueue,
    render::unused::UnusedEngine,
    store::memory::MemoryStore,
    worker::{Worker, outage::Outages},
};
use cameo_testbed::{mariadb::MariaDb, postgres::Postgres};

use crate::{flow_crash::settings, servers::CatalogServer};

/// A way to refuse the rows of `cd_idx` 13, by dialect.
struct Refusal {
    name: &'static str,
    mysql: &'static str,
    postgres: &'static str,
    kind: Kind,
    /// What the server's words have in them.
    told: &'static str,
}

const REFUSALS: &[Refusal] = &[
    Refusal {
        name: "refused_by_check",
        mysql: "ALTER TABLE celeb_image_url ADD CONSTRAINT lucky CHECK (cd_idx <> 13)",
        postgres: "ALTER TABLE celeb_image_url ADD CONSTRAINT lucky CHECK (cd_idx <> 13)",
        kind: Kind::Refused,
        told: "lucky",
    },
    Refusal {
        name: "refused_by_key",
        mysql: "CREATE TABLE celebs (id BIGINT PRIMARY KEY); INSERT INTO celebs SELECT seq FROM seq_1_to_12;
            ALTER TABLE celeb_image_url ADD CONSTRAINT known FOREIGN KEY (cd_idx) REFERENCES celebs (id)",
        postgres: "CREATE TABLE celebs (id BIGINT PRIMARY KEY); INSERT INTO celebs SELECT generate_series(1, 12);
            ALTER TABLE celeb_image_url ADD CONSTRAINT known FOREIGN KEY (cd_idx) REFERENCES celebs (id)",
        kind: Kind::Refused,
        told: "known",
    },
    Refusal {
        name: "refused_by_trigger",
        mysql: "CREATE TRIGGER unlucky BEFORE INSERT ON celeb_image_url FOR EACH ROW
            IF NEW.cd_idx = 13 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'thirteen'; END IF",
        postgres: "CREATE FUNCTION unlucky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.cd_idx = 13 THEN RAISE EXCEPTION 'thirteen'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER unlucky BEFORE INSERT ON celeb_image_url FOR EACH ROW EXECUTE FUNCTION unlucky()",
        kind: Kind::Unlisted,
        told: "thirteen",
    },
    // Without an error, which only PostgreSQL has: the photo would be called registered, and have no row.
    Refusal {
        name: "refused_in_silence",
        mysql: "",
        postgres: "CREATE FUNCTION unlucky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.cd_idx = 13 AND NEW.image_size = 've' THEN RETURN NULL; END IF; RETURN NEW; END $$;
            CREATE TRIGGER unlucky BEFORE INSERT ON celeb_image_url FOR EACH ROW EXECUTE FUNCTION unlucky()",
        kind: Kind::Unlisted,
        told: "1 of 2 rows were taken, a trigger kept others out",
    },
];

fn is_mysql(server: &dyn CatalogServer) -> bool {
    server.url("", "").starts_with("mysql")
}

/// A worker over this database; its messages wait no longer than a moment.
fn worker(catalog: Arc<dyn Catalog>) -> Worker {
    let clock = Arc::new(SystemClock);
    let queue = |name: &str| Arc::new(MemoryQueue::new(name, 2, clock.clone()));
    let flow = Flow {
        store: Arc::new(MemoryStore::new(clock.clone())),
        catalog,
        render: Arc::new(UnusedEngine),
        settings: Arc::new(cameo::flow::Settings { publish_alias: false, ..settings() }),
    };
    let (events, registrations) = (queue("events"), queue("registrations"));
    let (visibility_timeout, receive_wait) = (Duration::from_mins(1), Duration::ZERO);
    Worker {
        flow,
        events,
        registrations,
        visibility_timeout,
        receive_wait,
        window: None,
        clock,
        outages: Outages::default(),
    }
}

/// flow.md 2, 10: FK, CHECK and triggers stopped the server, or held up the batch for ever.
async fn one_row_that_is_refused_is_dead_lettered_alone(server: &dyn CatalogServer) {
    let there = |refusal: &&Refusal| !is_mysql(server) || !refusal.mysql.is_empty();
    for Refusal { name, mysql, postgres, kind, told } in REFUSALS.iter().filter(there) {
        server.create_database(name).await;
        let catalog: Arc<dyn Catalog> = server.open(name, &Table::default()).await.unwrap().into();
        server.execute(name, if is_mysql(server) { mysql } else { postgres }).await;
        let message = |id: u64| rendered(&format!("origin/v/{id}_0.jpg"), 1, &["sq", "ve"]);
        let error = catalog.register(&[message(13)]).await.unwrap_err();
        assert_eq!(error.kind(), *kind, "{name}: {error}");
        let worker = worker(catalog.clone());
        let ids = [1, 2, 13, 3, 4];
        worker.registrations.send(&ids.map(|id| message(id).to_json())).await.unwrap();
        // Of a message that fails with an error that nobody listed, the last receive is dead-lettered.
        tokio::time::timeout(MINUTE, async {
            while worker.registrations.depth().await.unwrap().dead == 0 {
                worker.register_once(Duration::from_secs(3)).await.unwrap();
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{name}: no dead letter"));
        let rows = catalog.rows(&Scope::All, None, 100).await.unwrap();
        assert_eq!(rows.len(), 8, "{name}: {rows:?}");
        let dead = worker.registrations.dead_letters(10).await.unwrap();
        assert_eq!((dead.len(), dead[0].keys.as_slice()), (1, &["origin/v/13_0.jpg".to_owned()][..]), "{name}");
        assert!(dead[0].error.contains(told), "{name}: {dead:?}");
    }
}

const MINUTE: Duration = Duration::from_mins(1);

/// flow.md 3, 18: a right that is revoked and a table that is away are outages of a running loop: nothing is dead-lettered, and what was
/// refused is done afterwards.
async fn what_is_refused_to_everybody_is_waited_for(server: &dyn CatalogServer) {
    // A right to one table, which MariaDB looks up for each statement.
    let (setup, grant, revoke) = if is_mysql(server) {
        (
            "CREATE USER writer_a@localhost; GRANT SELECT, UPDATE, DELETE, CREATE ON refusing.* TO writer_a@localhost;
            GRANT INSERT ON refusing.cameo_schema TO writer_a@localhost; GRANT INSERT ON refusing.cameo_originals TO writer_a@localhost;
            GRANT INSERT ON refusing.cameo_entities TO writer_a@localhost; GRANT INSERT ON refusing.cameo_history TO writer_a@localhost;
            GRANT INSERT ON refusing.cameo_counts TO writer_a@localhost;
            GRANT INSERT ON refusing.cameo_history_position TO writer_a@localhost; GRANT INSERT ON refusing.celeb_image_url TO writer_a@localhost",
            "GRANT INSERT ON refusing.celeb_image_url TO writer_a@localhost",
            "REVOKE INSERT ON refusing.celeb_image_url FROM writer_a@localhost",
        )
    } else {
        (
            "CREATE ROLE writer_a LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer_a;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO writer_a",
            "GRANT INSERT ON celeb_image_url TO writer_a",
            "REVOKE INSERT ON celeb_image_url FROM writer_a",
        )
    };
    let outages = [
        (revoke, grant, Kind::Denied),
        (
            "ALTER TABLE celeb_image_url RENAME TO elsewhere",
            "ALTER TABLE elsewhere RENAME TO celeb_image_url",
            Kind::Misconfigured,
        ),
    ];
    server.create_database("refusing").await;
    drop(server.open("refusing", &Table::default()).await.unwrap());
    server.execute("refusing", setup).await;
    let url = server.url("writer_a", "refusing");
    let catalog: Arc<dyn Catalog> =
        server.open_limited(&url, &Table::default(), ServerLimits::default()).await.unwrap().into();
    let worker = worker(catalog.clone());
    for (n, (begin, end, kind)) in outages.into_iter().enumerate() {
        server.execute("refusing", begin).await;
        let message = rendered(&format!("origin/v/{}_0.jpg", n + 1), 1, &["sq"]).to_json();
        worker.registrations.send(&[message]).await.unwrap();
        for _ in 0..5 {
            let error = worker.register_once(Duration::from_secs(1)).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{begin}: {error}");
        }
        server.execute("refusing", end).await;
        assert_eq!(worker.register_once(Duration::from_secs(1)).await.unwrap(), 1, "{end}");
        assert_eq!(catalog.rows(&Scope::All, None, 100).await.unwrap().len(), n + 1, "{end}");
        assert_eq!(worker.registrations.depth().await.unwrap().dead, 0, "{end}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_refuses_one_row_or_everybody() {
    if let Some(server) = MariaDb::install() {
        one_row_that_is_refused_is_dead_lettered_alone(&server).await;
        what_is_refused_to_everybody_is_waited_for(&server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_refuses_one_row_or_everybody() {
    if let Some(server) = Postgres::install() {
        one_row_that_is_refused_is_dead_lettered_alone(&server).await;
        what_is_refused_to_everybody_is_waited_for(&server).await;
    }
}
