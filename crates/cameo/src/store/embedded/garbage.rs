//! Content that lost a reference: noted in the transaction that took the reference, removed later.

use jiff::Timestamp;
use rusqlite::Connection;

use crate::{
    clock::to_millis,
    db::{Done, integer},
};

const ADD: &str = "INSERT INTO cameo_garbage (file, since) VALUES (?1, ?2)
    ON CONFLICT (file) DO UPDATE SET since = excluded.since";
const CANDIDATES: &str = "SELECT file FROM cameo_garbage WHERE since <= ?1
    AND NOT EXISTS (SELECT 1 FROM cameo_objects WHERE cameo_objects.file = cameo_garbage.file) ORDER BY file LIMIT ?2";
const HAS_NOTES: &str = "SELECT EXISTS (SELECT 1 FROM cameo_garbage WHERE since <= ?1)";
const DROP_REFERENCED: &str = "DELETE FROM cameo_garbage WHERE since <= ?1
    AND EXISTS (SELECT 1 FROM cameo_objects WHERE cameo_objects.file = cameo_garbage.file)";
const IS_REFERENCED: &str = "SELECT EXISTS (SELECT 1 FROM cameo_objects WHERE file = ?1)";
const FORGET: &str = "DELETE FROM cameo_garbage WHERE file = ?1";

/// Notes that content lost a reference.
pub(super) fn add(connection: &Connection, file: u64, now: Timestamp) -> Done<()> {
    connection.prepare_cached(ADD)?.execute((integer(file), to_millis(now)))?;
    Ok(())
}

/// Content that lost its last reference at `until` or before, as far as is committed; at most `max`.
pub(super) fn candidates(connection: &Connection, until: Timestamp, max: i64) -> Done<Vec<u64>> {
    let mut query = connection.prepare_cached(CANDIDATES)?;
    let files = query.query_map((to_millis(until), max), |row| row.get(0).map(i64::unsigned_abs))?;
    Ok(files.collect::<Result<_, _>>()?)
}

/// Whether there are notes of then or before, be it of content that something still refers to.
pub(super) fn has_notes(connection: &Connection, until: Timestamp) -> Done<bool> {
    Ok(connection.prepare_cached(HAS_NOTES)?.query_row([to_millis(until)], |row| row.get(0))?)
}

/// Those of the candidates that nothing refers to, looked at again at the moment of acting. Nothing can refer to them
/// anew: a copy is made from a row, and they have none.
pub(super) fn unreferenced(connection: &Connection, files: &[u64], until: Timestamp) -> Done<Vec<u64>> {
    connection.prepare_cached(DROP_REFERENCED)?.execute([to_millis(until)])?;
    let mut is_referenced = connection.prepare_cached(IS_REFERENCED)?;
    let mut unreferenced = Vec::new();
    for &file in files {
        if !is_referenced.query_row([integer(file)], |row| row.get::<_, bool>(0))? {
            unreferenced.push(file);
        }
    }
    Ok(unreferenced)
}

/// Forgets content that was removed.
pub(super) fn forget(connection: &Connection, files: &[u64]) -> Done<()> {
    let mut forget = connection.prepare_cached(FORGET)?;
    for &file in files {
        forget.execute([integer(file)])?;
    }
    Ok(())
}
