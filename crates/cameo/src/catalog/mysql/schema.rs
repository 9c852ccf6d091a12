//! Tables in MySQL and MariaDB: brought up to date, created, and checked before anything is registered.

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use super::{
    failure::{UNKNOWN_COLUMN, UNKNOWN_TABLE, failed, number_of},
    statements::{Statements, sql},
};
use crate::{
    catalog::{
        schema::{Migration, complete, pending},
        table::Table,
    },
    error::{Error, Kind, Place, Result},
};

/// The migrations, oldest first. One that was released is never edited.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("../../../migrations/mysql/0001_ledger.sql") },
    Migration { version: 2, sql: include_str!("../../../migrations/mysql/0002_published_sizes.sql") },
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

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS {table} (
    {idx}         BIGINT        NOT NULL AUTO_INCREMENT,
    {vertical}    VARCHAR(64)   NOT NULL,
    {cd_idx}      BIGINT        NOT NULL,
    {image_size}  VARCHAR(32)   NOT NULL,
    {sequence}    INT           NOT NULL,
    {image_url}   VARCHAR(2048) NOT NULL,
    {width}       INT           NOT NULL,
    {height}      INT           NOT NULL,
    {bytes}       BIGINT        NOT NULL,
    {etag}        VARCHAR(255)  NOT NULL,
    {regist_date} DATETIME      NOT NULL COMMENT 'UTC',
    {update_date} DATETIME      NOT NULL COMMENT 'UTC',
    PRIMARY KEY ({idx}),
    UNIQUE KEY {index}_photo ({vertical}, {cd_idx}, {image_size}, {sequence}),
    KEY {index}_by_cd_idx ({cd_idx})
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin";
const CREATE_UNIQUE: &str =
    "ALTER TABLE {table} ADD UNIQUE KEY {index}_photo ({vertical}, {cd_idx}, {image_size}, {sequence})";
const COLLATE: &str =
    "ALTER TABLE {table} MODIFY {vertical} VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL";
/// The columns of each unique index, in the order of their names.
const UNIQUE_INDEXES: &str =
    "SELECT CONVERT(GROUP_CONCAT(LOWER(column_name) ORDER BY LOWER(column_name) SEPARATOR ' ') USING utf8mb4)
    FROM information_schema.statistics
    WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND non_unique = 0
    GROUP BY index_name";
const COLLATION: &str = "SELECT CONVERT(collation_name USING utf8mb4) FROM information_schema.columns
    WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND column_name = ?";

/// Makes what is missing and checks that everything that registering does is possible.
pub(super) async fn prepare(connection: &mut MySqlConnection, table: &Table, opening: &str) -> Result<()> {
    let found = version(connection).await.map_err(|e| failed(opening, e))?;
    let done = pending(found, MIGRATIONS)?.is_empty() && exists(connection, table).await?;
    if !done {
        execute(connection, LOCK_SCHEMA, opening).await?;
        create(connection, table, opening).await?;
        execute(connection, UNLOCK_SCHEMA, opening).await?;
    }
    rehearse(connection, &Statements::new(table)).await.map_err(|error| misfit(opening, table, error))?;
    check_unique_index(connection, table, opening).await?;
    check_collation(connection, table, opening).await
}

/// For reading: the tables of this version must be there.
pub(super) async fn check_version(connection: &mut MySqlConnection, opening: &str) -> Result<()> {
    let found = version(connection).await.map_err(|e| failed(opening, e))?;
    complete(found, MIGRATIONS, opening)
}

async fn create(connection: &mut MySqlConnection, table: &Table, opening: &str) -> Result<()> {
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
    if !exists(connection, table).await? {
        execute(connection, naming(table, CREATE_TABLE), opening).await?;
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

async fn exists(connection: &mut MySqlConnection, table: &Table) -> Result<bool> {
    let probe = table.statement("SELECT 1 FROM {table} WHERE 1 = 0");
    match sqlx::query(AssertSqlSafe(probe)).execute(connection).await {
        Ok(_) => Ok(true),
        Err(error) if number_of(&error) == Some(UNKNOWN_TABLE) => Ok(false),
        Err(error) => Err(failed(&format!("look at the table {}", table.name()), error)),
    }
}

/// Runs every statement that writes, on no rows: rights and columns are looked at.
async fn rehearse(connection: &mut MySqlConnection, sql: &Statements) -> Result<(), sqlx::Error> {
    let nothing =
        |columns: usize| format!("SELECT {} FROM (SELECT 1) AS one WHERE 1 = 0", ["NULL"].repeat(columns).join(", "));
    let mut transaction = connection.begin().await?;
    for statement in [
        format!("{}{}{}", sql::INSERT_ENTRIES, nothing(16), sql::ON_KNOWN_ENTRY),
        format!("{}{}{}", sql::INSERT_VERSIONS, nothing(3), sql::ON_KNOWN_VERSION),
        format!("{}{}{}", sql.insert_rows, nothing(11), sql.on_known_row),
        sql.delete_row.replace('?', "NULL"),
        // No row has the vertical NULL, so nothing is set to it.
        sql.rewrite_url.replace('?', "NULL"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    }
    transaction.rollback().await
}

fn misfit(opening: &str, table: &Table, error: sqlx::Error) -> Error {
    if number_of(&error) != Some(UNKNOWN_COLUMN) {
        return failed(opening, error);
    }
    let hint = format!("the table {} lacks a column, add it or name it in catalog.columns", table.name());
    Error::new(Place::Catalog, Kind::Misconfigured, format!("{opening}: {hint}")).because(error)
}

/// Without it, a row that is registered again would stand twice.
async fn check_unique_index(connection: &mut MySqlConnection, table: &Table, opening: &str) -> Result<()> {
    let (schema, name) = schema_and_name(table);
    let found: Vec<String> = sqlx::query_scalar(UNIQUE_INDEXES)
        .bind(schema)
        .bind(name)
        .fetch_all(connection)
        .await
        .map_err(|e| failed(opening, e))?;
    let mut wanted = ["vertical", "cd_idx", "image_size", "sequence"].map(|column| table.column(column).to_lowercase());
    wanted.sort();
    if found.contains(&wanted.join(" ")) {
        return Ok(());
    }
    let add = naming(table, CREATE_UNIQUE);
    let hint = format!("{opening}: the table {} lacks a unique index, add it: {add}", table.name());
    Err(Error::new(Place::Catalog, Kind::Misconfigured, hint))
}

/// In a collation that ignores case, two verticals that differ in it would share rows.
async fn check_collation(connection: &mut MySqlConnection, table: &Table, opening: &str) -> Result<()> {
    let (schema, name) = schema_and_name(table);
    let found: Option<Option<String>> = sqlx::query_scalar(COLLATION)
        .bind(schema)
        .bind(name)
        .bind(table.column("vertical"))
        .fetch_optional(connection)
        .await
        .map_err(|e| failed(opening, e))?;
    if let Some(collation) = found.flatten().filter(|collation| !collation.ends_with("_bin")) {
        let mend = table.statement(COLLATE);
        tracing::warn!(table = table.name(), collation, mend, "verticals that differ in case or accents share rows");
    }
    Ok(())
}

pub(super) fn schema_and_name(table: &Table) -> (Option<&str>, &str) {
    match table.name().rsplit_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, table.name()),
    }
}

/// The statement, with the table's name as it may begin an index's name.
fn naming(table: &Table, template: &str) -> String {
    table.statement(&template.replace("{index}", schema_and_name(table).1))
}
