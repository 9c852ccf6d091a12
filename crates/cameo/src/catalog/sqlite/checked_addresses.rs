//! Under which base the rows were found to have their addresses, so that a start need not read them all again.
//!
//! Only this process writes rows, and each under the base that it was started with. So what was found once holds until a start with
//! another base, which forgets it before a row is written. What somebody changes by SQL is for `verify` to find.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::SqliteCatalog;
use crate::{
    clock::to_millis,
    model::error::{Place, Result},
};

const IS_CHECKED: &str = "SELECT EXISTS (SELECT 1 FROM cameo_checked_addresses WHERE table_name = ?1 AND base = ?2)";
const FORGET: &str = "DELETE FROM cameo_checked_addresses WHERE table_name = ?1";
const NOTE: &str = "INSERT INTO cameo_checked_addresses (table_name, base, checked_at) VALUES (?1, ?2, ?3)
    ON CONFLICT (table_name) DO UPDATE SET base = excluded.base, checked_at = excluded.checked_at";

impl SqliteCatalog {
    /// Whether every row was found under this base. What was found under another is forgotten.
    pub async fn keep_checked_addresses(&self, base: &str) -> Result<bool> {
        let table = self.table.name();
        let was_found: bool = self.db.look_up(Place::Catalog, "look under which base the rows are", |connection| {
            Ok(connection.query_row(IS_CHECKED, params![table, base], |row| row.get(0))?)
        })?;
        if !was_found {
            let table = table.to_owned();
            let forget = move |connection: &Connection| Ok(connection.execute(FORGET, [table])?);
            self.db.write(Place::Catalog, "forget under which base the rows were", forget).await?;
        }
        Ok(was_found)
    }

    /// Notes that every row was found under this base.
    pub async fn note_checked_addresses(&self, base: &str, at: Timestamp) -> Result<()> {
        let (table, base) = (self.table.name().to_owned(), base.to_owned());
        let job = self.db.write(Place::Catalog, "note under which base the rows are", move |connection| {
            connection.execute(NOTE, params![table, base, to_millis(at)])?;
            Ok(())
        });
        job.await
    }
}
