//! The short version of every way of crashing, on servers of their own, and the proof that planted bugs are caught.

mod distributed;
mod planted;
mod short;

use std::time::Duration;

use cameo_crash::{
    program::{self, Build},
    run::{Options, Outcome},
    server::Launcher,
};

/// A server to be started in a folder of its own.
fn launcher(folder: &tempfile::TempDir, with_failpoints: bool) -> Launcher {
    cameo::tls::install_crypto_provider();
    Launcher::new(
        &program::build(if with_failpoints { Build::Failpoints } else { Build::Embedded }).unwrap(),
        folder.path(),
    )
    .unwrap()
}

fn options(kills: u64, seed: u64) -> Options {
    Options { kills, seed, clients: 6, life_max: Duration::from_millis(500), check_every: 10, stop_at_first: false }
}

fn assert_holds(outcome: &Outcome) {
    let told: Vec<_> = outcome.findings.lines().collect();
    assert!(outcome.summary.holds(), "{}\n{}", outcome.summary, told.join("\n"));
}
