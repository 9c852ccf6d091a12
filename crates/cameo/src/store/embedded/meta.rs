//! The numbers that the store remembers of itself. All of them but stamps only ever rise.

use rusqlite::{Connection, OptionalExtension};

use crate::db::{Done, integer};

/// The highest generation given to a committed change.
pub(super) const COUNTER: &str = "counter";
/// No generation above this one was ever given out.
pub(super) const RESERVED: &str = "reserved";
/// Below this generation every file of `objects/` is one that the index knows.
pub(super) const SWEPT_THROUGH: &str = "swept_through";

/// Below this generation and at it every file that is not made from others has a record of what it holds.
pub(super) const DESCRIBED_THROUGH: &str = "described_through";
/// Above this generation every file was written with its record.
pub(super) const DESCRIBED_UNTIL: &str = "described_until";
/// When it was last tried whether an upload would succeed, milliseconds since 1970.
pub(super) const PROBED_AT: &str = "probed_at";

const RAISE: &str = "INSERT INTO cameo_store (name, value) VALUES (?1, ?2)
    ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)";
const READ: &str = "SELECT coalesce(max(value), 0) FROM cameo_store WHERE name = ?1";
const SET: &str = "INSERT INTO cameo_store (name, value) VALUES (?1, ?2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const FIND: &str = "SELECT value FROM cameo_store WHERE name = ?1";
const HIGHEST: &str = "SELECT max(
    coalesce((SELECT max(value) FROM cameo_store WHERE name IN ('counter', 'reserved', 'swept_through')), 0),
    coalesce((SELECT max(file) FROM cameo_objects), 0),
    coalesce((SELECT max(file) FROM cameo_garbage), 0),
    coalesce((SELECT max(file) FROM cameo_parts), 0))";

/// Raises a number.
pub(super) fn raise(connection: &Connection, name: &str, value: u64) -> Done<()> {
    connection.prepare_cached(RAISE)?.execute((name, integer(value)))?;
    Ok(())
}

/// Reads a number.
pub(super) fn read(connection: &Connection, name: &str) -> Done<u64> {
    Ok(connection.prepare_cached(READ)?.query_row([name], |row| row.get(0).map(i64::unsigned_abs))?)
}

/// Sets a number, whatever it was.
pub(super) fn set(connection: &Connection, name: &str, value: u64) -> Done<()> {
    connection.prepare_cached(SET)?.execute((name, integer(value)))?;
    Ok(())
}

/// A number, where there is one.
pub(super) fn find(connection: &Connection, name: &str) -> Done<Option<u64>> {
    let value = connection.prepare_cached(FIND)?.query_row([name], |row| row.get(0).map(i64::unsigned_abs));
    Ok(value.optional()?)
}

/// The highest generation that the index knows of.
pub(super) fn highest_generation(connection: &Connection) -> Done<u64> {
    Ok(connection.query_row(HIGHEST, (), |row| row.get(0).map(i64::unsigned_abs))?)
}
