//! Content that lost a reference: noted in the transaction that took the reference, removed later.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::object::integer;
use crate::{
    clock::to_millis,
    error::{Place, Result},
    sqlite::{Sqlite, failed},
};

const ADD: &str = "INSERT INTO cameo_garbage (file, since) VALUES (?1, ?2)
    ON CONFLICT (file) DO UPDATE SET since = excluded.since";
const CANDIDATES: &str = "SELECT file FROM cameo_garbage WHERE since <= ?1
    AND NOT EXISTS (SELECT 1 FROM cameo_objects WHERE cameo_objects.file = cameo_garbage.file) ORDER BY file LIMIT ?2";
const DROP_REFERENCED: &str = "DELETE FROM cameo_garbage WHERE since <= ?1
    AND EXISTS (SELECT 1 FROM cameo_objects WHERE cameo_objects.file = cameo_garbage.file)";
const IS_REFERENCED: &str = "SELECT count(*) FROM cameo_objects WHERE file = ?1";
const FORGET: &str = "DELETE FROM cameo_garbage WHERE file = ?1";

/// Notes that content lost a reference.
pub(super) async fn add(connection: &mut SqliteConnection, file: u64, now: Timestamp) -> Result<()> {
    let query = sqlx::query(ADD).bind(integer(file)).bind(to_millis(now));
    query.execute(connection).await.map(|_| ()).map_err(|e| failed(Place::Store, "note replaced content", e))
}

/// Content that lost its last reference at `until` or before, as far as is committed; at most `max`.
pub(super) async fn candidates(db: &Sqlite, until: Timestamp, max: i64) -> Result<Vec<u64>> {
    let query = sqlx::query_scalar::<_, i64>(CANDIDATES).bind(to_millis(until)).bind(max);
    let files = query.fetch_all(db.readers()).await.map_err(|e| failed(Place::Store, "look for old content", e))?;
    Ok(files.into_iter().map(i64::unsigned_abs).collect())
}

/// Those of the candidates that nothing refers to, looked at again at the moment of acting. Nothing can refer to them
/// anew: a copy is made from a row, and they have none.
pub(super) async fn unreferenced(c: &mut SqliteConnection, files: &[u64], until: Timestamp) -> Result<Vec<u64>> {
    let error = |e| failed(Place::Store, "look again for old content", e);
    sqlx::query(DROP_REFERENCED).bind(to_millis(until)).execute(&mut *c).await.map_err(error)?;
    let mut unreferenced = Vec::new();
    for &file in files {
        let query = sqlx::query_scalar::<_, i64>(IS_REFERENCED).bind(integer(file));
        if query.fetch_one(&mut *c).await.map_err(error)? == 0 {
            unreferenced.push(file);
        }
    }
    Ok(unreferenced)
}

/// Forgets content that was removed.
pub(super) async fn forget(connection: &mut SqliteConnection, files: &[u64]) -> Result<()> {
    for &file in files {
        let query = sqlx::query(FORGET).bind(integer(file));
        query.execute(&mut *connection).await.map_err(|e| failed(Place::Store, "forget old content", e))?;
    }
    Ok(())
}
