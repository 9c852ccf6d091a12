//! Every promise is kept: random kills, power cuts, deaths at each step, the order of system calls, a full disk, an fsync
//! that fails.

use cameo::failpoint::Point;
use cameo_crash::{
    disk_full,
    failpoints::die_everywhere,
    fsync_error,
    run::{power_cuts, random_kills},
    syscalls,
};

use super::{assert_holds, has_strace, launcher, lazyfs, options};

#[tokio::test(flavor = "multi_thread")]
async fn random_kills_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = random_kills(launcher(&folder), &options(32, 20_261)).await.unwrap();
    assert_holds(&outcome);
    assert_eq!(outcome.summary.kills, 32);
    assert!(outcome.looks >= 32, "the watcher looked only {} times", outcome.looks);
}

#[tokio::test(flavor = "multi_thread")]
async fn power_cuts_lose_nothing() {
    let Some(lazyfs) = lazyfs() else { return };
    let folder = tempfile::tempdir().unwrap();
    assert_holds(&power_cuts(launcher(&folder), &lazyfs, &options(20, 20_266)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_step_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (outcome, deaths) = die_everywhere(launcher(&folder), &options(0, 20_262), Point::ALL, 1).await.unwrap();
    assert_holds(&outcome);
    let missed: Vec<_> = deaths.iter().filter(|deaths| deaths.times == 0).map(|deaths| deaths.point.name()).collect();
    assert_eq!(missed, Vec::<&str>::new(), "steps that were not reached");
}

#[tokio::test]
async fn an_upload_is_answered_after_every_sync() {
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let verdict = syscalls::trace(launcher(&folder), 100).await.unwrap();
    assert_eq!((verdict.answers, verdict.broken), (100, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_refused_clearly_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let Some((outcome, refusals)) = disk_full::fill(launcher(&folder), 20_263).await.unwrap() else {
        eprintln!("SKIPPED: a small disk cannot be mounted here; run as root");
        return;
    };
    assert_holds(&outcome);
    assert!(refusals.clear > 0 && refusals.unclear.is_empty(), "{refusals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_upload_is_answered_after_an_fsync_failed() {
    if !has_strace() {
        return;
    }
    for call in fsync_error::CALLS {
        let folder = tempfile::tempdir().unwrap();
        let (outcome, seen) = fsync_error::fail(launcher(&folder), call, 20_267).await.unwrap();
        assert_holds(&outcome);
        assert!(seen.failures > 0 && seen.answered_after == 0, "{call}: {seen:?}");
    }
}
