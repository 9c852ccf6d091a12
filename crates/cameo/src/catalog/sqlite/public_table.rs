//! The public table in the embedded database: created, and looked at before anything is registered.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::Statements;
use crate::{
    catalog::table::Table,
    error::{Place, Result},
    sqlite::failed,
};

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS {table} (
    {idx}         INTEGER PRIMARY KEY AUTOINCREMENT,
    {vertical}    TEXT    NOT NULL,
    {cd_idx}      INTEGER NOT NULL,
    {image_size}  TEXT    NOT NULL,
    {sequence}    INTEGER NOT NULL,
    {image_url}   TEXT    NOT NULL,
    {width}       INTEGER NOT NULL,
    {height}      INTEGER NOT NULL,
    {bytes}       INTEGER NOT NULL,
    {etag}        TEXT    NOT NULL,
    {regist_date} TEXT    NOT NULL,
    {update_date} TEXT    NOT NULL,
    UNIQUE ({vertical}, {cd_idx}, {image_size}, {sequence})
)";
const CREATE_INDEX: &str = "CREATE INDEX IF NOT EXISTS {table}_by_cd_idx ON {table} ({cd_idx})";
const CREATE_UNIQUE: &str =
    "CREATE UNIQUE INDEX {table}_photo ON {table} ({vertical}, {cd_idx}, {image_size}, {sequence})";

/// Creates the table where it does not exist, and lets the database explain every statement that writes, which looks at
/// the columns and the unique index.
pub(super) async fn prepare(connection: &mut SqliteConnection, table: &Table, sql: &Statements) -> Result<()> {
    for statement in [CREATE_TABLE, CREATE_INDEX] {
        let created = sqlx::query(AssertSqlSafe(table.statement(statement))).execute(&mut *connection).await;
        created.map_err(|e| failed(Place::Catalog, &format!("create the table {}", table.name()), e))?;
    }
    for statement in [&sql.upsert_row, &sql.delete_row, &sql.rewrite_url] {
        let explained = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN {statement}"))).execute(&mut *connection).await;
        explained.map_err(|error| failed(Place::Catalog, &using(table, &error), error))?;
    }
    Ok(())
}

/// What was being done, with what mends it.
fn using(table: &Table, error: &sqlx::Error) -> String {
    if error.to_string().contains("UNIQUE constraint") {
        let add = table.statement(CREATE_UNIQUE);
        return format!("use the table {}: it lacks a unique index, add it: {add}", table.name());
    }
    format!("use the table {}: it does not fit, add the column or name it in catalog.columns", table.name())
}
