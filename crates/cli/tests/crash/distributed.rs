//! Workers beyond one machine, in short: each database's server, an emulator of S3 and SQS, kills, stops and cuts.

use std::{path::Path, time::Duration};

use cameo_crash::distributed::{Database, Options, run};

async fn nothing_is_lost(database: Database) {
    cameo::tls::install_crypto_provider();
    let program = Path::new(env!("CARGO_BIN_EXE_cameo-failpoints"));
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        kills: 10,
        seed: 20_266,
        clients: 3,
        workers: 2,
        pause_max: Duration::from_millis(900),
        check_every: 5,
        outage: Duration::from_secs(2),
        refusals: 0,
        only: None,
        fault_max: Duration::from_millis(1500),
        long_ones: false,
    };
    let Some(outcome) = run(database, program, folder.path(), &options).await.unwrap() else { return };
    let told: Vec<_> = outcome.findings.lines().collect();
    assert!(outcome.summary.holds(), "{}\n{}", outcome.summary, told.join("\n"));
    assert!(outcome.faults.stops > 0, "{:?}", outcome.faults);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_on_mariadb_lose_nothing() {
    nothing_is_lost(Database::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_on_postgres_lose_nothing() {
    nothing_is_lost(Database::Postgres).await;
}
