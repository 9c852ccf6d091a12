//! The harness itself is proven: a server with a planted bug is caught.

use cameo::failpoint::Bug;
use cameo_crash::{
    run::{Options, random_kills},
    syscalls,
};

use super::{launcher, options, short::has_strace};

async fn is_caught_by_kills(bug: Bug) {
    let folder = tempfile::tempdir().unwrap();
    let mut launcher = launcher(&folder, true);
    launcher.environment.push(("CAMEO_PLANTED_BUG".to_owned(), bug.name().to_owned()));
    let options = Options { check_every: 4, stop_at_first: true, ..options(60, 20_264) };
    let outcome = random_kills(launcher, &options).await.unwrap();
    assert!(outcome.summary.lost > 0, "not caught: {}", outcome.summary);
}

async fn is_caught_by_the_order_of_calls(bug: Bug) {
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut launcher = launcher(&folder, true);
    launcher.environment.push(("CAMEO_PLANTED_BUG".to_owned(), bug.name().to_owned()));
    let verdict = syscalls::trace(launcher, 5).await.unwrap();
    assert!(!verdict.broken.is_empty(), "not caught");
}

#[tokio::test]
#[ignore = "builds servers of its own and kills them for minutes: cargo nextest run -p cameo-crash --run-ignored all"]
async fn a_missing_fsync_is_caught() {
    is_caught_by_the_order_of_calls(Bug::NoFsync).await;
}

#[tokio::test]
#[ignore = "builds servers of its own and kills them for minutes: cargo nextest run -p cameo-crash --run-ignored all"]
async fn synchronous_normal_is_caught() {
    is_caught_by_the_order_of_calls(Bug::SynchronousNormal).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds servers of its own and kills them for minutes: cargo nextest run -p cameo-crash --run-ignored all"]
async fn an_answer_before_the_commit_is_caught() {
    is_caught_by_kills(Bug::AcknowledgeBeforeCommit).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds servers of its own and kills them for minutes: cargo nextest run -p cameo-crash --run-ignored all"]
async fn a_message_deleted_before_the_commit_is_caught() {
    is_caught_by_kills(Bug::DeleteMessageBeforeCommit).await;
}
