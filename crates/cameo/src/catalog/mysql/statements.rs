//! Every statement that MySQL and MariaDB are sent: only what both speak (no `RETURNING`, no row alias).
//!
//! There are no arrays, so a batch is a list of values.

use crate::catalog::table::Table;

/// Statements on the `cameo_*` tables.
pub(super) mod sql {
    pub(in super::super) const SELECT_ENTRY: &str =
        "SELECT CONVERT(entry.object_key USING utf8mb4) AS object_key, entry.generation, entry.etag, entry.state,
            entry.reason, entry.detail, entry.serving_generation, entry.removed_generation, entry.size_set,
            entry.engine, entry.updated_at, entry.published, entry.size_set_digest
        FROM cameo_originals AS entry WHERE ";
    pub(in super::super) const INSERT_ENTRIES: &str =
        "INSERT INTO cameo_originals (object_key, vertical, cd_idx, sequence, generation, etag, state, reason, detail,
            serving_generation, removed_generation, size_set, engine, updated_at, published, size_set_digest) ";
    pub(in super::super) const ON_KNOWN_ENTRY: &str =
        " ON DUPLICATE KEY UPDATE generation = VALUES(generation), etag = VALUES(etag), state = VALUES(state),
            reason = VALUES(reason), detail = VALUES(detail), serving_generation = VALUES(serving_generation),
            removed_generation = VALUES(removed_generation), size_set = VALUES(size_set), engine = VALUES(engine),
            updated_at = VALUES(updated_at), published = VALUES(published), size_set_digest = VALUES(size_set_digest)";
    pub(in super::super) const HIGHEST_GENERATION: &str = "SELECT MAX(generation) FROM cameo_originals";
    pub(in super::super) const INSERT_VERSIONS: &str = "INSERT INTO cameo_entities (vertical, cd_idx, version) ";
    pub(in super::super) const ON_KNOWN_VERSION: &str = " ON DUPLICATE KEY UPDATE version = version + VALUES(version)";
    pub(in super::super) const COUNTS: &str = "SELECT vertical, state, reason, COUNT(*) AS originals
        FROM cameo_originals GROUP BY vertical, state, reason ORDER BY vertical, state, reason";
    pub(in super::super) const LOCK: &str = "SELECT GET_LOCK(?, ?)";
    pub(in super::super) const UNLOCK_ALL: &str = "DO RELEASE_ALL_LOCKS()";
}

/// Columns of the public table `photo`, as [`RowColumns`](crate::catalog::columns::RowColumns) reads them.
const COLUMNS: &str = "photo.{vertical} AS vertical, CAST(photo.{cd_idx} AS SIGNED) AS cd_idx,
    photo.{image_size} AS image_size, CAST(photo.{sequence} AS SIGNED) AS sequence,
    photo.{image_url} AS image_url, CAST(photo.{width} AS SIGNED) AS width,
    CAST(photo.{height} AS SIGNED) AS height, CAST(photo.{bytes} AS SIGNED) AS bytes, photo.{etag} AS etag";
const INSERT_ROWS: &str = "INSERT INTO {table} ({vertical}, {cd_idx}, {image_size}, {sequence}, {image_url}, {width},
        {height}, {bytes}, {etag}, {regist_date}, {update_date}) ";
const ON_KNOWN_ROW: &str = " ON DUPLICATE KEY UPDATE {image_url} = VALUES({image_url}), {width} = VALUES({width}),
        {height} = VALUES({height}), {bytes} = VALUES({bytes}), {etag} = VALUES({etag}),
        {update_date} = VALUES({update_date})";
const DELETE_ROW: &str =
    "DELETE FROM {table} WHERE {vertical} = ? AND {cd_idx} = ? AND {sequence} = ? AND {image_size} = ?";
const REWRITE_URL: &str = "UPDATE {table} SET {image_url} = ?, {update_date} = ?
    WHERE {vertical} = ? AND {cd_idx} = ? AND {sequence} = ? AND {image_size} = ? AND {etag} = ?";
/// Version and rows are of one instant, since they are of one statement.
const ENTITY_ROWS: &str = "SELECT CAST(COALESCE(entity.version, 0) AS SIGNED) AS version, {columns}
    FROM (SELECT 1) AS one
    LEFT JOIN cameo_entities AS entity ON entity.vertical = ? AND entity.cd_idx = ?
    LEFT JOIN {table} AS photo ON photo.{vertical} = ? AND photo.{cd_idx} = ?";
const SELECT_ROWS: &str = "SELECT {columns} FROM {table} AS photo WHERE ";
const ROWS_AFTER: &str = " AND (photo.{vertical}, photo.{cd_idx}, photo.{sequence}, photo.{image_size}) > (";
const ROWS_ORDER: &str = " ORDER BY photo.{vertical}, photo.{cd_idx}, photo.{sequence}, photo.{image_size} LIMIT ";

/// The statements that name the public table, made once.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) insert_rows: String,
    pub(super) on_known_row: String,
    pub(super) delete_row: String,
    pub(super) rewrite_url: String,
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
            insert_rows: statement(INSERT_ROWS),
            on_known_row: statement(ON_KNOWN_ROW),
            delete_row: statement(DELETE_ROW),
            rewrite_url: statement(REWRITE_URL),
            entity_rows: statement(ENTITY_ROWS),
            select_rows: statement(SELECT_ROWS),
            rows_after: statement(ROWS_AFTER),
            rows_order: statement(ROWS_ORDER),
            vertical: statement("photo.{vertical}"),
            cd_idx: statement("photo.{cd_idx}"),
        }
    }
}
