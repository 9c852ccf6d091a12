//! The schema of the embedded database: brought up to date by the process that owns the file, looked at by those that read.
//!
//! A migration and the note of its version are one transaction, so one that is killed leaves nothing behind. A schema that
//! is newer than this program is never touched, and one that is older is not guessed at by a reader.

use std::path::Path;

use sqlx::{
    SqlitePool,
    migrate::{MigrateError, Migrator},
};

use super::failed;
use crate::error::{Error, Kind, Place, Result};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

const SELECT_VERSION: &str = "SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success";
const HAS_VERSIONS: &str = "SELECT count(*) > 0 FROM sqlite_master WHERE name = '_sqlx_migrations'";

/// Brings the schema up to date.
pub(super) async fn migrate(pool: &SqlitePool, path: &Path) -> Result<()> {
    let opening = || format!("bring the schema of {} up to date", path.display());
    MIGRATIONS.run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => newer(path, found),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            failed(Place::System, &opening(), error)
        }
        error => Error::new(Place::System, Kind::Misconfigured, opening()).because(error),
    })
}

/// Refuses a schema that this program cannot read.
pub(super) async fn check(pool: &SqlitePool, path: &Path) -> Result<()> {
    let opening = |error| failed(Place::Catalog, &format!("open {}", path.display()), error);
    let known: bool = sqlx::query_scalar(HAS_VERSIONS).fetch_one(pool).await.map_err(opening)?;
    let found: i64 =
        if known { sqlx::query_scalar(SELECT_VERSION).fetch_one(pool).await.map_err(opening)? } else { 0 };
    match found {
        found if found > newest() => Err(newer(path, found)),
        found if found < newest() => Err(misfit(path, found, "start its server with this version of Cameo first")),
        _ => Ok(()),
    }
}

fn newest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

fn newer(path: &Path, found: i64) -> Error {
    misfit(path, found, "install the newer Cameo")
}

fn misfit(path: &Path, found: i64, mend: &str) -> Error {
    let doing =
        format!("open {}: its schema is of version {found}, this program's is {}; {mend}", path.display(), newest());
    Error::new(Place::Catalog, Kind::Misconfigured, doing)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::sqlite::Sqlite;

    /// A database whose note of versions was changed by `statement`.
    async fn changed(folder: &tempfile::TempDir, statement: &'static str) -> PathBuf {
        let path = folder.path().join("cameo.db");
        drop(Sqlite::open(&path).await.unwrap());
        let pool = SqlitePool::connect(&format!("sqlite:{}", path.display())).await.unwrap();
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
        pool.close().await;
        path
    }

    fn assert_told(error: &Error, told: &str) {
        assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let newer =
            "INSERT INTO _sqlx_migrations SELECT 1000, description, installed_on, success, checksum, execution_time
            FROM _sqlx_migrations WHERE version = 1";
        let path = changed(&folder, newer).await;
        for opened in [Sqlite::open(&path).await, Sqlite::open_read_only(&path).await] {
            assert_told(&opened.unwrap_err(), "of version 1000, this program's is");
        }
    }

    #[tokio::test]
    async fn an_older_schema_is_not_read() {
        for (change, version) in
            [("DELETE FROM _sqlx_migrations WHERE version > 1", 1), ("DROP TABLE _sqlx_migrations", 0)]
        {
            let folder = tempfile::tempdir().unwrap();
            let path = changed(&folder, change).await;
            let error = Sqlite::open_read_only(&path).await.unwrap_err();
            assert_told(&error, &format!("of version {version}, this program's is"));
            assert_told(&error, "start its server with this version");
        }
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
