//! Whether a database would take a registration: said before an upload finds out. A ping is content with a database that is
//! for reading only, a right that was revoked, and a table or a column that is away.

use std::{sync::Arc, time::Duration};

use cameo::{
    catalog::{
        self, Catalog, CatalogSettings,
        contract::{rendered, rules},
        limits::ServerLimits,
        table::Table,
    },
    clock::SystemClock,
    flow::Flow,
    ledger::Scope,
    model::error::Kind,
    render::unused::UnusedEngine,
    serve::api::health::probe,
    store::memory::MemoryStore,
};
use cameo_testbed::{mariadb::MariaDb, postgres::Postgres};

use crate::{flow_crash::settings, servers::CatalogServer};

fn is_mysql(server: &dyn CatalogServer) -> bool {
    server.url("", "").starts_with("mysql")
}

/// A database with a photo in it, and its catalog as `app` has it, who may do what registering needs.
async fn probed(server: &dyn CatalogServer) -> Arc<dyn Catalog> {
    server.create_database("probed").await;
    let catalog = server.open("probed", &Table::default()).await.unwrap();
    catalog.register(&[rendered("origin/v/1_0.jpg", 1, &["sq"])]).await.unwrap();
    let grants = if is_mysql(server) {
        "CREATE USER app@localhost; GRANT SELECT, INSERT, UPDATE, DELETE ON probed.* TO app@localhost"
    } else {
        "CREATE ROLE app LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app"
    };
    server.execute("probed", grants).await;
    let url = server.url("app", "probed");
    server.open_limited(&url, &Table::default(), ServerLimits::default()).await.unwrap().into()
}

/// What takes the database away from those who write, what gives it back, and what is told meanwhile.
type Outage = (&'static str, &'static str, Kind);

const OF_TABLES: &[Outage] = &[
    (
        "ALTER TABLE celeb_image_url RENAME TO elsewhere",
        "ALTER TABLE elsewhere RENAME TO celeb_image_url",
        Kind::Misconfigured,
    ),
    (
        "ALTER TABLE celeb_image_url RENAME COLUMN etag TO hash",
        "ALTER TABLE celeb_image_url RENAME COLUMN hash TO etag",
        Kind::Misconfigured,
    ),
    (
        "ALTER TABLE cameo_originals RENAME TO originals",
        "ALTER TABLE originals RENAME TO cameo_originals",
        Kind::Misconfigured,
    ),
    (
        "ALTER TABLE cameo_entities RENAME TO entities",
        "ALTER TABLE entities RENAME TO cameo_entities",
        Kind::Misconfigured,
    ),
];
// MariaDB looks up the rights to a database once a connection: those that are there keep what they had.
const OF_MARIADB: &[Outage] = &[
    ("SET GLOBAL read_only = 1", "SET GLOBAL read_only = 0", Kind::Denied),
    ("REVOKE INSERT ON probed.* FROM app@localhost", "GRANT INSERT ON probed.* TO app@localhost", Kind::Denied),
    (
        "REVOKE ALL ON probed.* FROM app@localhost",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON probed.* TO app@localhost",
        Kind::Denied,
    ),
    ("ALTER USER app@localhost ACCOUNT LOCK", "ALTER USER app@localhost ACCOUNT UNLOCK", Kind::Denied),
];
const OF_POSTGRES: &[Outage] = &[
    (
        "ALTER DATABASE probed SET default_transaction_read_only = on",
        "SET transaction_read_only = off; ALTER DATABASE probed RESET default_transaction_read_only",
        Kind::Denied,
    ),
    ("REVOKE INSERT ON celeb_image_url FROM app", "GRANT INSERT ON celeb_image_url TO app", Kind::Denied),
    ("REVOKE SELECT ON cameo_entities FROM app", "GRANT SELECT ON cameo_entities TO app", Kind::Denied),
    (
        "CREATE SEQUENCE numbers START 100; ALTER TABLE celeb_image_url ALTER idx DROP IDENTITY,
            ALTER idx SET DEFAULT nextval('numbers')",
        "GRANT USAGE ON SEQUENCE numbers TO app",
        Kind::Denied,
    ),
    ("ALTER ROLE app NOLOGIN", "ALTER ROLE app LOGIN", Kind::Denied),
];

/// Ends the connections of `app`, which may keep what they were let in with.
async fn cut(server: &dyn CatalogServer) {
    if is_mysql(server) {
        server.execute("", "KILL USER app@localhost").await;
    } else {
        server
            .execute("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
            .await;
    }
}

/// flow.md, "done when": `/api/health` and `doctor` say no where `serve` could not finish an upload, and registering goes on at
/// once when the database takes it again: with connections that were opened since (flow.md 13).
async fn what_would_not_register_is_not_healthy(server: &dyn CatalogServer, outages: &[Outage]) {
    let catalog = probed(server).await;
    let settings_of_table =
        CatalogSettings { table: Table::default(), rules: rules(), limits: ServerLimits::default() };
    let flow = Flow {
        store: Arc::new(MemoryStore::new(Arc::new(SystemClock))),
        catalog: catalog.clone(),
        render: Arc::new(UnusedEngine),
        settings: Arc::new(settings()),
    };
    let url = server.url("app", "probed");
    for (n, (begin, end, kind)) in outages.iter().enumerate() {
        catalog.probe().await.unwrap();
        server.execute("probed", begin).await;
        cut(server).await;
        // Connections that were cut come first.
        let error = told_in_the_end(&*catalog, *kind).await;
        let checks = probe(&flow).await;
        let failed: Vec<_> = checks.iter().filter(|check| !check.ok).map(|check| check.what).collect();
        assert_eq!(failed, ["catalog"], "{begin}: {checks:?}; {error}");
        // What doctor tells may be a mismatch, or an error.
        let doctor = catalog::check(&url, &settings_of_table).await;
        assert!(doctor.as_ref().map_or(true, |mismatches| !mismatches.is_empty()), "{begin}: {doctor:?}");
        let message = [rendered(&format!("origin/v/{}_0.jpg", n + 2), 1, &["sq"])];
        for _ in 0..3 {
            let error = catalog.register(&message).await.unwrap_err();
            assert_eq!(error.kind(), *kind, "{begin}: {error}");
        }
        server.execute("probed", end).await;
        catalog.register(&message).await.unwrap_or_else(|error| panic!("{end}: {error}"));
        let read = catalog.rows(&Scope::All, None, 100).await.unwrap();
        assert_eq!(read.len(), n + 2, "{end}");
        catalog.lock_entity(&read[0].photo.entity).await.unwrap();
        assert!(probe(&flow).await.iter().all(|check| check.ok), "{end}");
        assert_eq!(catalog::check(&url, &settings_of_table).await.unwrap(), [], "{end}");
    }
}

async fn told_in_the_end(catalog: &dyn Catalog, kind: Kind) -> cameo::model::error::Error {
    let told = async {
        loop {
            match catalog.probe().await {
                Err(error) if error.kind() == kind => return error,
                Err(error) if error.kind() == Kind::Unavailable => {}
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), told).await.unwrap()
}

/// Beside registrations, probes are in nobody's way.
async fn probing_keeps_and_holds_nothing(server: &dyn CatalogServer) {
    let count = "SELECT COUNT(*) FROM celeb_image_url";
    let (rows, catalog) =
        (server.scalar("probed", count).await, server.open("probed", &Table::default()).await.unwrap());
    let (probes, registers) = futures::future::join(
        futures::future::join_all((0..20).map(|_| catalog.probe())),
        futures::future::join_all((0..20).map(|n| {
            let message = [rendered(&format!("origin/w/{}_0.jpg", n % 4 + 1), n + 1, &["sq"])];
            let catalog = &catalog;
            async move { catalog.register(&message).await }
        })),
    )
    .await;
    assert!(probes.iter().all(Result::is_ok) && registers.iter().all(Result::is_ok), "{probes:?} {registers:?}");
    let after: u64 = server.scalar("probed", count).await.parse().unwrap();
    assert_eq!(after, rows.parse::<u64>().unwrap() + 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_doctor_fail_where_mariadb_would_not_register() {
    let Some(server) = MariaDb::install() else { return };
    what_would_not_register_is_not_healthy(&server, &[OF_TABLES, OF_MARIADB].concat()).await;
    probing_keeps_and_holds_nothing(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_doctor_fail_where_postgres_would_not_register() {
    let Some(server) = Postgres::install() else { return };
    what_would_not_register_is_not_healthy(&server, &[OF_TABLES, OF_POSTGRES].concat()).await;
    probing_keeps_and_holds_nothing(&server).await;
}
