//! The schema of the embedded database: brought up to date by the process that owns the file, looked at by those that read.
//!
//! A migration and the note of its version are one transaction, so one that is killed leaves nothing behind. A schema that
//! is newer than this program is never touched, and one that is older is not guessed at by a reader.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{Done, Failure};
use crate::model::error::{Error, Kind, Place, Result};

/// The steps of the schema: the first makes version 1. One that exists is not edited.
const MIGRATIONS: [&str; 11] = [
    include_str!("../../migrations/sqlite/0001_queue_and_ledger.sql"),
    include_str!("../../migrations/sqlite/0002_store.sql"),
    include_str!("../../migrations/sqlite/0003_shared_files.sql"),
    include_str!("../../migrations/sqlite/0004_published_sizes.sql"),
    include_str!("../../migrations/sqlite/0005_last_error.sql"),
    include_str!("../../migrations/sqlite/0006_history.sql"),
    include_str!("../../migrations/sqlite/0007_tokens.sql"),
    include_str!("../../migrations/sqlite/0008_checked_addresses.sql"),
    include_str!("../../migrations/sqlite/0009_people.sql"),
    include_str!("../../migrations/sqlite/0010_counts.sql"),
    include_str!("../../migrations/sqlite/0011_webhooks.sql"),
];

const VERSION: &str = "user_version";
/// Where the first builds of Cameo noted the version.
const HAS_OLD_NOTE: &str = "SELECT count(*) > 0 FROM sqlite_master WHERE name = '_sqlx_migrations'";
const OLD_NOTE: &str = "SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success";

/// Brings the schema up to date.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let opening = |failure: Failure| {
        failure.into_error(Place::System, &format!("bring the schema of {} up to date", path.display()))
    };
    let found = version(connection).map_err(opening)?;
    if found > MIGRATIONS.len() {
        return Err(newer(path, found));
    }
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        apply(connection, migration, at + 1).map_err(|error| opening(error.into()))?;
    }
    Ok(())
}

fn apply(connection: &mut Connection, migration: &str, version: usize) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration)?;
    transaction.pragma_update(None, VERSION, i64::try_from(version).unwrap_or(i64::MAX))?;
    transaction.commit()
}

/// Refuses a schema that this program cannot read.
pub(super) fn check(connection: &Connection, path: &Path) -> Done<()> {
    match version(connection)? {
        found if found > MIGRATIONS.len() => Err(newer(path, found).into()),
        found if found < MIGRATIONS.len() => {
            Err(mismatch(path, found, "start its server with this version of Cameo first").into())
        }
        _ => Ok(()),
    }
}

fn version(connection: &Connection) -> Done<usize> {
    let noted: i64 = connection.pragma_query_value(None, VERSION, |row| row.get(0))?;
    let found = if noted == 0 && connection.query_row(HAS_OLD_NOTE, (), |row| row.get(0))? {
        connection.query_row(OLD_NOTE, (), |row| row.get(0))?
    } else {
        noted
    };
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

fn newer(path: &Path, found: usize) -> Error {
    mismatch(path, found, "install the newer Cameo")
}

fn mismatch(path: &Path, found: usize, mend: &str) -> Error {
    let known = MIGRATIONS.len();
    let doing = format!("open {}: its schema is of version {found}, this program's is {known}; {mend}", path.display());
    Error::new(Place::Catalog, Kind::Misconfigured, doing)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::db::Sqlite;

    /// A database whose note of versions was changed by `statement`.
    async fn changed(folder: &tempfile::TempDir, statement: &str) -> PathBuf {
        let path = folder.path().join("cameo.db");
        drop(Sqlite::open(&path).await.unwrap());
        Connection::open(&path).unwrap().execute_batch(statement).unwrap();
        path
    }

    fn assert_told(error: &Error, told: &str) {
        assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = changed(&folder, "PRAGMA user_version = 1000").await;
        for opened in [Sqlite::open(&path).await, Sqlite::open_read_only(&path).await] {
            assert_told(&opened.unwrap_err(), "of version 1000, this program's is");
        }
    }

    #[tokio::test]
    async fn an_older_schema_is_not_read() {
        for version in [1, 0] {
            let folder = tempfile::tempdir().unwrap();
            let path = changed(&folder, &format!("PRAGMA user_version = {version}")).await;
            let error = Sqlite::open_read_only(&path).await.unwrap_err();
            assert_told(&error, &format!("of version {version}, this program's is"));
            assert_told(&error, "start its server with this version");
        }
    }

    #[tokio::test]
    async fn the_note_of_the_first_builds_is_understood() {
        let folder = tempfile::tempdir().unwrap();
        let old = "PRAGMA user_version = 0; CREATE TABLE _sqlx_migrations (version INTEGER, success BOOLEAN);
            INSERT INTO _sqlx_migrations VALUES (1, TRUE), (2, TRUE);
            DROP TABLE cameo_webhooks; DROP TABLE cameo_webhook_messages; DROP TABLE cameo_webhook_attempts;
            DROP TABLE cameo_webhook_watches; DROP TABLE cameo_webhook_lease;
            DROP TABLE cameo_accounts; DROP TABLE cameo_sessions; DROP TABLE cameo_links; DROP TABLE cameo_tokens;
            ALTER TABLE cameo_objects DROP COLUMN file_offset; ALTER TABLE cameo_messages DROP COLUMN last_error;
            DROP TRIGGER cameo_originals_counts_new; DROP TRIGGER cameo_originals_counts_gone;
            DROP TRIGGER cameo_originals_counts_changed; DROP TABLE cameo_counts; DROP INDEX cameo_originals_rejected;
            DROP TABLE cameo_checked_addresses; ALTER TABLE cameo_originals DROP COLUMN published;
            ALTER TABLE cameo_originals DROP COLUMN size_set_digest; DROP TABLE cameo_history";
        let path = changed(&folder, old).await;
        assert!(Sqlite::open(&path).await.is_ok(), "only what is missing is run");
    }

    #[tokio::test]
    async fn what_is_no_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cameo.db");
        std::fs::write(&path, "a letter to the editor, as long as a page of a database header is at least".repeat(10))
            .unwrap();
        for opened in [Sqlite::open(&path).await, Sqlite::open_read_only(&path).await] {
            assert_told(&opened.unwrap_err(), "not a database");
        }
    }
}
