//! Every statement that PostgreSQL is sent.
//!
//! A batch is one array a column, so that a statement has as many values as columns, however long the batch is.

use super::inspect::DIALECT;
use crate::catalog::{server::reads::ReadStatements, table::Table, table_check::FoundTable};

/// Statements on the `cameo_*` tables.
pub(super) mod sql {
    pub(in super::super) const LOCK_ENTRIES: &str =
        "SELECT object_key, generation, etag, state, reason, detail, serving_generation, removed_generation, size_set,
            engine, updated_at, published, size_set_digest, vertical, cd_idx, sequence
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
            engine, updated_at, published, size_set_digest, vertical, cd_idx, sequence
        FROM cameo_originals WHERE ";
    pub(in super::super) const HIGHEST_GENERATION: &str = "SELECT max(generation) FROM cameo_originals";
    pub(in super::super) const KEPT_COUNTS: &str =
        "SELECT nullif(vertical, '') AS vertical, state, nullif(reason, '') AS reason, serves::bigint AS serves,
            sum(originals)::bigint AS originals
        FROM cameo_counts GROUP BY cameo_counts.vertical, cameo_counts.state, cameo_counts.reason, cameo_counts.serves
        HAVING sum(originals) <> 0
        ORDER BY cameo_counts.vertical, cameo_counts.state, cameo_counts.reason, cameo_counts.serves";
    pub(in super::super) const COUNTED: &str =
        "SELECT vertical, state, reason, (serving_generation IS NOT NULL)::int::bigint AS serves, count(*) AS originals
        FROM cameo_originals GROUP BY vertical, state, reason, serving_generation IS NOT NULL
        ORDER BY vertical NULLS FIRST, state, reason NULLS FIRST, serving_generation IS NOT NULL";
    /// What is counted after the lock is what was committed until then.
    pub(in super::super) const RECOUNT: &str =
        "BEGIN; LOCK TABLE cameo_counts IN EXCLUSIVE MODE; DELETE FROM cameo_counts;
        INSERT INTO cameo_counts (vertical, state, reason, serves, shard, originals)
            SELECT coalesce(vertical, ''), state, coalesce(reason, ''), (serving_generation IS NOT NULL)::int, 0, count(*)
            FROM cameo_originals GROUP BY 1, 2, 3, 4;
        COMMIT";
    pub(in super::super) const ADD_COUNTS: &str =
        "INSERT INTO cameo_counts AS kept (vertical, state, reason, serves, shard, originals)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::bigint[])
        ON CONFLICT (vertical, state, reason, serves, shard) DO UPDATE SET originals = kept.originals + excluded.originals";
    /// One statement: it raises the last position by as many lines as there are, and writes the lines below it.
    pub(in super::super) const INSERT_HISTORY: &str =
        "WITH last AS (
            INSERT INTO cameo_history_position AS known (id, position) VALUES (1, cardinality($1::bigint[]))
            ON CONFLICT (id) DO UPDATE SET position = known.position + excluded.position RETURNING position)
        INSERT INTO cameo_history (position, changed_at, object_key, vertical, cd_idx, sequence, kind, generation, etag,
            size_bytes, reason, detail, actor, image_sizes)
        SELECT last.position - cardinality($1::bigint[]) + new.n, changed_at, object_key, vertical, cd_idx, sequence,
            kind, generation, etag, size_bytes, reason, detail, actor, image_sizes
        FROM last, unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::int[], $6::text[], $7::text[],
            $8::text[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[])
            WITH ORDINALITY AS new (changed_at, object_key, vertical, cd_idx, sequence, kind, generation, etag, size_bytes,
            reason, detail, actor, image_sizes, n)";
    pub(in super::super) const SELECT_HISTORY: &str =
        "SELECT position, changed_at, object_key, kind, generation, etag, size_bytes, reason, detail, actor, image_sizes
        FROM cameo_history";
    pub(in super::super) const FORGET_HISTORY: &str = "DELETE FROM cameo_history WHERE position = ANY($1::bigint[])";
    pub(in super::super) const LOCK: &str = "SELECT pg_advisory_lock($1)";
    pub(in super::super) const UNLOCK_ALL: &str = "SELECT pg_advisory_unlock_all()";
}

/// Columns of the public table `photo`, as [`RowColumns`](crate::catalog::rows::RowColumns) reads them: as text, which
/// holds every value that a table may have.
const COLUMNS: &str = "photo.{vertical}::text AS vertical, photo.{cd_idx}::text AS cd_idx,
    photo.{image_size}::text AS image_size, photo.{sequence}::text AS sequence, photo.{image_url}::text AS image_url,
    photo.{width}::text AS width, photo.{height}::text AS height, photo.{bytes}::text AS bytes,
    photo.{etag}::text AS etag";
/// What a row of ours is at least; a row without it is somebody else's, and is not read. A comparison with `NULL` fails.
const CAN_BE_OURS: &str = "photo.{sequence} BETWEEN 0 AND 65535 AND photo.{image_size} <> ''";
const CAN_BE_OURS_OF_ANY: &str = "photo.{vertical} <> '' AND photo.{cd_idx} BETWEEN 1 AND 9007199254740991";
const FOREIGN: &str = "SELECT {columns} FROM {table} AS photo WHERE ({can_be_ours} AND {can_be_ours_of_any}
        AND photo.{vertical} ~ '^[0-9A-Za-z_가-힣][0-9A-Za-z_가-힣-]{0,63}$') IS NOT TRUE";
/// A row that is not there is inserted and one that is there is updated, each by the four columns: so no other index decides
/// which row it is, and one whose check is deferred will do.
const INSERT_ROWS: &str = "INSERT INTO {table} ({vertical}, {cd_idx}, {image_size}, {sequence}, {image_url}, {width},
        {height}, {bytes}, {etag}, {regist_date}, {update_date})
    SELECT new.*, $10::timestamptz, $10::timestamptz FROM unnest($1::text[], $2::bigint[], $3::text[], $4::int[],
        $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[]) AS new";
const UPDATE_ROWS: &str = "UPDATE {table} AS photo SET {image_url} = new.u, {width} = new.w, {height} = new.h,
        {bytes} = new.b, {etag} = new.e, {update_date} = $10::timestamptz
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::int[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
        $9::text[]) AS new (v, c, i, s, u, w, h, b, e)
    WHERE photo.{vertical} = new.v AND photo.{cd_idx} = new.c AND photo.{sequence} = new.s
        AND photo.{image_size} = new.i";
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
const SELECT_ROWS: &str = "SELECT {columns} FROM {table} AS photo WHERE {can_be_ours} AND ";
const ROWS_AFTER: &str = " AND (photo.{vertical}, photo.{cd_idx}, photo.{sequence}, photo.{image_size}) > (";
const ROWS_ORDER: &str = " ORDER BY photo.{vertical}, photo.{cd_idx}, photo.{sequence}, photo.{image_size} LIMIT ";
/// Sequences that number rows by a default, as `SERIAL` does, and that this user may not count on. Conditions are tried in any order, and
/// the one about a sequence ends with an error on anything else.
const CLOSED_SEQUENCES: &str = "SELECT s.oid::regclass::text FROM pg_attrdef d
    JOIN pg_depend n ON n.classid = 'pg_attrdef'::regclass AND n.objid = d.oid AND n.refclassid = 'pg_class'::regclass
    JOIN pg_class s ON s.oid = n.refobjid AND s.oid <> d.adrelid
    WHERE d.adrelid = '{name}'::regclass
        AND CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE, UPDATE') ELSE false END
    ORDER BY 1 LIMIT 1";

/// The statements that name the public table, made once.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) reads: ReadStatements,
    pub(super) insert_rows: String,
    pub(super) update_rows: String,
    pub(super) delete_rows: String,
    pub(super) rewrite_urls: String,
    pub(super) rows_of_entities: String,
    pub(super) closed_sequences: String,
    /// Indexes in which two writers meet only at the same row.
    pub(super) row_indexes: Vec<String>,
}

impl Statements {
    /// The statements for the table as it was found.
    pub(super) fn new(table: &Table, found: &FoundTable) -> Self {
        let names = found.named(table, DIALECT);
        let statement = |template: &str| {
            let parts =
                [("{columns}", COLUMNS), ("{can_be_ours}", CAN_BE_OURS), ("{can_be_ours_of_any}", CAN_BE_OURS_OF_ANY)];
            names.statement(&parts.iter().fold(template.to_owned(), |sql, (part, text)| sql.replace(part, text)))
        };
        Self {
            reads: ReadStatements {
                entity_rows: statement(ENTITY_ROWS),
                select_rows: statement(SELECT_ROWS),
                can_be_ours_of_any: statement(CAN_BE_OURS_OF_ANY),
                foreign: statement(FOREIGN),
                rows_after: statement(ROWS_AFTER),
                rows_order: statement(ROWS_ORDER),
                vertical: statement("photo.{vertical}"),
                cd_idx: statement("photo.{cd_idx}"),
            },
            insert_rows: statement(INSERT_ROWS),
            update_rows: statement(UPDATE_ROWS),
            delete_rows: statement(DELETE_ROWS),
            rewrite_urls: statement(REWRITE_URLS),
            rows_of_entities: statement(ROWS_OF_ENTITIES),
            closed_sequences: CLOSED_SEQUENCES.replace("{name}", &names.name().replace('\'', "''")),
            row_indexes: found.row_indexes(table),
        }
    }
}
