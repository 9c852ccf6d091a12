//! The engine in child processes: what an original can do ends with its child.
//!
//! Each child renders one original at a time and many in its life. A thread of its own attends to it: starts it, hands over, measures its
//! time and memory, ends it, and reaps it. Those threads decode nothing and share no thread with the runtime, so that
//! neither a busy runtime nor a hostile original can stop the clock.

use std::{
    ffi::OsString,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use async_trait::async_trait;
use cameo_image::{Limits, Rendered, SizeSet};
use tokio::sync::oneshot;

use super::{Protection, Rejection, Render};
use crate::model::{
    content::Content,
    error::{Error, Kind, Place, Result},
    reason::ReasonCode,
};

mod attendant;
mod meter;
mod process;

/// CPU time that an original may take, unless the configuration says otherwise.
pub const RENDER_CPU: Duration = Duration::from_secs(10);
/// Time by the clock that an original may take.
pub const RENDER_WALL: Duration = Duration::from_mins(5);
/// Memory that a child may take, in bytes.
pub const RENDER_MEMORY_BYTES: u64 = 256 << 20;
/// Originals that a child renders in its life.
pub const ORIGINALS_PER_CHILD: u32 = 1000;

/// How children are started, and what an original may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The executable. On Linux `/proc/self/exe` stays this very one even when its file is replaced by an upgrade.
    pub executable: PathBuf,
    /// Its arguments, by which it ends up in [`super::child::run`]: [`super::child::SUBCOMMAND`] for the `cameo` command.
    pub arguments: Vec<OsString>,
    /// How many originals are rendered at a time.
    pub children: usize,
    /// What an original may be.
    pub limits: Limits,
    /// CPU time that an original may take.
    pub render_cpu: Duration,
    /// Time by the clock that an original may take, for a child that waits instead of working.
    pub render_wall: Duration,
    /// Memory that a child may take, in bytes, beside the original itself.
    pub render_memory_bytes: u64,
    /// Originals after which a child is replaced by a fresh one.
    pub originals_per_child: u32,
}

impl Config {
    /// The default limits, for children started this way.
    pub fn new(executable: impl Into<PathBuf>, arguments: impl IntoIterator<Item = OsString>, children: usize) -> Self {
        Self {
            executable: executable.into(),
            arguments: arguments.into_iter().collect(),
            children: children.max(1),
            limits: Limits::default(),
            render_cpu: RENDER_CPU,
            render_wall: RENDER_WALL,
            render_memory_bytes: RENDER_MEMORY_BYTES,
            originals_per_child: ORIGINALS_PER_CHILD,
        }
    }
}

/// Renders in child processes. Dropping it ends them, within a tenth of a second or so.
#[derive(Debug)]
pub struct Children {
    /// Closed first when this is dropped.
    jobs: Option<mpsc::Sender<Assignment>>,
    attendants: Vec<JoinHandle<()>>,
    stopping: Arc<AtomicBool>,
    protections: Vec<Protection>,
    max_bytes: u64,
}

/// An original on its way to a child.
#[derive(Debug)]
struct Assignment {
    original: Content,
    size_set: SizeSet,
    reply: oneshot::Sender<Result<Result<Rendered, Rejection>>>,
}

/// What the attendants share.
#[derive(Debug)]
struct Shared {
    config: Config,
    jobs: Mutex<mpsc::Receiver<Assignment>>,
    stopping: Arc<AtomicBool>,
}

impl Shared {
    /// The next original, or nothing once no more can come.
    fn next(&self) -> Option<Assignment> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }
}

impl Children {
    /// Starts the pool and its first child; blocks until that one is ready.
    pub fn start(config: Config) -> Result<Self> {
        let (jobs, receiver) = mpsc::channel();
        let stopping = Arc::new(AtomicBool::new(false));
        let (count, max_bytes) = (config.children.max(1), config.limits.max_bytes);
        let shared = Arc::new(Shared { config, jobs: Mutex::new(receiver), stopping: Arc::clone(&stopping) });
        let mut pool = Self {
            jobs: Some(jobs),
            attendants: Vec::with_capacity(count),
            stopping,
            protections: Vec::new(),
            max_bytes,
        };
        let (started, first) = mpsc::sync_channel(1);
        for number in 0..count {
            let (shared, started) = (Arc::clone(&shared), (number == 0).then(|| started.clone()));
            let attendant = std::thread::Builder::new()
                .name(format!("render-{number}"))
                .spawn(move || attendant::attend(&shared, started))
                .map_err(|error| unavailable("start a thread for a render child").because(error))?;
            pool.attendants.push(attendant);
        }
        pool.protections = first.recv().map_err(|error| unavailable("start a render child").because(error))??;
        Ok(pool)
    }

    /// The guards around each child, standing or missing; the host says once at start what is missing.
    pub fn protections(&self) -> &[Protection] {
        &self.protections
    }
}

#[async_trait]
impl Render for Children {
    async fn render(&self, original: Content, size_set: &SizeSet) -> Result<Result<Rendered, Rejection>> {
        if original.len() as u64 > self.max_bytes {
            let detail = format!("{} bytes, at most {} are allowed", original.len(), self.max_bytes);
            return Ok(Err(Rejection::new(ReasonCode::FileTooLarge, detail)));
        }
        let (reply, answer) = oneshot::channel();
        let job = Assignment { original, size_set: size_set.clone(), reply };
        let ended = || unavailable("render an original: the render children have ended");
        self.jobs.as_ref().ok_or_else(ended)?.send(job).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.jobs = None;
        for attendant in self.attendants.drain(..) {
            // An attendant that panicked has nothing left to end: its child went with it.
            drop(attendant.join());
        }
    }
}

fn unavailable(doing: &str) -> Error {
    Error::new(Place::Engine, Kind::Unavailable, doing)
}
