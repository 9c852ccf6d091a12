//! Every statement that MySQL and MariaDB are sent: only what both speak (no `RETURNING`, no row alias).
//!
//! There are no arrays, so a batch is a list of values.

use super::inspect::DIALECT;
use crate::catalog::{server::reads::ReadStatements, table::Table, table_check::FoundTable};

/// Statements on the `cameo_*` tables.
pub(super) mod sql {
    pub(in super::super) const SELECT_ENTRY: &str =
        "SELECT CONVERT(entry.object_key USING utf8mb4) AS object_key, entry.generation, entry.etag, entry.state,
            entry.reason, entry.detail, entry.serving_generation, entry.removed_generation, entry.size_set,
            entry.engine, entry.updated_at, entry.published, entry.size_set_digest,
            entry.vertical, entry.cd_idx, entry.sequence
        FROM cameo_originals AS entry WHERE ";
    pub(in super::super) const INSERT_ENTRIES: &str =
        "INSERT INTO cameo_originals (object_key, vertical, cd_idx, sequence, generation, etag, state, reason, detail,
            serving_generation, removed_generation, size_set, engine, updated_at, published, size_set_digest) ";
    pub(in super::super) const ON_KNOWN_ENTRY: &str =
        " ON DUPLICATE KEY UPDATE vertical = VALUES(vertical), cd_idx = VALUES(cd_idx), sequence = VALUES(sequence),
            generation = VALUES(generation), etag = VALUES(etag), state = VALUES(state),
            reason = VALUES(reason), detail = VALUES(detail), serving_generation = VALUES(serving_generation),
            removed_generation = VALUES(removed_generation), size_set = VALUES(size_set), engine = VALUES(engine),
            updated_at = VALUES(updated_at), published = VALUES(published), size_set_digest = VALUES(size_set_digest)";
    pub(in super::super) const HIGHEST_GENERATION: &str = "SELECT MAX(generation) FROM cameo_originals";
    pub(in super::super) const INSERT_VERSIONS: &str = "INSERT INTO cameo_entities (vertical, cd_idx, version) ";
    pub(in super::super) const ON_KNOWN_VERSION: &str = " ON DUPLICATE KEY UPDATE version = version + VALUES(version)";
    pub(in super::super) const KEPT_COUNTS: &str =
        "SELECT NULLIF(vertical, '') AS vertical, state, NULLIF(reason, '') AS reason, CAST(serves AS SIGNED) AS serves,
            CAST(SUM(originals) AS SIGNED) AS originals
        FROM cameo_counts GROUP BY cameo_counts.vertical, cameo_counts.state, cameo_counts.reason, cameo_counts.serves
        HAVING SUM(originals) <> 0
        ORDER BY cameo_counts.vertical, cameo_counts.state, cameo_counts.reason, cameo_counts.serves";
    pub(in super::super) const COUNTED: &str =
        "SELECT vertical, state, reason, CAST(serving_generation IS NOT NULL AS SIGNED) AS serves, COUNT(*) AS originals
        FROM cameo_originals GROUP BY vertical, state, reason, serving_generation IS NOT NULL
        ORDER BY vertical, state, reason, serving_generation IS NOT NULL";
    pub(in super::super) const BEGIN_SNAPSHOT: &str =
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT";
    /// The first `SELECT` locks all of the counts, with the gaps between them; what is counted afterwards is what was committed until then.
    pub(in super::super) const RECOUNT: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION;
        SELECT originals FROM cameo_counts FOR UPDATE; DELETE FROM cameo_counts;
        INSERT INTO cameo_counts (vertical, state, reason, serves, shard, originals)
            SELECT COALESCE(vertical, ''), state, COALESCE(reason, ''), serving_generation IS NOT NULL, 0, COUNT(*)
            FROM cameo_originals
            GROUP BY COALESCE(vertical, ''), state, COALESCE(reason, ''), serving_generation IS NOT NULL;
        COMMIT";
    pub(in super::super) const INSERT_COUNTS: &str =
        "INSERT INTO cameo_counts (vertical, state, reason, serves, shard, originals) ";
    pub(in super::super) const ON_KNOWN_COUNT: &str =
        " ON DUPLICATE KEY UPDATE originals = originals + VALUES(originals)";
    /// Filled with how many lines there are. `LAST_INSERT_ID(…)` keeps the last position for the statement that follows.
    pub(in super::super) const RAISE_POSITION: &str =
        "INSERT INTO cameo_history_position (id, position) VALUES (1, LAST_INSERT_ID(?))
        ON DUPLICATE KEY UPDATE position = LAST_INSERT_ID(position + ?)";
    pub(in super::super) const INSERT_HISTORY: &str =
        "INSERT INTO cameo_history (position, changed_at, object_key, vertical, cd_idx, sequence, kind, generation, etag,
            size_bytes, reason, detail, actor, image_sizes) ";
    pub(in super::super) const SELECT_HISTORY: &str =
        "SELECT position, changed_at, CONVERT(object_key USING utf8mb4) AS object_key, kind, generation, etag,
            size_bytes, reason, detail, actor, image_sizes FROM cameo_history";
    pub(in super::super) const FORGET_HISTORY: &str = "DELETE FROM cameo_history WHERE position <= ?";
    pub(in super::super) const LOCK: &str = "SELECT GET_LOCK(?, ?)";
    pub(in super::super) const UNLOCK_ALL: &str = "DO RELEASE_ALL_LOCKS()";
}

/// Columns of the public table `photo`, as [`RowColumns`](crate::catalog::rows::RowColumns) reads them: as text, which
/// holds every value that a table may have.
const COLUMNS: &str = "photo.{vertical} AS vertical, CAST(photo.{cd_idx} AS CHAR) AS cd_idx,
    photo.{image_size} AS image_size, CAST(photo.{sequence} AS CHAR) AS sequence,
    photo.{image_url} AS image_url, CAST(photo.{width} AS CHAR) AS width,
    CAST(photo.{height} AS CHAR) AS height, CAST(photo.{bytes} AS CHAR) AS bytes, photo.{etag} AS etag";
/// What a row of ours is at least; a row without it is somebody else's, and is not read. A comparison with `NULL` fails.
const CAN_BE_OURS: &str = "photo.{sequence} BETWEEN 0 AND 65535 AND photo.{image_size} <> ''";
const CAN_BE_OURS_OF_ANY: &str = "photo.{vertical} <> '' AND photo.{cd_idx} BETWEEN 1 AND 9007199254740991";
const FOREIGN: &str = "SELECT {columns} FROM {table} AS photo WHERE NOT COALESCE({can_be_ours} AND {can_be_ours_of_any}
        AND photo.{vertical} REGEXP '^[0-9A-Za-z_가-힣][0-9A-Za-z_가-힣-]{0,63}$', FALSE)";
/// A row that is not there is inserted and one that is there is updated, each by the four columns: `ON DUPLICATE KEY` would
/// take the row of any unique index for it.
const INSERT_ROWS: &str = "INSERT INTO {table} ({vertical}, {cd_idx}, {image_size}, {sequence}, {image_url}, {width},
        {height}, {bytes}, {etag}, {regist_date}, {update_date}) ";
/// The date of registering is set to itself, since a `TIMESTAMP` may be declared to change with every update.
const UPDATE_ROW: &str = "UPDATE {table} SET {image_url} = ?, {width} = ?, {height} = ?, {bytes} = ?, {etag} = ?,
        {update_date} = ?, {regist_date} = {regist_date}
    WHERE {vertical} = ? AND {cd_idx} = ? AND {sequence} = ? AND {image_size} = ?";
const DELETE_ROW: &str =
    "DELETE FROM {table} WHERE {vertical} = ? AND {cd_idx} = ? AND {sequence} = ? AND {image_size} = ?";
const REWRITE_URL: &str = "UPDATE {table} SET {image_url} = ?, {update_date} = ?, {regist_date} = {regist_date}
    WHERE {vertical} = ? AND {cd_idx} = ? AND {sequence} = ? AND {image_size} = ? AND {etag} = ?";
/// Version and rows are of one instant, since they are of one statement.
const ENTITY_ROWS: &str = "SELECT CAST(COALESCE(entity.version, 0) AS SIGNED) AS version, {columns}
    FROM (SELECT 1) AS one
    LEFT JOIN cameo_entities AS entity ON entity.vertical = ? AND entity.cd_idx = ?
    LEFT JOIN {table} AS photo ON photo.{vertical} = ? AND photo.{cd_idx} = ?";
const SELECT_ROWS: &str = "SELECT {columns} FROM {table} AS photo WHERE {can_be_ours} AND ";
const ROWS_AFTER: &str = " AND (photo.{vertical}, photo.{cd_idx}, photo.{sequence}, photo.{image_size}) > (";
const ROWS_ORDER: &str = " ORDER BY photo.{vertical}, photo.{cd_idx}, photo.{sequence}, photo.{image_size} LIMIT ";

/// The statements that name the public table, made once.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) reads: ReadStatements,
    pub(super) insert_rows: String,
    pub(super) update_row: String,
    pub(super) delete_row: String,
    pub(super) rewrite_url: String,
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
            update_row: statement(UPDATE_ROW),
            delete_row: statement(DELETE_ROW),
            rewrite_url: statement(REWRITE_URL),
            row_indexes: found.row_indexes(table),
        }
    }
}
