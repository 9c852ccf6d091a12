//! How the public table stands in MySQL or MariaDB, read from its description. Nothing is changed.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, FromRow, MySqlConnection};

use super::failure::{UNKNOWN_TABLE, failed, number_of};
use crate::{
    catalog::{
        table::Table,
        table_check::{Comparison, Dialect, FoundColumn, FoundIndex, FoundTable, IndexPart, Mismatch, definitions},
    },
    model::error::Result,
};

/// Converted, since MySQL describes itself in a character set of its own. Names of tables are compared as the server does.
const TABLE: &str =
    "SELECT CONVERT(t.table_name USING utf8mb4) AS name, CONVERT(t.table_type USING utf8mb4) AS table_type,
        CONVERT(t.engine USING utf8mb4) AS engine, CONVERT(e.transactions USING utf8mb4) AS transactions
    FROM information_schema.tables AS t LEFT JOIN information_schema.engines AS e ON e.engine = t.engine
    WHERE t.table_schema = COALESCE(?, DATABASE()) AND t.table_name = ?
        AND (@@lower_case_table_names <> 0 OR BINARY t.table_name = BINARY ?)";
const COLUMNS: &str =
    "SELECT CONVERT(column_name USING utf8mb4) AS name, CONVERT(LOWER(data_type) USING utf8mb4) AS data_type,
        CAST(character_maximum_length AS SIGNED) AS max_characters,
        CONVERT(character_set_name USING utf8mb4) AS character_set, CONVERT(collation_name USING utf8mb4) AS collation,
        CAST(is_nullable = 'YES' AS SIGNED) AS is_nullable,
        CAST(column_default IS NOT NULL AND column_default <> 'NULL' AS SIGNED) AS has_default,
        CONVERT(LOWER(COALESCE(column_default, '')) USING utf8mb4) AS default_value,
        CONVERT(LOWER(extra) USING utf8mb4) AS extra
    FROM information_schema.columns
    WHERE table_schema = COALESCE(?, DATABASE()) AND BINARY table_name = BINARY ? ORDER BY ordinal_position";
const INDEXES: &str =
    "SELECT CONVERT(index_name USING utf8mb4) AS name, CONVERT(column_name USING utf8mb4) AS column_name,
        CAST(sub_part IS NULL AS SIGNED) AS is_whole, CAST(non_unique = 0 AS SIGNED) AS is_unique
    FROM information_schema.statistics
    WHERE table_schema = COALESCE(?, DATABASE()) AND BINARY table_name = BINARY ? ORDER BY index_name, seq_in_index";
const LEDGER_SERVES: &str = "SELECT 1 FROM cameo_originals WHERE serving_generation IS NOT NULL LIMIT 1";

/// Character sets that hold every character of a name of ours; Hangul is within the first 65,536 characters of Unicode.
const UNICODE: [&str; 6] = ["utf8mb4", "utf8mb3", "utf8", "ucs2", "utf16", "utf32"];

/// Whose statements these are.
pub(super) const DIALECT: Dialect = Dialect::MySql;

#[derive(Debug, FromRow)]
struct DescribedTable {
    name: String,
    table_type: String,
    engine: Option<String>,
    transactions: Option<String>,
}

#[derive(Debug, FromRow)]
struct DescribedColumn {
    name: String,
    data_type: String,
    max_characters: Option<i64>,
    character_set: Option<String>,
    collation: Option<String>,
    is_nullable: i64,
    has_default: i64,
    default_value: String,
    extra: Option<String>,
}

#[derive(Debug, FromRow)]
struct DescribedPart {
    name: String,
    column_name: Option<String>,
    is_whole: i64,
    is_unique: i64,
}

/// Describes the public table.
pub(super) async fn inspect(connection: &mut MySqlConnection, table: &Table, opening: &str) -> Result<FoundTable> {
    let error = |e| failed(opening, e);
    let (schema, name) = schema_and_name(table);
    let described: Option<DescribedTable> = sqlx::query_as(TABLE)
        .bind(schema)
        .bind(name)
        .bind(name)
        .fetch_optional(&mut *connection)
        .await
        .map_err(error)?;
    let Some(described) = described else { return missing(connection, table, opening).await };
    let columns: Vec<DescribedColumn> =
        sqlx::query_as(COLUMNS).bind(schema).bind(&described.name).fetch_all(&mut *connection).await.map_err(error)?;
    let parts: Vec<DescribedPart> =
        sqlx::query_as(INDEXES).bind(schema).bind(&described.name).fetch_all(&mut *connection).await.map_err(error)?;
    let faults = faults(&described, table);
    let definitions = if faults.is_empty() { declared(connection, table, opening).await? } else { BTreeMap::new() };
    let leading = leading(&parts);
    let column = |described| column(described, &definitions, &parts, &leading);
    Ok(FoundTable {
        columns: columns.into_iter().map(column).collect(),
        unique_indexes: unique_indexes(&parts),
        index_names: parts.iter().map(|part| part.name.clone()).collect(),
        name: Some(described.name),
        schema: None,
        faults,
        ledger_serves: false,
    })
}

fn quoted(table: &Table) -> Table {
    table.quoted('`', table.name(), str::to_owned)
}

/// A table that is not described does not exist, or is hidden from a user without rights: the error tells.
async fn missing(connection: &mut MySqlConnection, table: &Table, opening: &str) -> Result<FoundTable> {
    let probe = quoted(table).statement("SELECT 1 FROM {table} WHERE 1 = 0");
    let unknown = |error: &sqlx::Error| number_of(error) == Some(UNKNOWN_TABLE);
    match sqlx::query(AssertSqlSafe(probe)).execute(&mut *connection).await {
        Err(error) if unknown(&error) => {}
        Err(error) => return Err(failed(opening, error)),
        Ok(_) => {}
    }
    let serves = sqlx::query(LEDGER_SERVES).fetch_optional(connection).await;
    let ledger_serves = match serves {
        Err(error) if unknown(&error) => false,
        serves => serves.map_err(|e| failed(opening, e))?.is_some(),
    };
    Ok(FoundTable { ledger_serves, ..FoundTable::default() })
}

fn faults(described: &DescribedTable, table: &Table) -> Vec<Mismatch> {
    let name = table.name();
    if described.table_type != "BASE TABLE" {
        let kind = described.table_type.to_lowercase();
        return vec![Mismatch::in_words(format!("{name} is a {kind}; name a table in catalog.table"))];
    }
    if described.transactions.as_deref() == Some("YES") {
        return Vec::new();
    }
    let engine = described.engine.as_deref().unwrap_or("unknown");
    let what =
        format!("the engine of {name} is {engine}, which has no transactions, so rows and ledger could disagree");
    vec![Mismatch::mended_by(what, quoted(table).statement("ALTER TABLE {table} ENGINE = InnoDB"))]
}

/// The definitions of the columns, as they were declared.
async fn declared(connection: &mut MySqlConnection, table: &Table, opening: &str) -> Result<BTreeMap<String, String>> {
    let show = quoted(table).statement("SHOW CREATE TABLE {table}");
    let (_, create): (String, String) =
        sqlx::query_as(AssertSqlSafe(show)).fetch_one(connection).await.map_err(|e| failed(opening, e))?;
    Ok(definitions(&create).into_iter().collect())
}

/// The columns that indexes begin with.
fn leading(parts: &[DescribedPart]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let first = parts.iter().filter(|part| seen.insert(part.name.as_str()));
    first.filter_map(|part| part.column_name.clone()).collect()
}

fn column(
    described: DescribedColumn,
    definitions: &BTreeMap<String, String>,
    parts: &[DescribedPart],
    leading: &BTreeSet<String>,
) -> FoundColumn {
    let extra = described.extra.unwrap_or_default();
    let numbers_rows = extra.contains("auto_increment");
    let has_default = described.has_default != 0 || extra.contains("default_generated");
    let is_nullable = described.is_nullable != 0;
    let comparison = described.collation.map(|collation| Comparison {
        by_bytes: collation.ends_with("_bin") || collation == "binary",
        holds_unicode: described.character_set.is_some_and(|set| UNICODE.contains(&set.as_str())),
        collation,
    });
    let is_indexed = parts.iter().any(|part| part.column_name.as_deref() == Some(described.name.as_str()));
    FoundColumn {
        data_type: described.data_type,
        max_characters: described.max_characters.and_then(|length| u64::try_from(length).ok()),
        definition: definitions.get(&described.name).cloned(),
        may_be_left_out: is_nullable || has_default || numbers_rows,
        is_null_when_left_out: is_nullable && !has_default,
        is_distinct_by_itself: numbers_rows || described.default_value.contains("uuid("),
        is_generated: extra.contains("generated") && !extra.contains("default_generated"),
        comparison,
        is_indexed,
        leads_index: leading.contains(&described.name),
        name: described.name,
    }
}

fn unique_indexes(parts: &[DescribedPart]) -> Vec<FoundIndex> {
    let mut indexes: Vec<FoundIndex> = Vec::new();
    for part in parts.iter().filter(|part| part.is_unique != 0) {
        let column = IndexPart { column: part.column_name.clone(), is_whole: part.is_whole != 0 };
        match indexes.last_mut().filter(|index| index.name == part.name) {
            Some(index) => index.parts.push(column),
            None => indexes.push(FoundIndex {
                name: part.name.clone(),
                parts: vec![column],
                primary: part.name == "PRIMARY",
                ..FoundIndex::default()
            }),
        }
    }
    indexes
}

fn schema_and_name(table: &Table) -> (Option<&str>, &str) {
    match table.name().rsplit_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, table.name()),
    }
}
