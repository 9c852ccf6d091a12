//! How the public table stands in PostgreSQL, read from its description. Nothing is changed.

use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::failure::{UNDEFINED_TABLE, code_of, failed};
use crate::{
    catalog::{
        table::Table,
        table_check::{Comparison, Dialect, FoundColumn, FoundIndex, FoundTable, IndexPart, Mismatch},
    },
    model::error::Result,
};

/// `to_regclass` finds the table as statements would: by its schema, or along the search path; first as its name is
/// spelled, then as it is taken without quotes.
const TABLE: &str = "SELECT c.oid::bigint AS id, c.relname::text AS name, n.nspname::text AS schema, c.relkind::text AS kind,
        c.relpersistence::text AS persistence, row_security_active(c.oid) AS hides_rows,
        EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AND c.relkind = 'r' AS is_inherited,
        EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND c.relkind IN ('r', 'p')) AS has_rules
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = coalesce(to_regclass($1), to_regclass($2))";
const COLUMNS: &str = "SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS data_type,
        CASE WHEN a.atttypmod > 4 AND a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype)
            THEN (a.atttypmod - 4)::bigint END AS max_characters,
        NOT a.attnotnull AS is_nullable, a.atthasdef AS has_default, a.attidentity::text AS identity,
        a.attgenerated::text AS generated, coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS default_value,
        c.collname::text AS collation, coalesce(c.collisdeterministic, true) AS is_deterministic,
        EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey)) AS is_indexed
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_collation c ON c.oid = a.attcollation
    WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
/// A constraint that excludes equal rows is one that says they are unique. The columns of `INCLUDE` decide nothing; 0 is an expression. `NULLS NOT DISTINCT` is read from the definition, since
/// versions before 15 have no column for it.
const INDEXES: &str = "SELECT c.relname::text AS name, i.indisunique OR i.indisexclusion AS is_unique,
        i.indisprimary AS is_primary, i.indpred IS NOT NULL AS is_partial, NOT i.indisvalid AS is_invalid,
        EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid) AS of_constraint,
        pg_get_indexdef(i.indexrelid) LIKE '%NULLS NOT DISTINCT%' AS nulls_are_equal,
        ARRAY(SELECT a.attname::text FROM unnest((i.indkey::smallint[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS part (number, at)
            LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = part.number ORDER BY part.at) AS columns
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::oid ORDER BY c.relname";
const ENCODING: &str = "SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = current_database()";
/// Where this user may look at it.
const SEQUENCE: &str = "SELECT s FROM pg_get_serial_sequence($1, $2) AS s
    WHERE s IS NOT NULL AND has_sequence_privilege(s, 'SELECT')";
const LEDGER_SERVES: &str = "SELECT 1 FROM cameo_originals WHERE serving_generation IS NOT NULL LIMIT 1";

/// Whose statements these are.
pub(super) const DIALECT: Dialect = Dialect::Postgres;

#[derive(Debug, FromRow)]
struct DescribedTable {
    id: i64,
    name: String,
    schema: String,
    kind: String,
    persistence: String,
    hides_rows: bool,
    is_inherited: bool,
    has_rules: bool,
}

#[derive(Debug, FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that the database reports")]
struct DescribedColumn {
    name: String,
    data_type: String,
    max_characters: Option<i64>,
    is_nullable: bool,
    has_default: bool,
    identity: String,
    generated: String,
    default_value: String,
    collation: Option<String>,
    is_deterministic: bool,
    is_indexed: bool,
}

#[derive(Debug, FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that the database reports")]
struct DescribedIndex {
    name: String,
    is_unique: bool,
    is_primary: bool,
    is_partial: bool,
    is_invalid: bool,
    of_constraint: bool,
    nulls_are_equal: bool,
    columns: Vec<Option<String>>,
}

/// Describes the public table.
pub(super) async fn inspect(connection: &mut PgConnection, table: &Table, opening: &str) -> Result<FoundTable> {
    let error = |e| failed(opening, e);
    let mut faults = Vec::new();
    let encoding: String = sqlx::query_scalar(ENCODING).fetch_one(&mut *connection).await.map_err(error)?;
    if encoding != "UTF8" {
        let what = format!("the database's encoding is {encoding}, which does not hold every text; it must be UTF8");
        faults.push(Mismatch::in_words(what));
    }
    let [spelled, folded] = [table.name().to_owned(), DIALECT.fold(table.name())];
    let [spelled, folded] = [spelled, folded].map(|name| table.quoted('"', &name, str::to_owned));
    let described: Option<DescribedTable> = sqlx::query_as(TABLE)
        .bind(spelled.name())
        .bind(folded.name())
        .fetch_optional(&mut *connection)
        .await
        .map_err(error)?;
    let Some(described) = described else {
        return Ok(FoundTable {
            ledger_serves: ledger_serves(connection, opening).await?,
            faults,
            ..FoundTable::default()
        });
    };
    let columns: Vec<DescribedColumn> =
        sqlx::query_as(COLUMNS).bind(described.id).fetch_all(&mut *connection).await.map_err(error)?;
    let indexes: Vec<DescribedIndex> =
        sqlx::query_as(INDEXES).bind(described.id).fetch_all(&mut *connection).await.map_err(error)?;
    faults.extend(faults_of(&described, table));
    let found = FoundTable {
        name: Some(described.name),
        schema: Some(described.schema),
        columns: columns.into_iter().map(column).collect(),
        index_names: indexes.iter().map(|index| index.name.clone()).collect(),
        unique_indexes: indexes.into_iter().filter(|index| index.is_unique).map(index).collect(),
        faults,
        ledger_serves: false,
    };
    let behind = numbering_behind(connection, &found, table).await.map_err(error)?;
    Ok(FoundTable { faults: found.faults.iter().cloned().chain(behind).collect(), ..found })
}

/// A sequence that is behind the numbers that are there: until it has passed them, no row can be inserted.
async fn numbering_behind(
    connection: &mut PgConnection,
    found: &FoundTable,
    table: &Table,
) -> Result<Option<Mismatch>, sqlx::Error> {
    let unique = |idx: &&FoundColumn| found.unique_indexes.iter().any(|index| index.is_of_exactly(&[&idx.name]));
    let idx = found.column(table.column("idx")).filter(|idx| idx.is_distinct_by_itself).filter(unique);
    let Some(idx) = idx.filter(|_| found.faults.is_empty()) else { return Ok(None) };
    let names = found.named(table, DIALECT);
    let sequence: Option<String> =
        sqlx::query_scalar(SEQUENCE).bind(names.name()).bind(&idx.name).fetch_optional(&mut *connection).await?;
    let Some(sequence) = sequence else { return Ok(None) };
    let (table, name) = (names.name(), names.column("idx"));
    let numbers = format!(
        "SELECT (SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END FROM {sequence}),
            (SELECT coalesce(max({name}), 0)::bigint FROM {table})"
    );
    let (next, most): (i64, i64) = sqlx::query_as(AssertSqlSafe(numbers)).fetch_one(connection).await?;
    let what = format!("{} would number the next row {next}, and there is a row {most}", idx.name);
    let ddl =
        format!("SELECT setval('{}', (SELECT max({name}) + 1 FROM {table}), false)", sequence.replace('\'', "''"));
    Ok((next <= most).then(|| Mismatch::mended_by(what, ddl)))
}

async fn ledger_serves(connection: &mut PgConnection, opening: &str) -> Result<bool> {
    match sqlx::query(LEDGER_SERVES).fetch_optional(connection).await {
        Err(error) if code_of(&error).as_deref() == Some(UNDEFINED_TABLE) => Ok(false),
        serves => Ok(serves.map_err(|e| failed(opening, e))?.is_some()),
    }
}

fn faults_of(described: &DescribedTable, table: &Table) -> Vec<Mismatch> {
    let name = table.name();
    let mut faults = Vec::new();
    let kind = match described.kind.as_str() {
        "r" | "p" => None,
        "v" => Some("a view"),
        "m" => Some("a materialized view"),
        "f" => Some("a foreign table"),
        _ => Some("no table"),
    };
    if let Some(kind) = kind {
        faults.push(Mismatch::in_words(format!("{name} is {kind}; name a table in catalog.table")));
    }
    if kind.is_none() && described.persistence != "p" {
        let what = format!("{name} is unlogged or temporary, and would be empty after a crash of the server");
        let spelled = [&described.schema, &described.name].map(|name| format!("\"{name}\"")).join(".");
        faults.push(Mismatch::mended_by(what, format!("ALTER TABLE {spelled} SET LOGGED")));
    }
    if described.hides_rows {
        let what = "row security hides rows of it from this user, who would write them again; give the user BYPASSRLS";
        faults.push(Mismatch::in_words(format!("{name}: {what}")));
    }
    if described.is_inherited {
        let what = "other tables inherit from it, and its unique index does not reach theirs; name a table without";
        faults.push(Mismatch::in_words(format!("{name}: {what}")));
    }
    if described.has_rules {
        let what = "it has rules, which turn what is written into something else; use triggers, or a table without";
        faults.push(Mismatch::in_words(format!("{name}: {what}")));
    }
    faults
}

fn column(described: DescribedColumn) -> FoundColumn {
    let default_value = described.default_value.to_ascii_lowercase();
    let is_identity = !described.identity.is_empty();
    let is_generated = !described.generated.is_empty() || described.identity == "a";
    let has_default = described.has_default || is_identity;
    let draws = ["nextval(", "gen_random_uuid(", "uuid_generate_"];
    FoundColumn {
        max_characters: described.max_characters.and_then(|length| u64::try_from(length).ok()),
        definition: None,
        may_be_left_out: described.is_nullable || has_default,
        is_null_when_left_out: described.is_nullable && !has_default,
        is_distinct_by_itself: is_identity || draws.iter().any(|draw| default_value.starts_with(draw)),
        is_generated,
        comparison: described.collation.map(|collation| Comparison {
            collation,
            by_bytes: described.is_deterministic,
            holds_unicode: true,
        }),
        is_indexed: described.is_indexed,
        leads_index: described.is_indexed,
        data_type: described.data_type,
        name: described.name,
    }
}

fn index(described: DescribedIndex) -> FoundIndex {
    let part = |column: Option<String>| IndexPart { is_whole: column.is_some(), column };
    FoundIndex {
        name: described.name,
        parts: described.columns.into_iter().map(part).collect(),
        primary: described.is_primary,
        of_constraint: described.of_constraint,
        is_partial: described.is_partial,
        is_invalid: described.is_invalid,
        nulls_are_equal: described.nulls_are_equal,
    }
}
