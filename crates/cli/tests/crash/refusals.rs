//! Places that answer and refuse, settings that change, and databases that are lost: in short.

use std::time::Duration;

use cameo_crash::{
    refusals::{Fault, Options, refuse},
    restore::restore,
    run::{self, random_kills},
};

use super::{assert_holds, launcher, options};

/// Each refusal once: flow.md 2 (a row), 3 (a read-only folder), a damaged original, an engine that cannot start, and the disk.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let refusals = Fault::ALL.len() as u64;
    let options = Options {
        refusals,
        kills: 0,
        seed: 20_268,
        clients: 4,
        fault_max: Duration::from_millis(1200),
        long_ones: false,
        check_every: refusals,
        only: None,
    };
    let Some(outcome) = refuse(launcher(&folder), &options).await.unwrap() else { return };
    assert_holds(&outcome);
    assert_eq!(outcome.summary.refusals, refusals);
}

/// Refusals and kills together.
#[tokio::test(flavor = "multi_thread")]
async fn kills_beside_refusals_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        refusals: 8,
        kills: 8,
        seed: 20_269,
        clients: 4,
        fault_max: Duration::from_millis(800),
        long_ones: false,
        check_every: 8,
        only: None,
    };
    let Some(outcome) = refuse(launcher(&folder), &options).await.unwrap() else { return };
    assert_holds(&outcome);
}

/// flow.md 8 and the first of its questionable ones: size sets, aliases and addresses change between kills.
#[tokio::test(flavor = "multi_thread")]
async fn settings_that_change_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let options = run::Options { reconfigure: true, check_every: 3, clients: 4, ..options(10, 20_270) };
    assert_holds(&random_kills(launcher(&folder), &options).await.unwrap());
}

/// flow.md 1 and 14: a database that is gone, put back, empty, or damaged.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_is_recovered_from_the_content() {
    let folder = tempfile::tempdir().unwrap();
    assert_holds(&restore(launcher(&folder), 4, 4, 20_271).await.unwrap());
}
