//! The numbers that the store remembers of itself. They only ever rise.

use sqlx::SqliteConnection;

use super::object::integer;
use crate::{
    error::{Place, Result},
    sqlite::{Sqlite, failed},
};

/// The highest generation given to a committed change.
pub(super) const COUNTER: &str = "counter";
/// Below this generation every file of `objects/` is one that the index knows.
pub(super) const SWEPT_THROUGH: &str = "swept_through";

const RAISE: &str = "INSERT INTO cameo_store (name, value) VALUES (?1, ?2)
    ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)";
const READ: &str = "SELECT coalesce(max(value), 0) FROM cameo_store WHERE name = ?1";
const HIGHEST: &str = "SELECT max(
    coalesce((SELECT max(value) FROM cameo_store WHERE name = 'counter'), 0),
    coalesce((SELECT max(file) FROM cameo_objects), 0),
    coalesce((SELECT max(file) FROM cameo_garbage), 0),
    coalesce((SELECT max(file) FROM cameo_parts), 0))";

/// Raises a number.
pub(super) async fn raise(connection: &mut SqliteConnection, name: &str, value: u64) -> Result<()> {
    let query = sqlx::query(RAISE).bind(name).bind(integer(value));
    query.execute(connection).await.map(|_| ()).map_err(|e| failed(Place::Store, "remember a number", e))
}

/// Reads a number.
pub(super) async fn read(db: &Sqlite, name: &str) -> Result<u64> {
    let value: i64 = sqlx::query_scalar(READ)
        .bind(name)
        .fetch_one(db.readers())
        .await
        .map_err(|e| failed(Place::Store, "read what the store remembers", e))?;
    Ok(value.unsigned_abs())
}

/// The highest generation that the index knows of.
pub(super) async fn highest_generation(db: &Sqlite) -> Result<u64> {
    let value: i64 = sqlx::query_scalar(HIGHEST)
        .fetch_one(db.readers())
        .await
        .map_err(|e| failed(Place::Store, "find the highest generation", e))?;
    Ok(value.unsigned_abs())
}
