//! How a process that serves is told to end.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

/// SIGXFSZ, on Linux and macOS: a file would grow beyond `ulimit -f`.
const FILE_TOO_LARGE: SignalKind = SignalKind::from_raw(25);

/// Listens for SIGTERM and Ctrl-C from now on; what it returns completes when one of them has come.
pub(crate) fn told_to_end() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for Ctrl-C")?;
    // Who listens is not ended by it: the write fails instead, which is answered as a full disk is.
    let mut file_too_large = signal(FILE_TOO_LARGE).context("failed to listen for SIGXFSZ")?;
    tokio::spawn(async move { while file_too_large.recv().await.is_some() {} });
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
