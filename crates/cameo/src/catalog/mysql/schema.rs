//! Tables in MySQL and MariaDB: brought up to date, created, and checked before anything is registered.

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use super::{
    failure::{UNKNOWN_TABLE, failed, number_of},
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
    model::error::Result,
};

/// The migrations, oldest first. One that was released is never edited.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("../../../migrations/mysql/0001_ledger.sql") },
    Migration { version: 2, sql: include_str!("../../../migrations/mysql/0002_published_sizes.sql") },
    Migration { version: 3, sql: include_str!("../../../migrations/mysql/0003_history.sql") },
    Migration { version: 4, sql: include_str!("../../../migrations/mysql/0004_tokens.sql") },
    Migration { version: 5, sql: include_str!("../../../migrations/mysql/0005_people.sql") },
    Migration { version: 6, sql: include_str!("../../../migrations/mysql/0006_counts.sql") },
    Migration { version: 7, sql: include_str!("../../../migrations/mysql/0007_webhooks.sql") },
];

/// A column is there already.
const DUPLICATE_COLUMN: u16 = 1060;
/// Held while tables are made, so that workers that start together do not make them twice.
const LOCK_SCHEMA: &str = "DO GET_LOCK(CONCAT('cameo_schema.', LEFT(MD5(DATABASE()), 20)), 60)";
const UNLOCK_SCHEMA: &str = "DO RELEASE_ALL_LOCKS()";
const CREATE_VERSIONS: &str =
    "CREATE TABLE IF NOT EXISTS cameo_schema (version BIGINT NOT NULL PRIMARY KEY) ENGINE = InnoDB";
const SELECT_VERSION: &str = "SELECT CAST(COALESCE(MAX(version), 0) AS SIGNED) FROM cameo_schema";
const NOTE_VERSION: &str = "INSERT INTO cameo_schema (version) VALUES (?) ON DUPLICATE KEY UPDATE version = version";

/// A statement that is never carried out, since a table cannot have a column twice; but the right to create one is looked at
/// before that.
const MAY_CREATE: &str = "CREATE TABLE cameo_schema (version BIGINT, version BIGINT)";
/// Never carried out either, since no table of ours has the column: migrations add some to tables that are there.
const MAY_ALTER: &str = "ALTER TABLE cameo_originals DROP COLUMN cameo_never_there";
/// A column twice; a table that is there; a column or a table that is not.
const NOT_CARRIED_OUT: [u16; 4] = [1060, 1050, 1091, UNKNOWN_TABLE];

/// Makes what is missing and checks that everything that registering does is possible.
pub(super) async fn prepare(connection: &mut MySqlConnection, table: &Table, opening: &str) -> Result<FoundTable> {
    let mut found = look(connection, table, opening).await?;
    let pending = is_pending(connection, opening).await?;
    if pending || found.name.is_none() {
        execute(connection, LOCK_SCHEMA, opening).await?;
        create(connection, table, &found, opening).await?;
        execute(connection, UNLOCK_SCHEMA, opening).await?;
        found = look(connection, table, opening).await?;
    }
    rehearse(connection, &Statements::new(table, &found)).await.map_err(|error| failed(opening, error))?;
    Ok(found)
}

/// Describes the table, and refuses one that does not fit.
async fn look(connection: &mut MySqlConnection, table: &Table, opening: &str) -> Result<FoundTable> {
    let found = inspect(connection, table, opening).await?;
    refuse(&mismatches(table, &found, DIALECT), table, opening)?;
    Ok(found)
}

/// What [`prepare`] would refuse, without making anything: what does not fit, or else the error of the first statement that
/// this user cannot run.
pub(super) async fn check(connection: &mut MySqlConnection, table: &Table, opening: &str) -> Result<Vec<Mismatch>> {
    let found = inspect(connection, table, opening).await?;
    let mismatches = mismatches(table, &found, DIALECT);
    if !mismatches.is_empty() {
        return Ok(mismatches);
    }
    let pending = is_pending(connection, opening).await?;
    if pending || found.name.is_none() {
        let needed = if pending { &[MAY_CREATE, MAY_ALTER][..] } else { &[MAY_CREATE] };
        for statement in needed {
            match sqlx::raw_sql(*statement).execute(&mut *connection).await {
                Err(error) if number_of(&error).is_some_and(|number| NOT_CARRIED_OUT.contains(&number)) => {}
                Err(error) => return Err(failed(opening, error)),
                Ok(_) => {}
            }
        }
        return Ok(Vec::new());
    }
    rehearse(connection, &Statements::new(table, &found)).await.map_err(|error| failed(opening, error))?;
    Ok(Vec::new())
}

async fn is_pending(connection: &mut MySqlConnection, opening: &str) -> Result<bool> {
    let found = version(connection).await.map_err(|e| failed(opening, e))?;
    Ok(!pending(found, MIGRATIONS)?.is_empty())
}

/// For reading: the tables of this version must be there.
pub(super) async fn check_version(connection: &mut MySqlConnection, opening: &str) -> Result<()> {
    let found = version(connection).await.map_err(|e| failed(opening, e))?;
    complete(found, MIGRATIONS, opening)
}

async fn create(connection: &mut MySqlConnection, table: &Table, found: &FoundTable, opening: &str) -> Result<()> {
    let is_missing = found.name.is_none();
    execute(connection, CREATE_VERSIONS, opening).await?;
    let found = version(connection).await.map_err(|e| failed(opening, e))?;
    for migration in pending(found, MIGRATIONS)? {
        for statement in migration.statements() {
            match sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await {
                // MySQL has no ADD COLUMN IF NOT EXISTS, and a migration that was killed is run again.
                Err(error) if number_of(&error) == Some(DUPLICATE_COLUMN) => {}
                done => {
                    done.map_err(|e| failed(opening, e))?;
                }
            }
        }
        let noted = sqlx::query(NOTE_VERSION).bind(migration.version).execute(&mut *connection).await;
        noted.map_err(|e| failed(opening, e))?;
    }
    if is_missing {
        execute(connection, DIALECT.create_table(table), opening).await?;
    }
    Ok(())
}

async fn execute(connection: &mut MySqlConnection, statement: impl Into<String>, opening: &str) -> Result<()> {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.into())).execute(connection).await;
    done.map(|_| ()).map_err(|e| failed(opening, e))
}

async fn version(connection: &mut MySqlConnection) -> Result<i64, sqlx::Error> {
    match sqlx::query_scalar(SELECT_VERSION).fetch_one(connection).await {
        Err(error) if number_of(&error) == Some(UNKNOWN_TABLE) => Ok(0),
        version => version,
    }
}

/// Runs what registering does on no rows: rights and columns are looked at. Nothing is kept.
pub(super) async fn rehearse(connection: &mut MySqlConnection, sql: &Statements) -> Result<(), sqlx::Error> {
    let nothing =
        |columns: usize| format!("SELECT {} FROM (SELECT 1) AS one WHERE 1 = 0", ["NULL"].repeat(columns).join(", "));
    let mut transaction = connection.begin().await?;
    for statement in [
        format!("{}{}{}", sql::INSERT_ENTRIES, nothing(16), sql::ON_KNOWN_ENTRY),
        format!("{}{}{}", sql::INSERT_VERSIONS, nothing(3), sql::ON_KNOWN_VERSION),
        format!("{}{}", sql.insert_rows, nothing(11)),
        sql.delete_row.replace('?', "NULL"),
        // No row has the vertical NULL, so nothing is set to it.
        sql.update_row.replace('?', "NULL"),
        sql.rewrite_url.replace('?', "NULL"),
        format!("{}entry.object_key IN (NULL) FOR UPDATE", sql::SELECT_ENTRY),
        sql.reads.entity_rows.replace('?', "NULL"),
        format!("{}{}{}", sql::INSERT_COUNTS, nothing(6), sql::ON_KNOWN_COUNT),
        format!("{}{}", sql::INSERT_HISTORY, nothing(14)),
        sql::RAISE_POSITION.replace("VALUES (1, LAST_INSERT_ID(?))", &nothing(2)).replace('?', "0"),
        sql::FORGET_HISTORY.replace('?', "NULL"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    }
    transaction.rollback().await
}
