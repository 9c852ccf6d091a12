//! The embedded database: one file, one writer, many readers.
//!
//! Every write goes through one connection and is a job: jobs that arrive while a commit is under way are run one after
//! the other in the next transaction, each in a savepoint of its own, and share its fsync (group commit). A job that
//! fails undoes itself and nothing else. A caller hears of success only after `COMMIT` returned with
//! `synchronous=FULL`; a caller that goes away does not cancel what it asked for.
//!
//! The writer is a thread, and a job a closure that runs on it from end to end: one hand-over for a job, however many
//! statements it has. Most of what a job costs is the commit, so those that nobody waits for in front of a screen wait a moment
//! for others to share one with ([`Sqlite::write_in_batch`]). Readers have connections of their own.
//!
//! The store, the queues and the catalog use it side by side, so that an object and its event, or the rows and the
//! ledger, are one transaction. It must never be written around.

use std::{path::Path, sync::Arc, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::model::error::{Error, Kind, Place, Result};

/// How long to wait for a lock that another process holds (a person with the `sqlite3` command).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements that a connection keeps; there are fewer different ones.
const STATEMENTS_KEPT: usize = 128;
mod columns;
mod failure;
mod log;
mod readers;
mod schema;
mod writer;

pub use columns::{Json, integer, unsigned};
use failure::kind_of;
use readers::Readers;
use writer::{Writer, open_writer};

/// Why something asked of the database failed.
#[derive(Debug)]
pub enum Failure {
    /// What `SQLite` says.
    Sqlite(rusqlite::Error),
    /// What is said of what was found.
    Error(Error),
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
        Self::Error(error)
    }
}

impl Failure {
    /// As an error of whoever asked; `doing` completes "failed to …".
    fn into_error(self, place: Place, doing: &str) -> Error {
        match self {
            Self::Sqlite(error) => Error::new(place, kind_of(&error), doing).because(error),
            Self::Error(error) => error,
        }
    }
}

/// What went wrong with a connection of [`Sqlite::open_alone`], as an error of whoever asked; `doing` completes "failed to …".
pub fn as_error(failure: Failure, place: Place, doing: &str) -> Error {
    failure.into_error(place, doing)
}

/// A handle of the embedded database. Clones share it.
#[derive(Debug, Clone)]
pub struct Sqlite {
    readers: Arc<Readers>,
    writer: Option<Writer>,
}

impl Sqlite {
    /// Opens, or creates, the database for this process alone, and brings its schema up to date.
    ///
    /// The writer is a thread of the handle's own: it ends when the last clone is dropped.
    pub async fn open(path: &Path) -> Result<Self> {
        let opened = path.to_owned();
        run_blocking(move || {
            let connection = open_writer(&opened)?;
            let readers = Arc::new(Readers::open(&opened)?);
            let writer = Writer::start(connection, &opened)?;
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
        run_blocking(move || {
            let readers = Readers::open(&opened)?;
            readers
                .with(|connection| schema::check(connection, &opened))
                .map_err(|failure| failure.into_error(Place::Catalog, &format!("open {}", opened.display())))?;
            Ok(Self { readers: Arc::new(readers), writer: None })
        })
        .await
    }

    /// The database file; the log beside it has its name and `-wal`.
    pub fn path(&self) -> &Path {
        &self.readers.path
    }

    /// Moves all that is committed into the file and empties the write-ahead log, as far as nobody reads it: so that the file alone is
    /// everything. For the end of a process, once nothing writes any more.
    pub async fn fold_log(&self) -> Result<()> {
        let Some(writer) = &self.writer else { return Ok(()) };
        writer.log().ask();
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
        self.readers.with(look).map_err(|failure| failure.into_error(place, doing))
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
        run_blocking(move || {
            let result = readers.with(look).map_err(|failure| failure.into_error(place, doing));
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
    pub async fn write_in_batch<T, F>(&self, place: Place, doing: &'static str, job: F) -> Result<T>
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
        let writer = self.writer.as_ref().ok_or_else(|| {
            Error::new(place, Kind::Misconfigured, format!("{doing}: the database is open for reading only"))
        })?;
        writer.run(place, doing, job, may_wait).await
    }
}

fn open_connection(path: &Path, flags: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A prepared statement stays as it was prepared, whatever is bound to it: else it would be prepared anew each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(connection)
}

/// Runs something that takes its time on a thread where nobody else waits.
async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(Place::System, Kind::Unavailable, "run a thread for the database").because(error))
    })
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
