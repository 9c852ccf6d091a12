//! Every statement that PostgreSQL is sent.
//!
//! A batch is one array a column, so that a statement has as many values as columns, however long the batch is.

use crate::catalog::table::Table;

/// Statements on the `cameo_*` tables.
pub(super) mod sql {
    pub(in super::super) const LOCK_ENTRIES: &str =
        "SELECT object_key, generation, etag, state, reason, detail, serving_generation, removed_generation, size_set,
            engine, updated_at, published, size_set_digest
        FROM cameo_originals WHERE object_key = ANY($1::text[]) ORDER BY object_key FOR UPDATE";
    pub(in super::super) const INSERT_ENTRIES: &str =
        "INSERT INTO cameo_originals (object_key, vertical, cd_idx, sequence, generation, etag, state, reason, detail,
            serving_generation, removed_generation, size_set, engine, updated_at, published, size_set_digest)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::text[],
            $16::text[])";
    pub(in super::super) const UPDATE_ENTRIES: &str =
        "UPDATE cameo_originals SET vertical = new.vertical, cd_idx = new.cd_idx, sequence = new.sequence,
            generation = new.generation, etag = new.etag, state = new.state, reason = new.reason, detail = new.detail,
            serving_generation = new.serving_generation, removed_generation = new.removed_generation,
            size_set = new.size_set, engine = new.engine, updated_at = new.updated_at, published = new.published,
            size_set_digest = new.size_set_digest
        FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::text[],
            $16::text[]) AS new (object_key, vertical, cd_idx, sequence, generation, etag, state, reason, detail,
            serving_generation, removed_generation, size_set, engine, updated_at, published, size_set_digest)
        WHERE cameo_originals.object_key = new.object_key";
    pub(in super::super) const RAISE_VERSIONS: &str = "INSERT INTO cameo_entities (vertical, cd_idx, version)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
        ON CONFLICT (vertical, cd_idx) DO UPDATE SET version = cameo_entities.version + excluded.version";
    pub(in super::super) const SELECT_ENTRY: &str =
        "SELECT object_key, generation, etag, state, reason, detail, serving_generation, removed_generation, size_set,
            engine, updated_at, published, size_set_digest
        FROM cameo_originals WHERE ";
    pub(in super::super) const HIGHEST_GENERATION: &str = "SELECT max(generation) FROM cameo_originals";
    pub(in super::super) const COUNTS: &str = "SELECT vertical, state, reason, count(*) AS originals
        FROM cameo_originals GROUP BY vertical, state, reason
        ORDER BY vertical NULLS FIRST, state, reason NULLS FIRST";
    pub(in super::super) const LOCK: &str = "SELECT pg_advisory_lock($1)";
    pub(in super::super) const UNLOCK_ALL: &str = "SELECT pg_advisory_unlock_all()";
}

/// Columns of the public table `photo`, as [`RowColumns`](crate::catalog::columns::RowColumns) reads them.
const COLUMNS: &str = "photo.{vertical} AS vertical, photo.{cd_idx}::bigint AS cd_idx,
    photo.{image_size} AS image_size, photo.{sequence}::bigint AS sequence, photo.{image_url} AS image_url,
    photo.{width}::bigint AS width, photo.{height}::bigint AS height, photo.{bytes}::bigint AS bytes,
    photo.{etag} AS etag";
const UPSERT_ROWS: &str = "INSERT INTO {table} ({vertical}, {cd_idx}, {image_size}, {sequence}, {image_url}, {width},
        {height}, {bytes}, {etag}, {regist_date}, {update_date})
    SELECT new.*, $10::timestamptz, $10::timestamptz FROM unnest($1::text[], $2::bigint[], $3::text[], $4::int[],
        $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[]) AS new
    ON CONFLICT ({vertical}, {cd_idx}, {image_size}, {sequence}) DO UPDATE SET {image_url} = excluded.{image_url},
        {width} = excluded.{width}, {height} = excluded.{height}, {bytes} = excluded.{bytes},
        {etag} = excluded.{etag}, {update_date} = excluded.{update_date}";
const DELETE_ROWS: &str = "DELETE FROM {table} AS photo
    USING unnest($1::text[], $2::bigint[], $3::int[], $4::text[]) AS gone (v, c, s, i)
    WHERE photo.{vertical} = gone.v AND photo.{cd_idx} = gone.c AND photo.{sequence} = gone.s
        AND photo.{image_size} = gone.i";
const REWRITE_URLS: &str = "UPDATE {table} AS photo SET {image_url} = new.u, {update_date} = $7::timestamptz
    FROM unnest($1::text[], $2::bigint[], $3::int[], $4::text[], $5::text[], $6::text[]) AS new (v, c, s, i, e, u)
    WHERE photo.{vertical} = new.v AND photo.{cd_idx} = new.c AND photo.{sequence} = new.s
        AND photo.{image_size} = new.i AND photo.{etag} = new.e";
const ROWS_OF_ENTITIES: &str = "SELECT {columns} FROM unnest($1::text[], $2::bigint[]) AS wanted (v, c)
    JOIN {table} AS photo ON photo.{vertical} = wanted.v AND photo.{cd_idx} = wanted.c";
/// Version and rows are of one instant, since they are of one statement.
const ENTITY_ROWS: &str = "SELECT coalesce(entity.version, 0) AS version, {columns} FROM (SELECT 1) AS one
    LEFT JOIN cameo_entities AS entity ON entity.vertical = $1 AND entity.cd_idx = $2
    LEFT JOIN {table} AS photo ON photo.{vertical} = $1 AND photo.{cd_idx} = $2";
const SELECT_ROWS: &str = "SELECT {columns} FROM {table} AS photo WHERE ";
const ROWS_AFTER: &str = " AND (photo.{vertical}, photo.{cd_idx}, photo.{sequence}, photo.{image_size}) > (";
const ROWS_ORDER: &str = " ORDER BY photo.{vertical}, photo.{cd_idx}, photo.{sequence}, photo.{image_size} LIMIT ";

/// The statements that name the public table, made once.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) upsert_rows: String,
    pub(super) delete_rows: String,
    pub(super) rewrite_urls: String,
    pub(super) rows_of_entities: String,
    pub(super) entity_rows: String,
    pub(super) select_rows: String,
    pub(super) rows_after: String,
    pub(super) rows_order: String,
    pub(super) vertical: String,
    pub(super) cd_idx: String,
}

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let statement = |template: &str| table.statement(&template.replace("{columns}", COLUMNS));
        Self {
            upsert_rows: statement(UPSERT_ROWS),
            delete_rows: statement(DELETE_ROWS),
            rewrite_urls: statement(REWRITE_URLS),
            rows_of_entities: statement(ROWS_OF_ENTITIES),
            entity_rows: statement(ENTITY_ROWS),
            select_rows: statement(SELECT_ROWS),
            rows_after: statement(ROWS_AFTER),
            rows_order: statement(ROWS_ORDER),
            vertical: statement("photo.{vertical}"),
            cd_idx: statement("photo.{cd_idx}"),
        }
    }
}
