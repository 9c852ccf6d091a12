//! The embedded database: one file, one writer, many readers.
//!
//! Every write goes through one connection and is a job: jobs that arrive while a commit is under way are run one after
//! the other in the next transaction, each in a savepoint of its own, and share its fsync (group commit). A job that
//! fails undoes itself and nothing else. A caller hears of success only after `COMMIT` returned with
//! `synchronous=FULL`; a caller that goes away does not cancel what it asked for.
//!
//! The writer is a thread, and a job a closure that runs on it from end to end: one hand-over for a job, however many
//! statements it has. Most of what a job costs is the commit, so those that nobody waits for in front of a screen wait a moment
//! for others to share one with ([`Sqlite::write_in_company`]). Readers have connections of their own.
//!
//! The store, the queues and the catalog use it side by side, so that an object and its event, or the rows and the
//! ledger, are one transaction. It must never be written around.

use std::{
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{
    failpoint::{Bug, Point, planted, reached},
    model::error::{Error, Kind, Place, Result},
};

/// Jobs that wait for the writer, at most; more callers wait for a place.
const QUEUED_JOBS_MAX: usize = 1024;
/// Jobs in one transaction, at most.
const BATCH_JOBS_MAX: usize = 256;
/// How long jobs that may wait are held for others, when none came that may not.
const COMPANY_WAIT: Duration = Duration::from_millis(4);
/// Long readings at a time; also the connections for reading that are kept open.
const READERS: usize = 4;
/// How long to wait for a lock that another process holds (a person with the `sqlite3` command).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements that a connection keeps; there are fewer different ones.
const STATEMENTS_KEPT: usize = 128;
/// Pages in the write-ahead log from which on a commit moves them to the file.
const CHECKPOINT_PAGES: u32 = 4000;

/// What the write-ahead log keeps of its size once it has been emptied, bytes: as much as [`CHECKPOINT_PAGES`] take.
const LOG_KEPT_BYTES: u32 = 16 << 20;

mod columns;
mod failure;
mod log;
mod schema;

pub use columns::{Json, integer, unsigned};
use failure::kind_of;
use log::Log;

/// Why something asked of the database failed.
#[derive(Debug)]
pub enum Failure {
    /// What `SQLite` says.
    Sqlite(rusqlite::Error),
    /// What is said of what was found.
    Told(Error),
}

/// The result of something asked of the database.
pub type Done<T> = Result<T, Failure>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl Failure {
    /// As an error of whoever asked; `doing` completes "failed to …".
    fn told(self, place: Place, doing: &str) -> Error {
        match self {
            Self::Sqlite(error) => Error::new(place, kind_of(&error), doing).because(error),
            Self::Told(error) => error,
        }
    }
}

/// What went wrong with a connection of [`Sqlite::open_alone`], as an error of whoever asked; `doing` completes "failed to …".
pub fn as_error(failure: Failure, place: Place, doing: &str) -> Error {
    failure.told(place, doing)
}

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

struct Asked<T, F> {
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

impl<T, F> Job for Asked<T, F>
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
        let result = done.map_err(|failure| failure.told(caller.place, caller.doing));
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

/// A handle of the embedded database. Clones share it.
#[derive(Debug, Clone)]
pub struct Sqlite {
    readers: Arc<Readers>,
    writer: Option<Writer>,
}

/// The way to the writer.
#[derive(Debug, Clone)]
struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    places: Arc<Semaphore>,
    log: Arc<Log>,
}

impl Sqlite {
    /// Opens, or creates, the database for this process alone, and brings its schema up to date.
    ///
    /// The writer is a thread of the handle's own: it ends when the last clone is dropped.
    pub async fn open(path: &Path) -> Result<Self> {
        let opened = path.to_owned();
        apart(move || {
            let connection = open_writer(&opened)?;
            let readers = Arc::new(Readers::open(&opened)?);
            let (sender, jobs) = mpsc::channel();
            let log = Arc::new(Log::of(&opened));
            let places = Arc::new(Semaphore::new(QUEUED_JOBS_MAX));
            let writer = Writer { jobs: sender, places, log: log.clone() };
            std::thread::Builder::new()
                .name("sqlite-writer".to_owned())
                .spawn(move || run_writer(connection, &jobs, &log))
                .map_err(|error| {
                    Error::new(Place::System, Kind::Unavailable, "start the database writer").because(error)
                })?;
            Ok(Self { readers, writer: Some(writer) })
        })
        .await
    }

    /// Opens the database of a server, which may be running, for reading.
    pub async fn open_read_only(path: &Path) -> Result<Self> {
        if !path.exists() {
            let doing = format!("open {}: there is no such file; is --data the folder of a server?", path.display());
            return Err(Error::new(Place::Catalog, Kind::Misconfigured, doing));
        }
        let opened = path.to_owned();
        apart(move || {
            let readers = Readers::open(&opened)?;
            readers
                .with(|connection| schema::check(connection, &opened))
                .map_err(|failure| failure.told(Place::Catalog, &format!("open {}", opened.display())))?;
            Ok(Self { readers: Arc::new(readers), writer: None })
        })
        .await
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.readers.path
    }

    /// Moves all that is committed into the file and empties the write-ahead log, as far as nobody reads it: so that the file alone is
    /// everything. For the end of a process, once nothing writes any more.
    pub async fn fold_log(&self) -> Result<()> {
        let Some(writer) = &self.writer else { return Ok(()) };
        writer.log.ask();
        // The writer looks after the log between two transactions: once it has come to the second, it has.
        for _ in 0..2 {
            self.write(Place::System, "fold the log of the database into its file", |_| Ok(())).await?;
        }
        Ok(())
    }

    /// Opens, or creates, a database with its schema up to date for a program that has it for itself: nothing else may have it open.
    pub fn open_alone(path: &Path) -> Result<Connection> {
        open_writer(path)
    }

    /// Whether this handle writes.
    pub fn is_writable(&self) -> bool {
        self.writer.is_some()
    }

    /// Looks up a few rows by their keys, as they were committed before the look began, on the caller's own thread: that takes some
    /// microseconds, and handing it to another thread would take more. What may be many rows is [read](Self::read).
    ///
    /// `doing` completes "failed to …".
    pub fn look_up<T>(&self, place: Place, doing: &str, look: impl FnOnce(&Connection) -> Done<T>) -> Result<T> {
        self.readers.with(look).map_err(|failure| failure.told(place, doing))
    }

    /// Reads as much as there is, as it was committed before, on a thread apart.
    pub async fn read<T, F>(&self, place: Place, doing: &'static str, look: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Done<T> + Send + 'static,
    {
        let readers = self.readers.clone();
        // The semaphore is never closed.
        let permit = readers.places.clone().acquire_owned().await;
        apart(move || {
            let result = readers.with(look).map_err(|failure| failure.told(place, doing));
            drop(permit);
            result
        })
        .await
    }

    /// Runs a job in the writer's next transaction and returns its result once that is durable.
    ///
    /// `doing` completes "failed to …". An error of the job undoes the job alone.
    pub async fn write<T, F>(&self, place: Place, doing: &'static str, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Done<T> + Send + 'static,
    {
        self.ask(place, doing, job, false).await
    }

    /// [`write`](Self::write) for what is done in the background: it may wait a few milliseconds for others, to share their commit.
    pub async fn write_in_company<T, F>(&self, place: Place, doing: &'static str, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Done<T> + Send + 'static,
    {
        self.ask(place, doing, job, true).await
    }

    async fn ask<T, F>(&self, place: Place, doing: &'static str, job: F, may_wait: bool) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Done<T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let closed = || Error::new(place, Kind::Fatal, format!("{doing}: the database writer has stopped"));
        let writer = self.writer.as_ref().ok_or_else(|| {
            Error::new(place, Kind::Misconfigured, format!("{doing}: the database is open for reading only"))
        })?;
        let permit = writer.places.clone().acquire_owned().await.map_err(|_| closed())?;
        let asked = Box::new(Asked { job, may_wait, _place: permit, caller: Caller { place, doing, sender } });
        writer.jobs.send(asked).map_err(|_| closed())?;
        receiver.await.map_err(|_| closed())?
    }
}

/// Connections for reading: as many as there are readers at a time, of which some are kept for the next ones.
#[derive(Debug)]
struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// For those that read on threads apart.
    places: Arc<Semaphore>,
}

impl Readers {
    /// With a first connection, which shows whether the file can be read.
    fn open(path: &Path) -> Result<Self> {
        let opening = |error| Failure::Sqlite(error).told(Place::System, "open the database for reading");
        let idle = Mutex::new(vec![open_reader(path).map_err(opening)?]);
        Ok(Self { path: path.to_owned(), idle, places: Arc::new(Semaphore::new(READERS)) })
    }

    fn with<T>(&self, look: impl FnOnce(&Connection) -> Done<T>) -> Done<T> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let result = look(&connection);
        let mut idle = idle();
        if idle.len() < READERS {
            idle.push(connection);
        }
        result
    }
}

fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = open_connection(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // Opening looks at nothing: a file that is no database is to be told now.
    connection.query_row("SELECT count(*) FROM sqlite_master", (), |_| Ok(()))?;
    Ok(connection)
}

fn open_connection(path: &Path, flags: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A prepared statement stays as it was prepared, whatever is bound to it: else it would be prepared anew each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(connection)
}

/// The one connection that writes, with its schema up to date.
fn open_writer(path: &Path) -> Result<Connection> {
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
    let mut connection = open().map_err(|error| Failure::Sqlite(error).told(Place::System, "open the database"))?;
    schema::migrate(&mut connection, path)?;
    Ok(connection)
}

/// Runs something that takes its time on a thread where nobody else waits.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(Place::System, Kind::Unavailable, "run a thread for the database").because(error))
    })
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
        let wait = if batch.iter().all(|job| job.may_wait()) { COMPANY_WAIT } else { Duration::ZERO };
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
    run().map(|_| ()).map_err(|error| Failure::Sqlite(error).told(Place::System, &format!("run {statement}")))
}

/// After a failed fsync nobody knows what the disk holds: to go on would be to acknowledge what may be lost.
fn stop_if_not_durable(error: &Error) {
    if error.kind() == Kind::Fatal {
        tracing::error!(%error, "the database cannot promise durability any more; stopping at once");
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn database(folder: &tempfile::TempDir) -> Sqlite {
        let db = Sqlite::open(&folder.path().join("cameo.db")).await.unwrap();
        run(&db, "CREATE TABLE t (id INTEGER PRIMARY KEY CHECK (id < 1000), blob TEXT)").await.unwrap();
        db
    }

    async fn run(db: &Sqlite, sql: &'static str) -> Result<()> {
        db.write(Place::Catalog, "test", move |connection| Ok(connection.execute_batch(sql)?)).await
    }

    async fn count(db: &Sqlite) -> i64 {
        db.read(Place::Catalog, "count", |connection| {
            Ok(connection.query_row("SELECT count(*) FROM t", (), |row| row.get(0))?)
        })
        .await
        .unwrap()
    }

    /// From reading: `SQLite` rolls back by itself on a full disk; then callers got Misconfigured, and the process ended.
    #[tokio::test]
    async fn a_full_disk_is_told_as_such_and_the_next_transaction_works_once_there_is_space() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder).await;
        run(&db, "PRAGMA max_page_count = 1").await.unwrap();
        for _ in 0..2 {
            let error = run(&db, "INSERT INTO t (blob) VALUES (hex(zeroblob(1000000)))").await.unwrap_err();
            assert_eq!(error.kind(), Kind::Unavailable, "{error}");
            assert!(error.to_string().contains("full"), "{error}");
        }
        run(&db, "PRAGMA max_page_count = 1000000").await.unwrap();
        run(&db, "INSERT INTO t (blob) VALUES ('a')").await.unwrap();
        assert_eq!(count(&db).await, 1);
    }

    /// A trigger may roll the whole transaction back: the jobs beside it are not told that they are durable, and those behind it are done.
    #[tokio::test]
    async fn a_job_that_loses_the_transaction_is_told_apart_from_its_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder).await;
        let refusing =
            "CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.id = 13 BEGIN SELECT RAISE(ROLLBACK, 'thirteen'); END";
        run(&db, refusing).await.unwrap();
        let slow =
            "INSERT INTO t VALUES (1, ''); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 300000)
            INSERT INTO t SELECT 2, count(*) FROM n";
        let (first, before, refused, after) = tokio::join!(
            run(&db, slow),
            run(&db, "INSERT INTO t VALUES (3, '')"),
            run(&db, "INSERT INTO t VALUES (13, '')"),
            run(&db, "INSERT INTO t VALUES (4, '')"),
        );
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), Kind::Refused, "{refused}");
        after.unwrap();
        // Which of them shared a transaction with it is a matter of time.
        let mut expected = 1;
        for (done, rows) in [(first, 2), (before, 1)] {
            match done {
                Ok(()) => expected += rows,
                Err(error) => assert_eq!(error.kind(), Kind::Unavailable, "{error}"),
            }
        }
        assert_eq!(count(&db).await, expected);
    }

    #[tokio::test]
    async fn a_constraint_is_the_rows_fault() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder).await;
        let error = run(&db, "INSERT INTO t (id) VALUES (5000)").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{error}");
    }
}
