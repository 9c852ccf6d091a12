//! Threads that serve connections of the images, each with a runtime of its own.
//!
//! Answering from the file takes so little that most of what a shared runtime costs is handing requests from thread to thread. Here a
//! connection stays on the thread that it was given to, in turn, and no other thread is woken for it.

use std::{io, thread};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::model::error::{Error, Kind, Place, Result};

/// Threads, at most.
const THREADS_MAX: usize = 8;
/// Reads of content that wait for the disk, at most, for each thread.
const BLOCKING_THREADS_MAX: usize = 128;

/// The threads. They end when this is dropped.
#[derive(Debug)]
pub(super) struct ImageThreads {
    pub(super) handles: Vec<Handle>,
    _stop: DropGuard,
}

impl ImageThreads {
    /// Starts as many as half of the cores: the others are for rendering and for what comes in.
    pub(super) fn start() -> Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let stop = CancellationToken::new();
        let handles = (0..(cores / 2).clamp(1, THREADS_MAX)).map(|number| start_one(number, stop.clone()));
        let handles = handles.collect::<io::Result<_>>();
        let handles = handles.map_err(|error| {
            Error::new(Place::System, Kind::Unavailable, "start a thread that serves images").because(error)
        })?;
        Ok(Self { handles, _stop: stop.drop_guard() })
    }
}

fn start_one(number: usize, stop: CancellationToken) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(BLOCKING_THREADS_MAX).build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name(format!("images-{number}")).spawn(move || {
        runtime.block_on(stop.cancelled());
        // Nobody waits for reads whose connections are closed.
        runtime.shutdown_background();
    })?;
    Ok(handle)
}
