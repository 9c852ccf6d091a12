//! A running process: its tasks, and where it can be reached. Which backends it works on, the configuration says.

use std::future::Future;

use super::{
    data_folder::{Credentials, DataFolder, Running},
    renderer,
    tasks::{Ended, Tasks},
};
use crate::{
    config::Config,
    model::error::{Error, Kind, Place, Result},
    worker::Worker,
};

/// Which steps of the flow a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Rendering and publishing.
    pub resize: bool,
    /// Writing ledger, rows and aliases.
    pub register: bool,
}

impl Roles {
    /// Every step.
    pub const ALL: Self = Self { resize: true, register: true };
    /// None: it only shows.
    pub const NONE: Self = Self { resize: false, register: false };
}

/// A running server or worker.
#[derive(Debug)]
pub struct Server {
    pub(super) running: Running,
    pub(super) credentials: Option<(Credentials, bool)>,
    /// Where the first administrator chooses a name and a password, once.
    pub(super) first_link: Option<String>,
    pub(super) tasks: Tasks,
    // Last: the folder is unlocked after everything else is dropped.
    pub(super) folder: Option<DataFolder>,
}

/// What is wrong with a worker of its own where one process keeps everything.
pub(super) fn no_worker_beside() -> Error {
    let doing = "start a worker: store.url and queue.url are those of one process, `cameo serve`, which has its \
                 workers; set them to s3: and sqs: for workers beside it (docs/aws.md)";
    Error::new(Place::System, Kind::Misconfigured, doing)
}

impl Server {
    /// Where it can be reached.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The first key pair of its S3 endpoint, and whether it was made at this start; none where it has no endpoint.
    pub fn credentials(&self) -> Option<(&Credentials, bool)> {
        self.credentials.as_ref().map(|(credentials, new)| (credentials, *new))
    }

    /// Where the first administrator chooses a name and a password: an address that works once, made at this start; none once there is an
    /// account, and where the console is off.
    pub fn first_link(&self) -> Option<&str> {
        self.first_link.as_deref()
    }

    /// Serves until `shutdown` completes, then ends within the configured time. An error when a task could not go on.
    ///
    /// Where something still writes after that time, the data folder stays locked until the process has ended: another server must not
    /// find it half written.
    pub async fn serve_until(self, shutdown: impl Future<Output = ()>) -> Result<()> {
        let Self { tasks, folder, .. } = self;
        let (result, ended) = tasks.run_until(shutdown).await;
        match (folder, ended) {
            (Some(folder), Ended::NotEverything) => folder.keep_locked(),
            (folder, _) => drop(folder),
        }
        result
    }
}

/// Loops for each original that may be rendered at a time: while one has its original rendered, another reads or publishes.
const LOOPS_PER_RENDERING: usize = 2;

/// Starts the workers of these roles: one that registers, and [`LOOPS_PER_RENDERING`] for each original
/// that the configuration lets be rendered at a time.
pub(super) fn spawn_workers(tasks: &mut Tasks, worker: &Worker, config: &Config, roles: Roles) {
    if roles.resize {
        for _ in 0..LOOPS_PER_RENDERING * renderer::concurrency(config) {
            let worker = worker.clone();
            tasks.spawn(|stop| async move { worker.resize_until(&stop).await });
        }
    }
    if roles.register {
        let worker = worker.clone();
        tasks.spawn(|stop| async move { worker.register_until(&stop).await });
    }
}
