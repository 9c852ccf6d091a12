//! How the public table stands in PostgreSQL, read from its description. Nothing is changed.

use sqlx::PgConnection;

use super::{connect, failure::failed};
use crate::{
    catalog::{
        fit::{FoundColumn, FoundTable},
        limits::ServerLimits,
        server::without_password,
        table::Table,
    },
    error::Result,
};

/// `to_regclass` finds the table as statements would: by its schema, or along the search path.
const COLUMNS: &str = "SELECT a.attname::text, format_type(a.atttypid, NULL),
        CASE WHEN a.atttypmod > 4 AND a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype)
            THEN (a.atttypmod - 4)::bigint END,
        NOT a.attnotnull OR a.atthasdef OR a.attidentity <> '',
        a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
const UNIQUE_INDEXES: &str = "SELECT array_agg(a.attname::text)
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indpred IS NULL
    GROUP BY i.indexrelid";

/// Describes the public table.
pub async fn inspect(url: &str, limits: &ServerLimits, table: &Table) -> Result<FoundTable> {
    let opening = format!("look at the table {} of {}", table.name(), without_password(url));
    let (_, mut connection) = connect(url, limits, &opening).await?;
    read(&mut connection, table).await.map_err(|error| failed(&opening, error))
}

async fn read(connection: &mut PgConnection, table: &Table) -> Result<FoundTable, sqlx::Error> {
    type Described = (String, String, Option<i64>, bool, bool);
    let columns: Vec<Described> = sqlx::query_as(COLUMNS).bind(table.name()).fetch_all(&mut *connection).await?;
    let unique_indexes = sqlx::query_scalar(UNIQUE_INDEXES).bind(table.name()).fetch_all(&mut *connection).await?;
    let column = |(name, data_type, length, may_be_left_out, numbers_rows): Described| FoundColumn {
        name,
        data_type,
        max_characters: length.and_then(|length| u64::try_from(length).ok()),
        may_be_left_out,
        numbers_rows,
    };
    Ok(FoundTable { columns: columns.into_iter().map(column).collect(), unique_indexes })
}
