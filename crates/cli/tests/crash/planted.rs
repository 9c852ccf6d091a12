//! The harness itself is proven: a server with a planted bug is caught.

use cameo::failpoint::Bug;
use cameo_crash::{
    run::{Options, power_cuts, random_kills},
    syscalls,
};

use super::{has_strace, launcher, lazyfs, options, with_bug};

/// More than chance needs: a few kills catch each of them, and the first finding ends the run.
const KILLS_MAX: u64 = 600;

fn until_caught(seed: u64) -> Options {
    Options { check_every: 4, stop_at_first: true, ..options(KILLS_MAX, seed) }
}

async fn is_caught_by_kills(bug: Bug) {
    let folder = tempfile::tempdir().unwrap();
    let outcome = random_kills(with_bug(launcher(&folder), bug), &until_caught(20_264)).await.unwrap();
    assert!(outcome.summary.lost > 0, "not caught: {}", outcome.summary);
}

async fn is_caught_by_the_order_of_calls(bug: Bug) {
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let verdict = syscalls::trace(with_bug(launcher(&folder), bug), 5).await.unwrap();
    assert!(!verdict.broken.is_empty(), "not caught");
}

async fn is_caught_by_power_cuts(bug: Bug) {
    let Some(lazyfs) = lazyfs() else { return };
    let folder = tempfile::tempdir().unwrap();
    let outcome = power_cuts(with_bug(launcher(&folder), bug), &lazyfs, &until_caught(20_265)).await.unwrap();
    assert!(!outcome.summary.holds(), "not caught: {}", outcome.summary);
}

#[tokio::test]
async fn a_missing_fsync_is_caught() {
    is_caught_by_the_order_of_calls(Bug::NoFsync).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_fsync_is_caught_by_power_cuts() {
    is_caught_by_power_cuts(Bug::NoFsync).await;
}

#[tokio::test]
async fn synchronous_normal_is_caught() {
    is_caught_by_the_order_of_calls(Bug::SynchronousNormal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn synchronous_normal_is_caught_by_power_cuts() {
    is_caught_by_power_cuts(Bug::SynchronousNormal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_before_the_commit_is_caught() {
    is_caught_by_kills(Bug::AcknowledgeBeforeCommit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_deleted_before_the_commit_is_caught() {
    is_caught_by_kills(Bug::DeleteMessageBeforeCommit).await;
}
