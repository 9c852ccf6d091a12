//! The public table in the embedded database: created, and looked at before anything is registered.

use rusqlite::Connection;

use super::Statements;
use crate::{
    catalog::table::Table,
    error::{Error, Kind, Place},
    sqlite::Done,
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
pub(super) fn prepare(connection: &Connection, table: &Table, sql: &Statements) -> Done<()> {
    for statement in [CREATE_TABLE, CREATE_INDEX] {
        connection.execute_batch(&table.statement(statement))?;
    }
    for statement in [&sql.upsert_row, &sql.delete_row, &sql.rewrite_url] {
        connection.prepare(statement).map_err(|error| misfit(table, &error))?;
    }
    Ok(())
}

/// That the table does not fit, with what mends it.
fn misfit(table: &Table, error: &rusqlite::Error) -> Error {
    let name = table.name();
    let doing = if error.to_string().contains("UNIQUE constraint") {
        format!("use the table {name}: it lacks a unique index, add it: {}", table.statement(CREATE_UNIQUE))
    } else {
        format!("use the table {name}: it does not fit, add the column or name it in catalog.columns")
    };
    Error::new(Place::Catalog, Kind::Misconfigured, doing).because(error.to_string())
}
