//! Workers beyond one machine, in short: each database's server, an emulator of S3 and SQS, kills, stops and cuts.

use std::{path::Path, time::Duration};

use cameo_crash::distributed::{Database, Options, Refusal, run};

/// How often a worker is killed, or a place refuses.
#[derive(Clone, Copy)]
enum Faults {
    Kills(u64),
    Refusals(u64),
}

async fn nothing_is_lost(database: Database, faults: Faults) {
    cameo::tls::install_crypto_provider();
    let program = Path::new(env!("CARGO_BIN_EXE_cameo-failpoints"));
    let folder = tempfile::tempdir().unwrap();
    let (kills, refusals) = match faults {
        Faults::Kills(kills) => (kills, 0),
        Faults::Refusals(refusals) => (0, refusals),
    };
    let options = Options {
        kills,
        seed: 20_266,
        clients: 3,
        workers: 2,
        pause_max: Duration::from_millis(900),
        check_every: if refusals > 0 { refusals } else { 5 },
        outage: Duration::from_secs(2),
        refusals,
        only: None,
        fault_max: Duration::from_millis(1500),
        long_ones: false,
    };
    let Some(outcome) = run(database, program, folder.path(), &options).await.unwrap() else { return };
    let told: Vec<_> = outcome.findings.lines().collect();
    assert!(outcome.summary.holds(), "{}\n{}", outcome.summary, told.join("\n"));
    assert!(outcome.faults.stops > 0 || kills == 0, "{:?}", outcome.faults);
    assert_eq!((outcome.summary.kills, outcome.summary.refusals), (kills, refusals));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_on_mariadb_lose_nothing() {
    nothing_is_lost(Database::MariaDb, Faults::Kills(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_on_postgres_lose_nothing() {
    nothing_is_lost(Database::Postgres, Faults::Kills(10)).await;
}

/// flow.md 2, 3, 10, 13, 18: each refusal once.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_mariadb_store_and_queues_lose_nothing() {
    nothing_is_lost(Database::MariaDb, Faults::Refusals(Refusal::ALL.len() as u64)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_postgres_store_and_queues_lose_nothing() {
    nothing_is_lost(Database::Postgres, Faults::Refusals(Refusal::ALL.len() as u64)).await;
}
