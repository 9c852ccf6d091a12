//! How a process that serves is told to end, and how work that takes long is interrupted.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;

/// SIGXFSZ, on Linux and macOS: a file would grow beyond `ulimit -f`.
#[cfg(feature = "embedded")]
const FILE_TOO_LARGE: SignalKind = SignalKind::from_raw(25);

/// Listens for SIGTERM and Ctrl-C from now on; what it returns completes when one of them has come.
#[cfg(feature = "embedded")]
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

/// Runs work that waits, and sets the flag that it is given at Ctrl-C, so that it ends early. None where that happened. A second
/// Ctrl-C ends the process at once.
pub(crate) async fn interruptible_future<T>(work: impl AsyncFnOnce(&AtomicBool) -> T) -> anyhow::Result<Option<T>> {
    let stop = AtomicBool::new(false);
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for Ctrl-C")?;
    let mut working = std::pin::pin!(work(&stop));
    tokio::select! {
        done = &mut working => return Ok(Some(done)),
        _ = interrupt.recv() => stop.store(true, Ordering::Relaxed),
    }
    tokio::select! {
        _ = &mut working => Ok(None),
        _ = interrupt.recv() => std::process::exit(i32::from(Exit::Interrupted as u8)),
    }
}

/// Runs work that blocks, and sets the flag that it is given at Ctrl-C, so that it ends early and leaves nothing half done. None
/// where that happened. A second Ctrl-C ends the process at once.
pub(crate) async fn interruptible<T: Send + 'static>(
    work: impl FnOnce(Arc<AtomicBool>) -> T + Send + 'static,
) -> anyhow::Result<Option<T>> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for Ctrl-C")?;
    let mut working = tokio::task::spawn_blocking({
        let stop = stop.clone();
        move || work(stop)
    });
    tokio::select! {
        done = &mut working => return Ok(Some(done.context("failed to finish the work")?)),
        _ = interrupt.recv() => stop.store(true, Ordering::Relaxed),
    }
    tokio::select! {
        _ = working => Ok(None),
        _ = interrupt.recv() => std::process::exit(i32::from(Exit::Interrupted as u8)),
    }
}
