//! The catalog in MariaDB and PostgreSQL: the one contract, opening, workers side by side, and faults.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use cameo::{
    catalog::{
        Catalog,
        contract::{Fixture, check_all, rendered},
        limits::ServerLimits,
        schema::Migration,
        table::Table,
    },
    ledger::Scope,
    model::{error::Kind, key::EntityId, outcome::Outcome},
};

use cameo_testbed::{
    mariadb::MariaDb,
    postgres::Postgres,
    proxy::{Cut, Proxy},
};
use sqlx::{Connection, MySqlConnection, PgConnection};

use crate::servers::CatalogServer;

#[derive(Debug)]
struct InServer<'s> {
    server: &'s dyn CatalogServer,
    table: Table,
    made: AtomicUsize,
    prefix: &'static str,
}

#[async_trait]
impl Fixture for InServer<'_> {
    async fn empty_catalog(&self) -> Box<dyn Catalog> {
        let name = format!("{}_{}", self.prefix, self.made.fetch_add(1, Ordering::Relaxed));
        self.server.create_database(&name).await;
        self.server.open(&name, &self.table).await.unwrap()
    }
}

fn other_names() -> Table {
    let renamed = [("cd_idx", "celeb_idx"), ("image_url", "url"), ("sequence", "seq")];
    Table::new("celeb_images", &renamed.map(|(column, name)| (column.to_owned(), name.to_owned())).into()).unwrap()
}

async fn passes_the_contract(server: &dyn CatalogServer) {
    for (prefix, table) in [("plain", Table::default()), ("mapped", other_names())] {
        check_all(&InServer { server, table, made: AtomicUsize::new(0), prefix }).await;
    }
}

async fn says_the_state_of_deliveries(server: &dyn CatalogServer) {
    crate::deliveries::states_are_those_of_the_bytes(&*database(server, "deliveries").await).await;
}

const COUNT_ROWS: &str = "SELECT COUNT(*) FROM celeb_image_url";

async fn database(server: &dyn CatalogServer, name: &str) -> Box<dyn Catalog> {
    server.create_database(name).await;
    server.open(name, &Table::default()).await.unwrap()
}

async fn opens_or_says_why_not(server: &dyn CatalogServer) {
    a_migration_killed_at_any_statement_is_run_again(server).await;
    an_opening_cut_anywhere_is_done_again(server).await;
    originals_of_before_the_counts_are_counted(server).await;
    a_newer_schema_is_refused(server).await;
    an_older_schema_is_brought_up_to_date_or_refused(server).await;
    a_table_that_does_not_fit_is_refused(server).await;
    a_user_who_may_only_read_is_refused(server).await;
    each_wrong_address_is_reported_by_itself(server).await;
    workers_that_start_together_all_start(server).await;
}

async fn a_migration_killed_at_any_statement_is_run_again(server: &dyn CatalogServer) {
    let statements: Vec<_> = server.migrations().iter().flat_map(Migration::statements).collect();
    for killed_at in 0..=statements.len() {
        let name = format!("killed_{killed_at}");
        server.create_database(&name).await;
        server.execute(&name, "CREATE TABLE cameo_schema (version BIGINT PRIMARY KEY)").await;
        for statement in &statements[..killed_at] {
            server.execute(&name, statement).await;
        }
        let catalog = server.open(&name, &Table::default()).await.unwrap();
        catalog.register(&[rendered("origin/v/1_0.jpg", 1, &["sq"])]).await.unwrap();
    }
}

/// The version that brought the counts.
const COUNTS_VERSION: i64 = 5;

/// A database of before the counts, and one beside which somebody changed the ledger.
async fn originals_of_before_the_counts_are_counted(server: &dyn CatalogServer) {
    let name = "counted";
    server.create_database(name).await;
    server.execute(name, "CREATE TABLE cameo_schema (version BIGINT PRIMARY KEY)").await;
    for migration in server.migrations().iter().filter(|migration| migration.version < COUNTS_VERSION) {
        for statement in migration.statements() {
            server.execute(name, statement).await;
        }
    }
    server.execute(name, "INSERT INTO cameo_schema (version) VALUES (4)").await;
    let original =
        "INSERT INTO cameo_originals (object_key, vertical, cd_idx, sequence, generation, etag, state, reason,
            updated_at) VALUES ('origin/v/1_0.jpg', 'v', 1, 0, '1', 'e', 'rejected', 'file.truncated', 0)";
    server.execute(name, original).await;
    let catalog = server.open(name, &Table::default()).await.unwrap();
    let kept = catalog.kept_counts().await.unwrap();
    assert_eq!(kept, catalog.counted().await.unwrap());
    assert_eq!((kept.len(), kept[0].originals), (1, 1));
    server.execute(name, "UPDATE cameo_counts SET originals = 7").await;
    assert!(catalog.counts_drifted().await.unwrap());
    catalog.recount().await.unwrap();
    assert!(!catalog.counts_drifted().await.unwrap());
    assert_eq!(catalog.kept_counts().await.unwrap(), kept);
}

/// As if the process were killed at each thing that it says to the server, the first word included.
async fn an_opening_cut_anywhere_is_done_again(server: &dyn CatalogServer) {
    let proxy = Proxy::start(server.socket()).await;
    for said in 0.. {
        let name = format!("cut_after_{said}");
        server.create_database(&name).await;
        proxy.cut(Cut::AfterSaid(said));
        let url = server.url_at(proxy.port, &name);
        let cut = server.open_limited(&url, &Table::default(), ServerLimits::default()).await;
        let struck = proxy.cut(Cut::Never) == Cut::Never;
        if let Err(error) = cut {
            assert_eq!(error.kind(), Kind::Unavailable, "cut after {said}: {error}");
        }
        let catalog = server.open(&name, &Table::default()).await.unwrap();
        catalog.register(&[rendered("origin/v/1_0.jpg", 1, &["sq"])]).await.unwrap();
        assert_eq!(server.scalar(&name, COUNT_ROWS).await, "1", "cut after {said}");
        if !struck {
            assert!(said > 10, "opening says only {said} things");
            return;
        }
    }
}

/// One clear line, as whoever starts a worker sees it.
fn assert_one_line(error: &cameo::model::error::Error, kind: Kind) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
}

/// A schema that lacks what a migration adds: its owner mends it by starting, others are told that they may not.
async fn an_older_schema_is_brought_up_to_date_or_refused(server: &dyn CatalogServer) {
    drop(database(server, "older").await);
    server.execute("older", "DROP TABLE cameo_entities; DELETE FROM cameo_schema").await;
    let grant = if server.url("", "").starts_with("mysql") {
        "CREATE USER writer@localhost; GRANT SELECT, INSERT, UPDATE, DELETE ON older.* TO writer@localhost"
    } else {
        "CREATE ROLE writer LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer"
    };
    server.execute("older", grant).await;
    let open = async |user: &str| {
        server.open_limited(&server.url(user, "older"), &Table::default(), ServerLimits::default()).await
    };
    assert_one_line(&open("writer").await.unwrap_err(), Kind::Denied);
    let catalog = open("root").await.unwrap();
    catalog.register(&[rendered("origin/v/1_0.jpg", 1, &["sq"])]).await.unwrap();
}

async fn a_newer_schema_is_refused(server: &dyn CatalogServer) {
    drop(database(server, "newer").await);
    server.execute("newer", "INSERT INTO cameo_schema (version) VALUES (1000)").await;
    let error = server.open("newer", &Table::default()).await.unwrap_err();
    assert_one_line(&error, Kind::Misconfigured);
    assert!(error.to_string().contains("version 1000"), "{error}");
}

async fn a_table_that_does_not_fit_is_refused(server: &dyn CatalogServer) {
    drop(database(server, "adopted").await);
    server.execute("adopted", "CREATE TABLE copied AS SELECT * FROM celeb_image_url").await;
    let no_index = server.open("adopted", &Table::new("copied", &BTreeMap::new()).unwrap()).await.unwrap_err();
    assert_one_line(&no_index, Kind::Misconfigured);
    let told = no_index.to_string();
    let plain = told.replace(['`', '"'], "");
    assert!(plain.contains("unique index") && plain.contains("(vertical, cd_idx, image_size, sequence)"), "{told}");
    let elsewhere = BTreeMap::from([("etag".to_owned(), "digest".to_owned())]);
    let no_column = server.open("adopted", &Table::new("celeb_image_url", &elsewhere).unwrap()).await.unwrap_err();
    assert_one_line(&no_column, Kind::Misconfigured);
    assert!(no_column.to_string().contains("digest"), "{no_column}");
}

async fn a_user_who_may_only_read_is_refused(server: &dyn CatalogServer) {
    drop(database(server, "reading").await);
    let grant = if server.url("", "").starts_with("mysql") {
        "CREATE USER reader@localhost; GRANT SELECT ON reading.* TO reader@localhost"
    } else {
        "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"
    };
    server.execute("reading", grant).await;
    let url = server.url("reader", "reading");
    let error = server.open_limited(&url, &Table::default(), ServerLimits::default()).await.unwrap_err();
    assert_one_line(&error, Kind::Denied);
}

async fn each_wrong_address_is_reported_by_itself(server: &dyn CatalogServer) {
    let somebody = server.url("somebody_else", "");
    let nowhere = server.url("root", "no_such_database");
    let scheme = somebody.split("://").next().unwrap();
    // Port 1 is nobody's.
    let unreachable = format!("{scheme}://root:secret@127.0.0.1:1/celeb");
    let misspelt = format!("{scheme}://root:secret@127.0.0.1:1/celeb?ssl-modus=x");
    let no_port = format!("{scheme}://root:secret@127.0.0.1:port/celeb");
    for (url, kind) in [
        (&somebody, Kind::Denied),
        (&nowhere, Kind::Misconfigured),
        (&unreachable, Kind::Unavailable),
        (&misspelt, Kind::Misconfigured),
        (&no_port, Kind::Misconfigured),
    ] {
        let error = server.open_limited(url, &Table::default(), ServerLimits::default()).await.unwrap_err();
        assert_one_line(&error, kind);
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

async fn workers_that_start_together_all_start(server: &dyn CatalogServer) {
    server.create_database("together").await;
    let table = Table::default();
    let opened = futures::future::join_all((0..4).map(|_| server.open("together", &table))).await;
    assert!(opened.iter().all(Result::is_ok), "{opened:?}");
}

async fn works_side_by_side(server: &dyn CatalogServer) {
    the_newest_of_racing_messages_serves(server).await;
    an_entity_is_held_by_one_at_a_time(server).await;
    dates_change_with_the_row_alone(server).await;
    disorder_ends_as_order_does(server).await;
    nobody_commits_below_a_position_that_was_read(server).await;
}

/// Every worker registers every message, in an order of its own, as at-least-once queues may have it.
async fn the_newest_of_racing_messages_serves(server: &dyn CatalogServer) {
    const WORKERS: u64 = 4;
    const KEYS: u64 = 20;
    let first = database(server, "racing").await;
    let mut workers = vec![first];
    for _ in 1..WORKERS {
        workers.push(server.open("racing", &Table::default()).await.unwrap());
    }
    #[expect(clippy::borrowed_box, reason = "an async closure cannot be told the type otherwise")]
    let registering = workers.iter().zip(0..).map(async |(worker, at): (&Box<dyn Catalog>, u64)| {
        for turn in 0..WORKERS {
            let generation = (at + turn) % WORKERS + 1;
            let mut batch: Vec<Outcome> =
                (1..=KEYS).map(|id| rendered(&format!("origin/v/{id}_0.jpg"), generation, &["sq", "ve"])).collect();
            batch.rotate_left(usize::try_from(at * 5).unwrap());
            worker.register(&batch).await.unwrap();
        }
    });
    futures::future::join_all(registering).await;
    let rows = workers[0].rows(&Scope::All, None, 1000).await.unwrap();
    assert_eq!(rows.len(), 40);
    assert!(rows.iter().all(|row| row.etag.ends_with("-4")), "{rows:?}");
}

/// While a registration is under way whose lines have their positions, no other one gets positions above them: it could commit
/// first, and whoever reads on from its lines would miss the others.
async fn nobody_commits_below_a_position_that_was_read(server: &dyn CatalogServer) {
    let limits = ServerLimits { lock_timeout: Duration::from_secs(1), tries: 1, ..ServerLimits::default() };
    let ours = database(server, "positions").await;
    let theirs = server.open_limited(&server.url("root", "positions"), &Table::default(), limits).await.unwrap();
    ours.register(&[rendered("origin/v/1_0.jpg", 1, &["sq"])]).await.unwrap();
    let under_way = UnderWay::begin(&server.url("root", "positions")).await;
    let error = theirs.register(&[rendered("origin/v/2_0.jpg", 1, &["sq"])]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict, "{error}");
    // What changes nothing has no line, and waits for nobody.
    theirs.register(&[rendered("origin/v/1_0.jpg", 1, &["sq"])]).await.unwrap();
    under_way.commit().await;
    theirs.register(&[rendered("origin/v/2_0.jpg", 1, &["sq"])]).await.unwrap();
    let positions: Vec<_> = ours.changes(0, None, 10).await.unwrap().iter().map(|line| line.position).collect();
    assert_eq!(positions, [1, 3], "2 is that of the registration that was under way");
}

/// A registration that has its position and is not committed yet.
enum UnderWay {
    MySql(MySqlConnection),
    Postgres(PgConnection),
}

impl UnderWay {
    async fn begin(url: &str) -> Self {
        let statements = "BEGIN; UPDATE cameo_history_position SET position = position + 1";
        if url.starts_with("mysql") {
            let mut connection = MySqlConnection::connect(url).await.unwrap();
            sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
            Self::MySql(connection)
        } else {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
            Self::Postgres(connection)
        }
    }

    async fn commit(self) {
        match self {
            Self::MySql(mut connection) => drop(sqlx::raw_sql("COMMIT").execute(&mut connection).await.unwrap()),
            Self::Postgres(mut connection) => drop(sqlx::raw_sql("COMMIT").execute(&mut connection).await.unwrap()),
        }
    }
}

async fn an_entity_is_held_by_one_at_a_time(server: &dyn CatalogServer) {
    let limits = ServerLimits { lock_timeout: Duration::from_secs(1), ..ServerLimits::default() };
    let ours = database(server, "holding").await;
    let theirs = server.open_limited(&server.url("root", "holding"), &Table::default(), limits).await.unwrap();
    let entity = EntityId { vertical: "가나".parse().unwrap(), cd_idx: 7 };
    let held = ours.lock_entity(&entity).await.unwrap();
    let error = theirs.lock_entity(&entity).await.err().expect("it is held");
    assert_eq!(error.kind(), Kind::Conflict, "{error}");
    drop(theirs.lock_entity(&EntityId { cd_idx: 8, ..entity.clone() }).await.unwrap());
    // The guard is dropped while they wait, and they get it.
    let waiting = theirs.lock_entity(&entity);
    drop(held);
    drop(waiting.await.unwrap());
    drop(ours.lock_entity(&entity).await.unwrap());
}

async fn disorder_ends_as_order_does(server: &dyn CatalogServer) {
    for seed in [7, 8] {
        let catalog = database(server, &format!("disorder_{seed}")).await;
        crate::register_simulation::simulate(catalog.into(), 30, seed).await;
    }
}

async fn dates_change_with_the_row_alone(server: &dyn CatalogServer) {
    let catalog = database(server, "dates").await;
    catalog.register(&[rendered("origin/v/1_0.jpg", 1, &["sq", "ve"])]).await.unwrap();
    let past = "UPDATE celeb_image_url SET regist_date = '2000-01-01 00:00:00', update_date = '2000-01-01 00:00:00'";
    server.execute("dates", past).await;
    let changed = "SELECT COUNT(*) FROM celeb_image_url WHERE update_date > '2001-01-01 00:00:00'";
    let same = rendered("origin/v/1_0.jpg", 1, &["sq", "ve"]);
    catalog.register(&[same]).await.unwrap();
    assert_eq!(server.scalar("dates", changed).await, "0");
    catalog.register(&[rendered("origin/v/1_0.jpg", 2, &["sq", "ve"])]).await.unwrap();
    assert_eq!(server.scalar("dates", changed).await, "2");
    let kept = "SELECT COUNT(*) FROM celeb_image_url WHERE regist_date < '2001-01-01 00:00:00'";
    assert_eq!(server.scalar("dates", kept).await, "2");
}

async fn survives_faults(server: &mut dyn CatalogServer) {
    a_commit_that_is_cut_off_is_repeated(server).await;
    a_server_that_comes_back_is_used_again(server).await;
}

async fn a_commit_that_is_cut_off_is_repeated(server: &dyn CatalogServer) {
    drop(database(server, "cut").await);
    let proxy = Proxy::start(server.socket()).await;
    let url = server.url_at(proxy.port, "cut");
    let catalog = server.open_limited(&url, &Table::default(), ServerLimits::default()).await.unwrap();
    for (id, order) in [(1, Cut::BeforeCommit), (2, Cut::AfterCommit)] {
        let message = [rendered(&format!("origin/v/{id}_0.jpg"), 1, &["sq", "ve"])];
        proxy.cut(order);
        let error = catalog.register(&message).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{order:?}: {error}");
        catalog.register(&message).await.unwrap();
        assert_eq!(server.scalar("cut", COUNT_ROWS).await, (2 * id).to_string(), "{order:?}");
    }
}

async fn a_server_that_comes_back_is_used_again(server: &mut dyn CatalogServer) {
    let limits = ServerLimits { connect_timeout: Duration::from_secs(1), ..ServerLimits::default() };
    drop(database(server, "stopped").await);
    let catalog = server.open_limited(&server.url("root", "stopped"), &Table::default(), limits).await.unwrap();
    catalog.register(&[rendered("origin/v/1_0.jpg", 1, &["sq"])]).await.unwrap();
    server.stop();
    let message = [rendered("origin/v/2_0.jpg", 1, &["sq"])];
    assert_eq!(catalog.register(&message).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(catalog.ping().await.unwrap_err().kind(), Kind::Unavailable);
    server.start();
    catalog.register(&message).await.unwrap();
    assert_eq!(server.scalar("stopped", COUNT_ROWS).await, "2");
}

/// Asked for entities in another way than by pairs, it reads their whole vertical: its statistics do not know the rows yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_reads_the_rows_of_the_entities_that_are_asked_for_and_no_others() {
    let Some(server) = MariaDb::install() else { return };
    let catalog = database(&server, "looked_up").await;
    let others = "INSERT INTO celeb_image_url (vertical, cd_idx, image_size, sequence, image_url, width, height, bytes,
        etag, regist_date, update_date) SELECT 'v', seq, 'sq', 0, '', 1, 1, 1, '', NOW(), NOW() FROM seq_1_to_5000";
    server.execute("looked_up", others).await;
    let read = async || -> u64 {
        let sql = "SELECT CAST(SUM(variable_value) AS UNSIGNED) FROM information_schema.global_status
            WHERE variable_name IN ('HANDLER_READ_NEXT', 'HANDLER_ICP_ATTEMPTS')";
        server.scalar("looked_up", sql).await.parse().unwrap()
    };
    let before = read().await;
    let ids = 4000..4010_u64;
    let batch: Vec<_> = ids.clone().map(|id| rendered(&format!("origin/v/{id}_0.jpg"), 1, &["sq", "ve"])).collect();
    catalog.register(&batch).await.unwrap();
    let scope = Scope::Ids { vertical: Some("v".parse().unwrap()), cd_idx: ids.collect() };
    assert_eq!(catalog.rows(&scope, None, 100).await.unwrap().len(), 20);
    assert_eq!(catalog.ledger(&scope, "", 100).await.unwrap().len(), 10);
    let read = read().await - before;
    assert!(read < 500, "{read} rows and index entries were read for 10 entities");
}

macro_rules! each_server {
    ($($test:ident: $check:ident, $server:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            if let Some(mut server) = $server::install() {
                $check(&mut server).await;
            }
        }
    )*};
}

each_server! {
    mariadb_passes_the_contract: passes_the_contract, MariaDb;
    mariadb_opens_or_says_why_not: opens_or_says_why_not, MariaDb;
    mariadb_works_side_by_side: works_side_by_side, MariaDb;
    mariadb_survives_faults: survives_faults, MariaDb;
    mariadb_says_the_state_of_deliveries: says_the_state_of_deliveries, MariaDb;
    postgres_passes_the_contract: passes_the_contract, Postgres;
    postgres_opens_or_says_why_not: opens_or_says_why_not, Postgres;
    postgres_works_side_by_side: works_side_by_side, Postgres;
    postgres_survives_faults: survives_faults, Postgres;
}
