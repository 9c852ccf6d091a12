//! The public table in the embedded database: created, looked at before anything is registered, and read whatever others
//! have written into it.
//!
//! A row is decided by four columns alone, compared byte by byte. `SQLite` compares as the index says, and an upsert takes the
//! row that the index finds; so an index that ignores case, and any other unique one, is refused at the start.

use rusqlite::{Connection, OptionalExtension, Row as SqliteRow, types::ValueRef};

use super::Statements;
use crate::{
    catalog::{ForeignRows, rows::RowColumns, table::Table},
    db::{Done, Sqlite},
    model::error::{Error, Kind, Place, Result},
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

const EXISTS: &str = "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND lower(name) = lower(?1)";
const LEDGER_SERVES: &str = "SELECT 1 FROM cameo_originals WHERE serving_generation IS NOT NULL LIMIT 1";
/// The key columns of each unique index but the primary key, with how each is compared.
const UNIQUE_INDEXES: &str = "SELECT i.name, lower(coalesce(c.name, '')), upper(c.coll)
    FROM pragma_index_list(?1) AS i JOIN pragma_index_xinfo(i.name) AS c
    WHERE i.\"unique\" = 1 AND i.origin <> 'pk' AND c.key = 1 ORDER BY i.name, c.seqno";

/// Every column, with what is declared of it: those that the database computes itself are left out.
const COLUMNS_FOUND: &str =
    "SELECT lower(name), upper(type), \"notnull\" = 1 AND dflt_value IS NULL AND NOT (pk = 1 AND upper(type) = 'INTEGER')
    FROM pragma_table_xinfo(?1) WHERE hidden = 0";
const NUMBERS: [&str; 5] = ["cd_idx", "sequence", "width", "height", "bytes"];
const TEXTS: [&str; 4] = ["vertical", "image_size", "image_url", "etag"];

/// Rows whose key cannot be one of ours.
pub(super) const FOREIGN: &str =
    "SELECT {vertical}, {cd_idx}, {sequence}, {image_size}, {image_url}, {width}, {height},
        {bytes}, {etag} FROM {table}
    WHERE NOT coalesce(typeof({vertical}) = 'text' AND length({vertical}) BETWEEN 1 AND 64 AND {vertical} NOT LIKE '-%'
        AND {vertical} NOT GLOB '*[^0-9A-Za-z_가-힣-]*' AND typeof({cd_idx}) = 'integer'
        AND {cd_idx} BETWEEN 1 AND 9007199254740991 AND typeof({sequence}) = 'integer'
        AND {sequence} BETWEEN 0 AND 65535 AND typeof({image_size}) = 'text' AND {image_size} <> '', 0)";

/// Creates the table where it does not exist, and lets the database explain every statement that writes, which looks at
/// the columns and the unique index.
pub(super) fn prepare(connection: &Connection, table: &Table, sql: &Statements) -> Done<()> {
    refuse_replacing(connection, table)?;
    for statement in [CREATE_TABLE, CREATE_INDEX] {
        connection.execute_batch(&table.statement(statement))?;
    }
    look(connection, table, sql)
}

/// What `prepare` would refuse, in a database that is opened for reading only.
pub async fn check(db: &Sqlite, table: &Table) -> Result<()> {
    let (table, sql) = (table.clone(), Statements::new(table));
    let look = move |connection: &Connection| {
        refuse_replacing(connection, &table)?;
        if exists(connection, &table)? { look(connection, &table, &sql) } else { Ok(()) }
    };
    db.read(Place::Catalog, "look at the public table", look).await
}

/// Looks at a table that is there: columns, and unique indexes.
pub(super) fn look(connection: &Connection, table: &Table, sql: &Statements) -> Done<()> {
    for statement in [&sql.upsert_row, &sql.delete_row, &sql.rewrite_url] {
        connection.prepare(statement).map_err(|error| mismatch(table, &error))?;
    }
    refuse_columns(connection, table)?;
    refuse_indexes(connection, table)
}

/// Columns that would give back something else than what is written, and others without which no row can be written.
fn refuse_columns(connection: &Connection, table: &Table) -> Done<()> {
    let mut query = connection.prepare(COLUMNS_FOUND)?;
    let columns = query.query_map([table.plain_name()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for column in columns {
        let (name, declared, is_required): (String, String, bool) = column?;
        let is_one_of = |ours: &[&'static str]| ours.iter().any(|ours| table.column(ours).eq_ignore_ascii_case(&name));
        let what = if is_one_of(&NUMBERS) {
            (!keeps_numbers(&declared)).then(|| format!("its column {name} is {declared}, and must be INTEGER"))
        } else if is_one_of(&TEXTS) {
            (!keeps_texts(&declared)).then(|| format!("its column {name} is {declared}, and must be TEXT"))
        } else {
            let is_written = is_one_of(&["regist_date", "update_date"]);
            (is_required && !is_written).then(|| {
                format!(
                    "a row cannot be written without its column {name}, which is not Cameo's: give it a default value"
                )
            })
        };
        if let Some(what) = what {
            return Err(unfit(format!("use the table {}: {what}", table.name())));
        }
    }
    Ok(())
}

/// Whether a whole number that is written is a whole number when it is read ("Determination Of Column Affinity" of `SQLite`).
fn keeps_numbers(declared: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    has(&["INT"]) || !has(&["CHAR", "CLOB", "TEXT", "REAL", "FLOA", "DOUB"])
}

/// Whether a text of digits stays one.
fn keeps_texts(declared: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    !has(&["INT"]) && (declared.is_empty() || has(&["CHAR", "CLOB", "TEXT", "BLOB"]))
}

fn exists(connection: &Connection, table: &Table) -> Done<bool> {
    Ok(connection.query_row(EXISTS, [table.plain_name()], |_| Ok(())).optional()?.is_some())
}

/// A table that is away must not be replaced by an empty one: photos are served, and had rows.
fn refuse_replacing(connection: &Connection, table: &Table) -> Done<()> {
    if exists(connection, table)? || connection.query_row(LEDGER_SERVES, (), |_| Ok(())).optional()?.is_none() {
        return Ok(());
    }
    let name = table.name();
    let create = table.statement(CREATE_TABLE).split_whitespace().collect::<Vec<_>>().join(" ");
    Err(unfit(format!(
        "use the table {name}: it does not exist, but the ledger has photos that are served from it: rename it back, name it \
         in catalog.table, or create it empty and run `cameo reconcile --apply`: {create}"
    )))
}

fn refuse_indexes(connection: &Connection, table: &Table) -> Done<()> {
    let mut query = connection.prepare(UNIQUE_INDEXES)?;
    let parts = query.query_map([table.plain_name()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let parts = parts.collect::<Result<Vec<(String, String, Option<String>)>, _>>()?;
    let key = ["vertical", "cd_idx", "image_size", "sequence"].map(|column| table.column(column).to_ascii_lowercase());
    let address = table.column("image_url").to_ascii_lowercase();
    for index in parts.chunk_by(|a, b| a.0 == b.0) {
        let name = &index[0].0;
        let has = |column: &String| {
            index.iter().any(|(_, there, how)| there == column && how.as_deref().is_none_or(|how| how == "BINARY"))
        };
        if !key.iter().all(has) && !has(&address) {
            return Err(unfit(format!(
                "use the table {}: in its unique index {name} the row of one photo can be in the way of another's; drop it, if no \
                 application needs it, and let one be on exactly {}, compared by bytes",
                table.name(),
                key.join(", ")
            )));
        }
    }
    Ok(())
}

/// That the table does not fit, with what mends it.
fn mismatch(table: &Table, error: &rusqlite::Error) -> Error {
    let name = table.name();
    let doing = if error.to_string().contains("UNIQUE constraint") {
        format!("use the table {name}: it lacks a unique index, add it: {}", table.statement(CREATE_UNIQUE))
    } else {
        format!("use the table {name}: it does not fit, add the column or name it in catalog.columns")
    };
    Error::new(Place::Catalog, Kind::Misconfigured, doing).because(error.to_string())
}

fn unfit(doing: String) -> crate::db::Failure {
    Error::new(Place::Catalog, Kind::Misconfigured, doing).into()
}

/// Reads a row, whatever its columns hold.
pub(super) fn read_columns(row: &SqliteRow<'_>) -> rusqlite::Result<RowColumns> {
    Ok(RowColumns {
        vertical: text(row, 0)?,
        cd_idx: text(row, 1)?,
        sequence: text(row, 2)?,
        image_size: text(row, 3)?,
        image_url: text(row, 4)?,
        width: text(row, 5)?,
        height: text(row, 6)?,
        bytes: text(row, 7)?,
        etag: text(row, 8)?,
    })
}

fn text(row: &SqliteRow<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null | ValueRef::Blob(_) => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
    })
}

pub(super) fn count_foreign(connection: &Connection, sql: &str) -> Done<ForeignRows> {
    let count: i64 = connection.query_row(&format!("SELECT count(*) FROM ({sql})"), (), |row| row.get(0))?;
    let example = connection.query_row(&format!("{sql} LIMIT 1"), (), read_columns).optional()?;
    Ok(ForeignRows { rows: count.unsigned_abs(), example: example.map(|columns| columns.shown()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_keeps_what_is_written_or_is_refused() {
        for declared in ["INTEGER", "BIGINT UNSIGNED", "NUMERIC", ""] {
            assert!(keeps_numbers(declared), "{declared}");
        }
        for declared in ["TEXT", "VARCHAR(20)", "REAL", "DOUBLE"] {
            assert!(!keeps_numbers(declared), "{declared}");
        }
        for (declared, keeps) in
            [("VARCHAR(64)", true), ("", true), ("INT", false), ("NUMERIC", false), ("POINT TEXT", false)]
        {
            assert_eq!(keeps_texts(declared), keeps, "{declared}");
        }
    }
}
