//! How the public table stands in MySQL or MariaDB, read from its description. Nothing is changed.

use sqlx::MySqlConnection;

use super::{connect, failure::failed, schema::schema_and_name};
use crate::{
    catalog::{
        fit::{FoundColumn, FoundTable},
        limits::ServerLimits,
        server::without_password,
        table::Table,
    },
    error::Result,
};

/// Converted, since MySQL describes itself in a character set of its own.
const COLUMNS: &str = "SELECT CONVERT(column_name USING utf8mb4), CONVERT(LOWER(data_type) USING utf8mb4),
        CAST(character_maximum_length AS SIGNED),
        CAST(is_nullable = 'YES' OR column_default IS NOT NULL OR extra LIKE '%auto_increment%' AS SIGNED),
        CAST(extra LIKE '%auto_increment%' AS SIGNED)
    FROM information_schema.columns
    WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? ORDER BY ordinal_position";
const UNIQUE_INDEXES: &str =
    "SELECT CONVERT(GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ' ') USING utf8mb4)
    FROM information_schema.statistics
    WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND non_unique = 0
    GROUP BY index_name";

/// Describes the public table.
pub async fn inspect(url: &str, limits: &ServerLimits, table: &Table) -> Result<FoundTable> {
    let opening = format!("look at the table {} of {}", table.name(), without_password(url));
    let (_, mut connection) = connect(url, limits, &opening).await?;
    read(&mut connection, table).await.map_err(|error| failed(&opening, error))
}

/// A column as [`COLUMNS`] asks for it.
type Described = (String, String, Option<i64>, i64, i64);

async fn read(connection: &mut MySqlConnection, table: &Table) -> Result<FoundTable, sqlx::Error> {
    let (schema, name) = schema_and_name(table);
    let columns: Vec<Described> = sqlx::query_as(COLUMNS).bind(schema).bind(name).fetch_all(&mut *connection).await?;
    let indexes: Vec<String> =
        sqlx::query_scalar(UNIQUE_INDEXES).bind(schema).bind(name).fetch_all(&mut *connection).await?;
    let column = |(name, data_type, length, may_be_left_out, numbers_rows): Described| FoundColumn {
        name,
        data_type,
        max_characters: length.and_then(|length| u64::try_from(length).ok()),
        may_be_left_out: may_be_left_out != 0,
        numbers_rows: numbers_rows != 0,
    };
    Ok(FoundTable {
        columns: columns.into_iter().map(column).collect(),
        unique_indexes: indexes.iter().map(|index| index.split(' ').map(str::to_owned).collect()).collect(),
    })
}
