//! Every promise is kept: random kills, deaths at each step, the order of system calls, a full disk.

use cameo::failpoint::Point;
use cameo_crash::{disk_full, failpoints::die_everywhere, run::random_kills, syscalls};

use super::{assert_holds, launcher, options};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds servers of its own and kills them for minutes: cargo nextest run -p cameo-crash --run-ignored all"]
async fn random_kills_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = random_kills(launcher(&folder, false), &options(32, 20_261)).await.unwrap();
    assert_holds(&outcome);
    assert_eq!(outcome.summary.kills, 32);
    assert!(outcome.looks > 32, "the watcher looked only {} times", outcome.looks);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds servers of its own and kills them for minutes: cargo nextest run -p cameo-crash --run-ignored all"]
async fn a_death_at_any_step_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (outcome, deaths) = die_everywhere(launcher(&folder, true), &options(0, 20_262), Point::ALL, 1).await.unwrap();
    assert_holds(&outcome);
    let missed: Vec<_> = deaths.iter().filter(|deaths| deaths.times == 0).map(|deaths| deaths.point.name()).collect();
    assert_eq!(missed, Vec::<&str>::new(), "steps that were not reached");
}

#[tokio::test]
#[ignore = "builds servers of its own and kills them for minutes: cargo nextest run -p cameo-crash --run-ignored all"]
async fn an_upload_is_answered_after_every_sync() {
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let verdict = syscalls::trace(launcher(&folder, false), 20).await.unwrap();
    assert_eq!((verdict.answers, verdict.broken), (20, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds servers of its own and kills them for minutes: cargo nextest run -p cameo-crash --run-ignored all"]
async fn a_full_disk_is_refused_clearly_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let Some((outcome, refusals)) = disk_full::fill(launcher(&folder, false), 20_263).await.unwrap() else {
        eprintln!("SKIPPED: a small disk cannot be mounted here; run as root");
        return;
    };
    assert_holds(&outcome);
    assert!(refusals.clear > 0 && refusals.unclear.is_empty(), "{refusals:?}");
}

/// Says loudly when the order of system calls cannot be seen here.
pub(crate) fn has_strace() -> bool {
    let found = std::process::Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("SKIPPED: strace is not installed");
    }
    found
}
