//! The embedded database: one file, one writer, many readers.
//!
//! Every write goes through one connection and is a job: jobs that arrive while a commit is under way are run one after
//! the other in the next transaction, each in a savepoint of its own, and share its fsync (group commit). A job that
//! fails undoes itself and nothing else. A caller hears of success only after `COMMIT` returned with
//! `synchronous=FULL`; a caller that goes away does not cancel what it asked for.
//!
//! The store, the queues and the catalog use it side by side, so that an object and its event, or the rows and the
//! ledger, are one transaction. It must never be written around.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    error::{Error, Kind, Place, Result},
    failpoint::{Bug, Point, planted, reached},
};

/// Jobs that wait for the writer, at most; more callers wait for a place.
const QUEUED_JOBS_MAX: usize = 1024;
/// Jobs in one transaction, at most.
const BATCH_JOBS_MAX: usize = 256;
/// Connections for reading.
const READERS: u32 = 4;
/// How long to wait for a lock that another process holds (a person with the `sqlite3` command).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// Tells the caller of a job how the commit ended.
type Tell = Box<dyn FnOnce(Result<(), &Error>) + Send>;

/// What a job leaves behind: whether to keep its changes, and how to tell its caller once they are durable.
struct Finished {
    keep: bool,
    tell: Tell,
}

/// Something to do in a transaction, and somebody who waits for it.
trait Job: Send {
    fn run(self: Box<Self>, connection: &mut SqliteConnection) -> BoxFuture<'_, Finished>;
    fn refuse(self: Box<Self>, error: &Error);
}

struct Asked<T, F> {
    job: F,
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
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
{
    fn run(self: Box<Self>, connection: &mut SqliteConnection) -> BoxFuture<'_, Finished> {
        let Self { job, caller } = *self;
        async move {
            let result = job(connection).await;
            Finished { keep: result.is_ok(), tell: Box::new(move |commit| caller.tell(commit, result)) }
        }
        .boxed()
    }

    fn refuse(self: Box<Self>, error: &Error) {
        self.caller.fail(error);
    }
}

impl<T> Caller<T> {
    /// Hands the job's result to its caller, or the failed commit in its place.
    fn tell(self, commit: Result<(), &Error>, result: Result<T>) {
        match commit {
            // A caller that went away does not want to know.
            Ok(()) => drop(self.sender.send(result)),
            Err(error) => self.fail(error),
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
    path: PathBuf,
    readers: SqlitePool,
    writer: Option<mpsc::Sender<Box<dyn Job>>>,
}

impl Sqlite {
    /// Opens, or creates, the database for this process alone, and brings its schema up to date.
    ///
    /// The writer is a task of the handle's own: it ends when the last clone is dropped.
    pub async fn open(path: &Path) -> Result<Self> {
        let planted = planted(Bug::SynchronousNormal);
        let synchronous = if planted { SqliteSynchronous::Normal } else { SqliteSynchronous::Full };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .pragma("wal_autocheckpoint", "4000")
            .disable_statement_logging();
        let connection = open_writer(options.clone()).await?;
        let readers = open_readers(options.read_only(true).create_if_missing(false)).await?;
        let (writer, jobs) = mpsc::channel(QUEUED_JOBS_MAX);
        tokio::spawn(run_writer(connection, jobs));
        Ok(Self { path: path.to_owned(), readers, writer: Some(writer) })
    }

    /// Opens the database of a server, which may be running, for reading.
    pub async fn open_read_only(path: &Path) -> Result<Self> {
        if !path.exists() {
            let doing = format!("open {}: there is no such file; is --data the folder of a server?", path.display());
            return Err(Error::new(Place::Catalog, Kind::Misconfigured, doing));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        Ok(Self { path: path.to_owned(), readers: open_readers(options).await?, writer: None })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this handle writes.
    pub fn is_writable(&self) -> bool {
        self.writer.is_some()
    }

    /// Connections for reading. Each statement sees what was committed before it began.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Runs a job in the writer's next transaction and returns its result once that is durable.
    ///
    /// `doing` completes "failed to …". An error of the job undoes the job alone.
    pub async fn write<T, F>(&self, place: Place, doing: &'static str, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let asked = Box::new(Asked { job, caller: Caller { place, doing, sender } });
        let closed = || Error::new(place, Kind::Fatal, format!("{doing}: the database writer has stopped"));
        let writer = self.writer.as_ref().ok_or_else(|| {
            Error::new(place, Kind::Misconfigured, format!("{doing}: the database is open for reading only"))
        })?;
        writer.send(asked).await.map_err(|_| closed())?;
        receiver.await.map_err(|_| closed())?
    }
}

/// The one connection that writes, with its schema up to date.
async fn open_writer(options: SqliteConnectOptions) -> Result<SqliteConnection> {
    let opening = |e| failed(Place::System, "open the database", e);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(opening)?;
    MIGRATIONS.run(&pool).await.map_err(|error| {
        Error::new(Place::System, Kind::Misconfigured, "bring the database's schema up to date").because(error)
    })?;
    Ok(pool.acquire().await.map_err(opening)?.detach())
}

async fn open_readers(options: SqliteConnectOptions) -> Result<SqlitePool> {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        // A connection to a file of our own does not go stale; asking would wake its thread once more for each statement.
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(|e| failed(Place::System, "open the database for reading", e))
}

async fn run_writer(mut connection: SqliteConnection, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    let mut batch = Vec::with_capacity(BATCH_JOBS_MAX);
    while jobs.recv_many(&mut batch, BATCH_JOBS_MAX).await > 0 {
        run_batch(&mut connection, &mut batch).await;
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the database did not close cleanly");
    }
}

async fn run_batch(connection: &mut SqliteConnection, batch: &mut Vec<Box<dyn Job>>) {
    let mut finished = Vec::with_capacity(batch.len());
    let committed = run_transaction(connection, batch, &mut finished).await;
    if let Err(error) = &committed {
        stop_if_not_durable(error);
        // After some errors SQLite has rolled back by itself; then this fails, and that is fine.
        let _ = execute(connection, "ROLLBACK").await;
        tracing::error!(%error, jobs = finished.len() + batch.len(), "a transaction failed");
        batch.drain(..).for_each(|job| job.refuse(error));
    }
    for Finished { tell, .. } in finished {
        tell(committed.as_ref().copied());
    }
}

async fn run_transaction(
    connection: &mut SqliteConnection,
    batch: &mut Vec<Box<dyn Job>>,
    finished: &mut Vec<Finished>,
) -> Result<()> {
    execute(connection, "BEGIN IMMEDIATE").await?;
    batch.reverse();
    // One that is alone needs no savepoint: undoing it undoes everything.
    if batch.len() == 1 {
        let done = run_next(connection, batch, finished).await;
        return if done { commit(connection).await } else { execute(connection, "ROLLBACK").await };
    }
    while !batch.is_empty() {
        execute(connection, "SAVEPOINT job").await?;
        if !run_next(connection, batch, finished).await {
            execute(connection, "ROLLBACK TO job").await?;
        }
        execute(connection, "RELEASE job").await?;
    }
    commit(connection).await
}

/// Runs the job at the end of the batch; whether to keep its changes.
async fn run_next(
    connection: &mut SqliteConnection,
    batch: &mut Vec<Box<dyn Job>>,
    finished: &mut Vec<Finished>,
) -> bool {
    let Some(job) = batch.pop() else { return true };
    let done = job.run(connection).await;
    let keep = done.keep;
    finished.push(done);
    keep
}

async fn commit(connection: &mut SqliteConnection) -> Result<()> {
    reached(Point::BeforeCommit);
    execute(connection, "COMMIT").await?;
    reached(Point::AfterCommit);
    Ok(())
}

async fn execute(connection: &mut SqliteConnection, statement: &'static str) -> Result<()> {
    sqlx::query(statement)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(|e| failed(Place::System, &format!("run {statement}"), e))
}

/// After a failed fsync nobody knows what the disk holds: to go on would be to acknowledge what may be lost.
fn stop_if_not_durable(error: &Error) {
    if error.kind() == Kind::Fatal {
        tracing::error!(%error, "the database cannot promise durability any more; stopping at once");
        std::process::abort();
    }
}

/// Tells what to do about an error of `SQLite`, by its result code (<https://sqlite.org/rescode.html>).
pub fn failed(place: Place, doing: &str, error: sqlx::Error) -> Error {
    Error::new(place, kind_of(&error), doing).because(error)
}

fn kind_of(error: &sqlx::Error) -> Kind {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or(0);
            kind_of_code(code)
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Kind::Malformed,
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) => Kind::Unavailable,
        _ => Kind::Fatal,
    }
}

/// Primary codes, but for the two that mean a failed fsync.
fn kind_of_code(code: u32) -> Kind {
    const FSYNC: u32 = 1034;
    const DIR_FSYNC: u32 = 1290;
    match (code, code & 0xff) {
        (FSYNC | DIR_FSYNC, _) => Kind::Fatal,
        (_, 5 | 6) => Kind::Conflict,
        (_, 3 | 8 | 23) => Kind::Denied,
        (_, 10 | 13 | 14) => Kind::Unavailable,
        (_, 1) => Kind::Misconfigured,
        _ => Kind::Fatal,
    }
}
