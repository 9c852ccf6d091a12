//! Tables in PostgreSQL: brought up to date, created, and checked before anything is registered.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{
    failure::{UNDEFINED_TABLE, code_of, failed},
    inspect::{DIALECT, inspect},
    statements::{Statements, sql},
};
use crate::{
    catalog::{
        schema::{Migration, complete, pending},
        server::refuse,
        table::Table,
        table_check::{FoundTable, Mismatch, mismatches},
    },
    model::error::{Error, Kind, Place, Result},
};

/// The migrations, oldest first. One that was released is never edited.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("../../../migrations/postgres/0001_ledger.sql") },
    Migration { version: 2, sql: include_str!("../../../migrations/postgres/0002_published_sizes.sql") },
    Migration { version: 3, sql: include_str!("../../../migrations/postgres/0003_history.sql") },
    Migration { version: 4, sql: include_str!("../../../migrations/postgres/0004_tokens.sql") },
    Migration { version: 5, sql: include_str!("../../../migrations/postgres/0005_people.sql") },
    Migration { version: 6, sql: include_str!("../../../migrations/postgres/0006_counts.sql") },
    Migration { version: 7, sql: include_str!("../../../migrations/postgres/0007_webhooks.sql") },
];

/// Held while tables are made, so that workers that start together do not make them twice.
const LOCK_SCHEMA: &str = "SELECT pg_advisory_lock(4985219871)";
const UNLOCK_SCHEMA: &str = "SELECT pg_advisory_unlock(4985219871)";
const CREATE_VERSIONS: &str = "CREATE TABLE IF NOT EXISTS cameo_schema (version BIGINT PRIMARY KEY)";
const HAS_VERSIONS: &str = "SELECT to_regclass('cameo_schema') IS NOT NULL";
const SELECT_VERSION: &str = "SELECT coalesce(max(version), 0) FROM cameo_schema";
const NOTE_VERSION: &str = "INSERT INTO cameo_schema (version) VALUES ($1) ON CONFLICT (version) DO NOTHING";

/// Makes what is missing and checks that everything that registering does is possible.
pub(super) async fn prepare(connection: &mut PgConnection, table: &Table, opening: &str) -> Result<FoundTable> {
    let mut found = look(connection, table, opening).await?;
    if is_pending(connection, opening).await? || found.name.is_none() {
        execute(connection, LOCK_SCHEMA, opening).await?;
        create(connection, table, &found, opening).await?;
        execute(connection, UNLOCK_SCHEMA, opening).await?;
        found = look(connection, table, opening).await?;
    }
    rehearse(connection, &Statements::new(table, &found), opening).await?;
    Ok(found)
}

/// Describes the table, and refuses one that does not fit.
async fn look(connection: &mut PgConnection, table: &Table, opening: &str) -> Result<FoundTable> {
    let found = inspect(connection, table, opening).await?;
    refuse(&mismatches(table, &found, DIALECT), table, opening)?;
    Ok(found)
}

/// What [`prepare`] would refuse, without making anything: what does not fit, or else the error of the first statement that
/// this user cannot run. Tables that are missing are made in a transaction that is rolled back.
pub(super) async fn check(connection: &mut PgConnection, table: &Table, opening: &str) -> Result<Vec<Mismatch>> {
    let mut found = inspect(connection, table, opening).await?;
    let mismatches = mismatches(table, &found, DIALECT);
    if !mismatches.is_empty() {
        return Ok(mismatches);
    }
    let mut transaction = connection.begin().await.map_err(|e| failed(opening, e))?;
    if is_pending(&mut transaction, opening).await? || found.name.is_none() {
        create(&mut transaction, table, &found, opening).await?;
        found = inspect(&mut transaction, table, opening).await?;
    }
    rehearse(&mut transaction, &Statements::new(table, &found), opening).await?;
    transaction.rollback().await.map_err(|e| failed(opening, e))?;
    Ok(Vec::new())
}

async fn is_pending(connection: &mut PgConnection, opening: &str) -> Result<bool> {
    let found = version(connection).await.map_err(|e| failed(opening, e))?;
    Ok(!pending(found, MIGRATIONS)?.is_empty())
}

/// For reading: the tables of this version must be there.
pub(super) async fn check_version(connection: &mut PgConnection, opening: &str) -> Result<()> {
    let found = version(connection).await.map_err(|e| failed(opening, e))?;
    complete(found, MIGRATIONS, opening)
}

async fn create(connection: &mut PgConnection, table: &Table, found: &FoundTable, opening: &str) -> Result<()> {
    let is_missing = found.name.is_none();
    execute(connection, CREATE_VERSIONS, opening).await?;
    let found = version(connection).await.map_err(|e| failed(opening, e))?;
    for migration in pending(found, MIGRATIONS)? {
        for statement in migration.statements() {
            execute(connection, statement, opening).await?;
        }
        let noted = sqlx::query(NOTE_VERSION).bind(migration.version).execute(&mut *connection).await;
        noted.map_err(|e| failed(opening, e))?;
    }
    if is_missing {
        execute(connection, DIALECT.create_table(table), opening).await?;
    }
    Ok(())
}

async fn execute(connection: &mut PgConnection, statement: impl Into<String>, opening: &str) -> Result<()> {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.into())).execute(connection).await;
    done.map(|_| ()).map_err(|e| failed(opening, e))
}

/// Asked for without an error where there is no table: an error would end the transaction that it is asked in.
async fn version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let exists: bool = sqlx::query_scalar(HAS_VERSIONS).fetch_one(&mut *connection).await?;
    if !exists {
        return Ok(0);
    }
    match sqlx::query_scalar(SELECT_VERSION).fetch_one(connection).await {
        Err(error) if code_of(&error).as_deref() == Some(UNDEFINED_TABLE) => Ok(0),
        version => version,
    }
}

/// Runs what registering does on no rows: rights and columns are looked at. Nothing is kept.
pub(super) async fn rehearse(connection: &mut PgConnection, sql: &Statements, doing: &str) -> Result<()> {
    let error = |e| failed(doing, e);
    let mut transaction = connection.begin().await.map_err(error)?;
    for (statement, arrays) in [
        (sql::INSERT_ENTRIES, 16),
        (sql::UPDATE_ENTRIES, 16),
        (sql::RAISE_VERSIONS, 3),
        (sql.delete_rows.as_str(), 4),
        (sql.insert_rows.as_str(), 9),
        (sql.update_rows.as_str(), 9),
        (sql.rewrite_urls.as_str(), 6),
        (sql::LOCK_ENTRIES, 1),
        (sql.rows_of_entities.as_str(), 2),
        (sql::ADD_COUNTS, 6),
        (sql::FORGET_HISTORY, 1),
        // The last one, since registrations wait for it.
        (sql::INSERT_HISTORY, 13),
    ] {
        let date = "timestamptz 'epoch'";
        let empty = with_empty_arrays(statement, arrays).replace(&format!("${}::timestamptz", arrays + 1), date);
        sqlx::raw_sql(AssertSqlSafe(empty)).execute(&mut *transaction).await.map_err(error)?;
    }
    let of_nobody = sqlx::query(AssertSqlSafe(sql.reads.entity_rows.clone())).bind("").bind(0_i64);
    of_nobody.persistent(false).execute(&mut *transaction).await.map_err(error)?;
    // A default is not computed for no rows.
    let closed = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql.closed_sequences.clone())).persistent(false);
    if let Some(sequence) = closed.fetch_optional(&mut *transaction).await.map_err(error)? {
        let doing = format!("{doing}: this user may not number rows; fix: GRANT USAGE ON SEQUENCE {sequence}");
        return Err(Error::new(Place::Catalog, Kind::Denied, doing));
    }
    transaction.rollback().await.map_err(error)
}

/// The statement with empty arrays for its parameters.
fn with_empty_arrays(statement: &str, arrays: usize) -> String {
    // From the last one, since $1 also begins $10.
    (1..=arrays).rev().fold(statement.to_owned(), |sql, at| sql.replace(&format!("${at}::"), "'{}'::"))
}
