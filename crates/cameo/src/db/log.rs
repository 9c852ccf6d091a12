//! The write-ahead log: kept short while the database works, and empty when it ends.
//!
//! `SQLite` moves the log into the file by itself every so many pages, and begins it again once nobody reads what is in it. A reader that
//! stays for minutes keeps it from that, and the log grows. Here it is emptied once it is far too long, by the writer between two
//! transactions, so that neither one slow reader nor one end of the process leaves more on the disk than a bound.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use rusqlite::Connection;

use super::BUSY_TIMEOUT;

/// A log that is emptied as soon as its readers allow it, bytes.
const LOG_MAX_BYTES: u64 = 64 << 20;
/// Transactions between two looks at its length: a look is a system call.
const LOOK_EVERY: u32 = 64;
/// How long the writer waits for readers to leave the log: every change waits with it.
const READERS_WAIT: Duration = Duration::from_millis(20);
/// The same at the end of a process, when nothing waits any more.
const LAST_READERS_WAIT: Duration = Duration::from_secs(1);

/// The log of one database.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    asked: AtomicBool,
    transactions: AtomicU32,
}

impl Log {
    /// The log beside the file of a database.
    pub(super) fn of(database: &Path) -> Self {
        let mut path = OsString::from(database);
        path.push("-wal");
        Self { path: path.into(), asked: AtomicBool::new(false), transactions: AtomicU32::new(0) }
    }

    /// Asks that it be emptied after the next transaction.
    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Empties the log where it was asked for, or where it is too long.
    pub(super) fn tidy(&self, connection: &Connection) {
        let asked = self.asked.swap(false, Ordering::Relaxed);
        if !asked && !self.is_too_long() {
            return;
        }
        let wait = if asked { LAST_READERS_WAIT } else { READERS_WAIT };
        match empty(connection, wait) {
            Ok(true) => tracing::debug!("emptied the write-ahead log of the database"),
            Ok(false) => tracing::debug!("the write-ahead log of the database is being read; it is emptied later"),
            Err(error) => tracing::warn!(%error, "the write-ahead log of the database could not be emptied"),
        }
    }

    fn is_too_long(&self) -> bool {
        self.transactions.fetch_add(1, Ordering::Relaxed) % LOOK_EVERY == LOOK_EVERY - 1
            && self.path.metadata().is_ok_and(|log| log.len() > LOG_MAX_BYTES)
    }
}

/// Empties the log, unless somebody reads it for longer than `wait`; whether it is empty.
fn empty(connection: &Connection, wait: Duration) -> rusqlite::Result<bool> {
    connection.busy_timeout(wait)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, i64>(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(busy? == 0)
}

#[cfg(test)]
mod tests {
    use crate::{db::Sqlite, model::error::Place};

    const FILL: &str = "INSERT INTO cameo_store (name, value) WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL
        SELECT i + 1 FROM n WHERE i < ?1 + 999) SELECT hex(randomblob(2000)) || i, i FROM n";

    async fn fill(db: &Sqlite, from: i64) {
        db.write(Place::Store, "fill", move |connection| Ok(connection.execute(FILL, [from])?)).await.unwrap();
    }

    /// users.md 28, and flow.md: "log of 1.29 GB after a 5-minute reader, never given back".
    #[tokio::test]
    async fn the_log_is_given_back_once_a_reader_has_gone_and_is_empty_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cameo.db");
        let log_bytes = || std::fs::metadata(folder.path().join("cameo.db-wal")).map_or(0, |log| log.len());
        let db = Sqlite::open(&path).await.unwrap();
        let reader = rusqlite::Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM cameo_store").unwrap();
        for batch in 0..20 {
            fill(&db, batch * 1000).await;
        }
        assert!(log_bytes() > super::LOG_MAX_BYTES, "the reader holds it: {}", log_bytes());
        reader.execute_batch("COMMIT").unwrap();
        for job in 0..i64::from(super::LOOK_EVERY) {
            db.write(Place::Store, "write", move |connection| {
                Ok(connection.execute("INSERT INTO cameo_store VALUES (?1, 0)", [format!("job {job}")])?)
            })
            .await
            .unwrap();
        }
        db.fold_log().await.unwrap();
        fill(&db, 100_000).await;
        assert!(log_bytes() <= super::LOG_MAX_BYTES, "{}", log_bytes());
        db.fold_log().await.unwrap();
        assert_eq!(log_bytes(), 0);
    }
}
