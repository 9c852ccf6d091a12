//! How fast registering is, against a multi-row upsert written by hand: the same rows, tables, server and run.
//!
//! A measurement, not a test: `bench/register`.
//! Both sides take turns, so that whatever else the machine does meets both.

use std::time::{Duration, Instant};

use cameo::{
    catalog::{Catalog, contract::rendered, table::Table},
    model::outcome::Outcome,
};
use cameo_testbed::{mariadb::MariaDb, postgres::Postgres};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection};

use crate::servers::CatalogServer;

const SIZES: [&str; 4] = ["sq", "ve", "ho", "or"];
const ORIGINALS: u64 = 2000;
const BATCHES: [usize; 4] = [10, 50, 100, 500];
const TURNS: u64 = 5;

fn originals(turn: u64) -> Vec<Outcome> {
    (1..=ORIGINALS).map(|id| rendered(&format!("origin/v/{}_0.jpg", turn * ORIGINALS + id), 1, &SIZES)).collect()
}

/// What a person would write: values in one statement, the ledger and the rows, in a transaction.
fn by_hand(outcomes: &[Outcome], mysql: bool) -> [String; 3] {
    let ids: Vec<_> = outcomes.iter().map(|outcome| outcome.key.split(['/', '_']).nth(2).unwrap_or_default()).collect();
    let entries: Vec<_> = (outcomes.iter().zip(&ids))
        .map(|(o, id)| {
            format!(
                "('{}','v',{id},0,'{}','{}','serving','{}','default/1','1',0)",
                o.key, o.generation, o.etag, o.generation
            )
        })
        .collect();
    let rows: Vec<_> = (ids.iter())
        .flat_map(|id| SIZES.map(|size| format!("('v',{id},'{size}',0,'https://image.example/v/{size}/{id}_{size}_0.jpg',320,320,1001,'{size}-1','2026-01-01 00:00:00','2026-01-01 00:00:00')")))
        .collect();
    let versions: Vec<_> = ids.iter().map(|id| format!("('v',{id},1)")).collect();
    let update = |key: &str, columns: &[&str]| {
        let set = |column: &&str| {
            if mysql { format!("{column} = VALUES({column})") } else { format!("{column} = excluded.{column}") }
        };
        let head =
            if mysql { "ON DUPLICATE KEY UPDATE".to_owned() } else { format!("ON CONFLICT ({key}) DO UPDATE SET") };
        format!("{head} {}", columns.iter().map(set).collect::<Vec<_>>().join(", "))
    };
    [
        format!(
            "INSERT INTO cameo_originals (object_key, vertical, cd_idx, sequence, generation, etag, state, serving_generation, size_set, engine, updated_at) VALUES {} {}",
            entries.join(","),
            update("object_key", &["generation", "etag", "state", "serving_generation", "updated_at"])
        ),
        format!(
            "INSERT INTO cameo_entities (vertical, cd_idx, version) VALUES {} {}",
            versions.join(","),
            update("vertical, cd_idx", &["version"])
        ),
        format!(
            "INSERT INTO celeb_image_url (vertical, cd_idx, image_size, sequence, image_url, width, height, bytes, etag, regist_date, update_date) VALUES {} {}",
            rows.join(","),
            update(
                "vertical, cd_idx, image_size, sequence",
                &["image_url", "width", "height", "bytes", "etag", "update_date"]
            )
        ),
    ]
}

/// A connection of the side that is written by hand.
enum Hand {
    MySql(Box<MySqlConnection>),
    Postgres(Box<PgConnection>),
}

impl Hand {
    async fn connect(url: &str) -> Self {
        if url.starts_with("mysql") {
            Self::MySql(Box::new(MySqlConnection::connect(url).await.unwrap()))
        } else {
            Self::Postgres(Box::new(PgConnection::connect(url).await.unwrap()))
        }
    }

    async fn run(&mut self, statements: [String; 3]) {
        let all = format!("BEGIN; {}; COMMIT", statements.join("; "));
        match self {
            Self::MySql(connection) => {
                sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut **connection).await.unwrap();
            }
            Self::Postgres(connection) => {
                sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut **connection).await.unwrap();
            }
        }
    }
}

async fn ours(catalog: &dyn Catalog, outcomes: &[Outcome], batch: usize) -> Duration {
    let begun = Instant::now();
    for some in outcomes.chunks(batch) {
        catalog.register(some).await.unwrap();
    }
    begun.elapsed()
}

async fn theirs(hand: &mut Hand, outcomes: &[Outcome], batch: usize) -> Duration {
    let begun = Instant::now();
    let mysql = matches!(hand, Hand::MySql(_));
    for some in outcomes.chunks(batch) {
        hand.run(by_hand(some, mysql)).await;
    }
    begun.elapsed()
}

async fn measure(server: &dyn CatalogServer) {
    for batch in BATCHES {
        let (name, hand_name) = (format!("ours_{batch}"), format!("hand_{batch}"));
        for name in [&name, &hand_name] {
            server.create_database(name).await;
            drop(server.open(name, &Table::default()).await.unwrap());
        }
        let catalog = server.open(&name, &Table::default()).await.unwrap();
        let mut hand = Hand::connect(&server.url("root", &hand_name)).await;
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        for turn in 0..TURNS {
            let outcomes = originals(turn);
            our_times.push(ours(&*catalog, &outcomes, batch).await);
            their_times.push(theirs(&mut hand, &outcomes, batch).await);
        }
        our_times.sort();
        their_times.sort();
        let rate = |times: &[Duration]| {
            4.0 * f64::from(u32::try_from(ORIGINALS).unwrap()) / times[times.len() / 2].as_secs_f64()
        };
        let (our_rate, their_rate) = (rate(&our_times), rate(&their_times));
        eprintln!(
            "batch {batch:>3}: {our_rate:>7.0} rows/s, by hand {their_rate:>7.0} rows/s, ratio {:.2}",
            our_rate / their_rate
        );
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn rate_against_mariadb() {
    if let Some(server) = MariaDb::install() {
        measure(&server).await;
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn rate_against_postgres() {
    if let Some(server) = Postgres::install() {
        measure(&server).await;
    }
}
