//! The short version of every way of crashing, on servers of their own, and the proof that planted bugs are caught.
//!
//! The servers are this package's own command with points of death, unarmed where a test does not say so. `scripts/test`
//! runs these tests; by hand:
//! `cargo nextest run --workspace --features cameo-cli/distributed,cameo-cli/failpoints --test crash`.

#[cfg(feature = "distributed")]
mod distributed;
mod planted;
mod promises;
mod refusals;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use cameo::failpoint::Bug;
use cameo_crash::{
    run::{Options, RunReport},
    server::Launcher,
};

/// A server to be started in a folder of its own.
fn launcher(folder: &tempfile::TempDir) -> Launcher {
    cameo::tls::install_crypto_provider();
    Launcher::new(Path::new(env!("CARGO_BIN_EXE_cameo-failpoints")), folder.path()).unwrap()
}

fn with_bug(mut launcher: Launcher, bug: Bug) -> Launcher {
    launcher.environment.push(("CAMEO_PLANTED_BUG".to_owned(), bug.name().to_owned()));
    launcher
}

fn options(kills: u64, seed: u64) -> Options {
    Options {
        kills,
        seed,
        clients: 6,
        life_max: Duration::from_millis(500),
        check_every: 10,
        reconfigure: false,
        stop_at_first: false,
    }
}

fn assert_holds(report: &RunReport) {
    let told: Vec<_> = report.findings.lines().collect();
    assert!(report.summary.holds(), "{}\n{}", report.summary, told.join("\n"));
}

/// Says loudly when the order of system calls cannot be seen here.
fn has_strace() -> bool {
    let found = std::process::Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("SKIPPED: strace is not installed");
    }
    found
}

/// The program that plays a disk that forgets, where `scripts/test` has built it; says loudly when it did not.
#[expect(clippy::disallowed_methods, reason = "a test is told by its environment where the program stands")]
fn lazyfs() -> Option<PathBuf> {
    let program = std::env::var_os("CAMEO_LAZYFS").filter(|path| !path.is_empty()).map(PathBuf::from);
    if program.is_none() {
        eprintln!("SKIPPED: power cuts are not tried: CAMEO_LAZYFS does not name the program LazyFS");
    }
    program
}
