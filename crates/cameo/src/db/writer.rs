//! The one thread that writes, and the jobs that it runs: group commit.

use std::{
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{Done, Failure, log::Log, open_connection, schema};
use crate::{
    failpoint::{Bug, Point, planted, reached},
    model::error::{Error, Kind, Place, Result},
};

/// Jobs that wait for the writer, at most; more callers wait for a place.
const QUEUED_JOBS_MAX: usize = 1024;
/// Jobs in one transaction, at most.
const BATCH_JOBS_MAX: usize = 256;
/// How long jobs that may wait are held for others, when none came that may not.
const BATCH_WAIT: Duration = Duration::from_millis(4);
/// Pages in the write-ahead log from which on a commit moves them to the file.
const CHECKPOINT_PAGES: u32 = 4000;
/// What the write-ahead log keeps of its size once it has been emptied, bytes: as much as [`CHECKPOINT_PAGES`] take.
const LOG_KEPT_BYTES: u32 = 16 << 20;

/// Tells the caller of a job how the commit ended.
type Tell = Box<dyn FnOnce(Result<(), &Error>) + Send>;

/// What a job leaves behind: why its changes are not kept, and how to tell its caller once they are durable.
struct Finished {
    failed: Option<String>,
    tell: Tell,
}

/// Something to do in a transaction, and somebody who waits for it.
trait Job: Send {
    fn may_wait(&self) -> bool;
    fn run(self: Box<Self>, connection: &Connection) -> Finished;
    fn refuse(self: Box<Self>, error: &Error);
}

struct QueuedJob<T, F> {
    job: F,
    may_wait: bool,
    /// Its place among the jobs that wait for the writer.
    _place: OwnedSemaphorePermit,
    caller: Caller<T>,
}

/// Who waits for a job, and what it is called.
struct Caller<T> {
    place: Place,
    doing: &'static str,
    sender: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for QueuedJob<T, F>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> Done<T> + Send + 'static,
{
    fn may_wait(&self) -> bool {
        self.may_wait
    }

    fn run(self: Box<Self>, connection: &Connection) -> Finished {
        let Self { job, caller, .. } = *self;
        // A panic undoes the job as an error does; the writer is everybody's, and goes on.
        let done = panic::catch_unwind(AssertUnwindSafe(|| job(connection))).unwrap_or_else(|_| {
            Err(Error::new(caller.place, Kind::Unlisted, format!("{}: it panicked", caller.doing)).into())
        });
        let result = done.map_err(|failure| failure.into_error(caller.place, caller.doing));
        let failed = result.as_ref().err().map(Error::to_string);
        Finished { failed, tell: Box::new(move |commit| caller.tell(commit, result)) }
    }

    fn refuse(self: Box<Self>, error: &Error) {
        self.caller.fail(error);
    }
}

impl<T> Caller<T> {
    /// Hands the job's result to its caller, or the failed commit in its place. A job that failed by itself has the better reason.
    fn tell(self, commit: Result<(), &Error>, result: Result<T>) {
        match (commit, &result) {
            (Err(error), Ok(_)) => self.fail(error),
            // A caller that went away does not want to know.
            _ => drop(self.sender.send(result)),
        }
    }

    fn fail(self, error: &Error) {
        let error = Error::new(self.place, error.kind(), self.doing).because(error.to_string());
        drop(self.sender.send(Err(error)));
    }
}

/// The way to the writer.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    places: Arc<Semaphore>,
    log: Arc<Log>,
}

impl Writer {
    /// Starts the thread. It ends when the last clone is dropped.
    pub(super) fn start(connection: Connection, path: &Path) -> Result<Self> {
        let (sender, jobs) = mpsc::channel();
        let log = Arc::new(Log::of(path));
        let writer = Self { jobs: sender, places: Arc::new(Semaphore::new(QUEUED_JOBS_MAX)), log: log.clone() };
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || run_writer(connection, &jobs, &log))
            .map_err(|error| {
                Error::new(Place::System, Kind::Unavailable, "start the database writer").because(error)
            })?;
        Ok(writer)
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// Runs a job and returns its result once it is durable.
    pub(super) async fn run<T, F>(&self, place: Place, doing: &'static str, job: F, may_wait: bool) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Done<T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let closed = || Error::new(place, Kind::Fatal, format!("{doing}: the database writer has stopped"));
        let permit = self.places.clone().acquire_owned().await.map_err(|_| closed())?;
        let asked = Box::new(QueuedJob { job, may_wait, _place: permit, caller: Caller { place, doing, sender } });
        self.jobs.send(asked).map_err(|_| closed())?;
        receiver.await.map_err(|_| closed())?
    }
}

/// The one connection that writes, with its schema up to date.
pub(super) fn open_writer(path: &Path) -> Result<Connection> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = open_connection(path, flags)?;
        let synchronous = if planted(Bug::SynchronousNormal) { "NORMAL" } else { "FULL" };
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.pragma_update(None, "journal_size_limit", LOG_KEPT_BYTES)?;
        Ok(connection)
    };
    let mut connection =
        open().map_err(|error| Failure::Sqlite(error).into_error(Place::System, "open the database"))?;
    schema::migrate(&mut connection, path)?;
    Ok(connection)
}

fn run_writer(connection: Connection, jobs: &mpsc::Receiver<Box<dyn Job>>, log: &Log) {
    let mut batch = Vec::with_capacity(BATCH_JOBS_MAX);
    while let Ok(first) = jobs.recv() {
        batch.push(first);
        gather(jobs, &mut batch);
        run_batch(&connection, &mut batch);
        log.tidy(&connection);
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the database did not close cleanly");
    }
}

/// Takes what is there, and waits a moment for more where all of it may wait.
fn gather(jobs: &mpsc::Receiver<Box<dyn Job>>, batch: &mut Vec<Box<dyn Job>>) {
    let begun = Instant::now();
    while batch.len() < BATCH_JOBS_MAX {
        let wait = if batch.iter().all(|job| job.may_wait()) { BATCH_WAIT } else { Duration::ZERO };
        match jobs.recv_timeout(wait.saturating_sub(begun.elapsed())) {
            Ok(job) => batch.push(job),
            Err(_) => break,
        }
    }
}

fn run_batch(connection: &Connection, batch: &mut Vec<Box<dyn Job>>) {
    // Taken from the end.
    batch.reverse();
    while !batch.is_empty() {
        let mut finished = Vec::with_capacity(batch.len());
        let committed = run_transaction(connection, batch, &mut finished);
        if let Err(error) = &committed {
            stop_if_not_durable(error);
            roll_back(connection);
            tracing::error!(%error, jobs = finished.len(), "a transaction failed");
            // None could be begun, so the others would fail likewise.
            if finished.is_empty() {
                batch.drain(..).for_each(|job| job.refuse(error));
            }
        }
        for Finished { tell, .. } in finished {
            tell(committed.as_ref().copied());
        }
    }
}

/// Runs jobs until the batch is empty or the transaction is lost; the jobs that are left over get one of their own.
fn run_transaction(connection: &Connection, batch: &mut Vec<Box<dyn Job>>, finished: &mut Vec<Finished>) -> Result<()> {
    roll_back(connection);
    execute(connection, "BEGIN IMMEDIATE")?;
    // One that is alone needs no savepoint: undoing it undoes everything.
    if batch.len() == 1 {
        if run_next(connection, batch, finished)? {
            return commit(connection);
        }
        roll_back(connection);
        return Ok(());
    }
    while !batch.is_empty() {
        execute(connection, "SAVEPOINT job")?;
        if !run_next(connection, batch, finished)? {
            execute(connection, "ROLLBACK TO job")?;
        }
        execute(connection, "RELEASE job")?;
    }
    commit(connection)
}

/// Runs the job at the end of the batch; whether to keep its changes.
///
/// An error when `SQLite` rolled the whole transaction back by itself, as it does on a full disk, on an I/O error, without memory, and when
/// a trigger says so (<https://sqlite.org/lang_transaction.html>): what earlier jobs of the transaction did is gone with it.
fn run_next(connection: &Connection, batch: &mut Vec<Box<dyn Job>>, finished: &mut Vec<Finished>) -> Result<bool> {
    let Some(job) = batch.pop() else { return Ok(true) };
    let done = job.run(connection);
    let (keep, lost) = (done.failed.is_none(), connection.is_autocommit());
    let cause = if lost { done.failed.clone() } else { None };
    finished.push(done);
    if lost {
        let error = Error::new(Place::System, Kind::Unavailable, "keep a transaction: SQLite rolled it back");
        return Err(error.because(cause.unwrap_or_else(|| "without a reason".to_owned())));
    }
    Ok(keep)
}

/// Ends a transaction that is still open. That this fails says nothing new, and must not hide why it was to be done.
fn roll_back(connection: &Connection) {
    if connection.is_autocommit() {
        return;
    }
    if let Err(error) = execute(connection, "ROLLBACK") {
        tracing::warn!(%error, "a transaction could not be rolled back; it is tried again before the next one");
    }
}

fn commit(connection: &Connection) -> Result<()> {
    reached(Point::BeforeCommit);
    execute(connection, "COMMIT")?;
    reached(Point::AfterCommit);
    Ok(())
}

fn execute(connection: &Connection, statement: &'static str) -> Result<()> {
    let run = || connection.prepare_cached(statement)?.execute(());
    run().map(|_| ()).map_err(|error| Failure::Sqlite(error).into_error(Place::System, &format!("run {statement}")))
}

/// After a failed fsync nobody knows what the disk holds: to go on would be to acknowledge what may be lost.
fn stop_if_not_durable(error: &Error) {
    if error.kind() == Kind::Fatal {
        tracing::error!(%error, "the database cannot promise durability any more; stopping at once");
        std::process::abort();
    }
}
