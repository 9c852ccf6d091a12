//! Versions of the `cameo_*` tables in a SQL server.
//!
//! A migration is a file of statements, each of which can be run again (`IF NOT EXISTS`), since MySQL commits each by
//! itself: one that was killed at any statement is run from its start. Its version is noted after its last statement.
//! A schema newer than this program is refused, never touched.

use crate::model::error::{Error, Kind, Place, Result};

/// One step of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its version, from 1.
    pub version: i64,
    /// Its statements, each ended by `;` at the end of a line.
    pub sql: &'static str,
}

impl Migration {
    /// The statements in their order.
    pub fn statements(&self) -> Vec<&'static str> {
        self.sql.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()).collect()
    }
}

/// The migrations that a database of version `found` (0: none) still needs.
pub(super) fn pending(found: i64, known: &'static [Migration]) -> Result<&'static [Migration]> {
    let newest = known.last().map_or(0, |migration| migration.version);
    if found > newest {
        let doing = format!(
            "open the catalog: its cameo_* tables are of version {found}, this program knows versions up to {newest}; \
             install the newer Cameo"
        );
        return Err(Error::new(Place::Catalog, Kind::Misconfigured, doing));
    }
    let done = known.iter().take_while(|migration| migration.version <= found).count();
    Ok(&known[done..])
}

/// An error unless a database of version `found` needs no migration: a reader makes none.
pub(super) fn complete(found: i64, known: &'static [Migration], opening: &str) -> Result<()> {
    if pending(found, known)?.is_empty() {
        return Ok(());
    }
    let doing = format!(
        "{opening}: its cameo_* tables are of version {found}, older than this program's; a worker or server that \
         registers makes them at its start"
    );
    Err(Error::new(Place::Catalog, Kind::Misconfigured, doing))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[
        Migration { version: 1, sql: "CREATE TABLE IF NOT EXISTS a (b INT);\nCREATE INDEX c ON a (b);\n" },
        Migration { version: 2, sql: "" },
    ];

    #[test]
    fn only_what_is_missing_is_run() {
        assert_eq!(pending(0, KNOWN).unwrap().len(), 2);
        assert_eq!(pending(1, KNOWN).unwrap(), &KNOWN[1..]);
        assert_eq!(pending(2, KNOWN).unwrap(), []);
        assert_eq!(KNOWN[0].statements(), ["CREATE TABLE IF NOT EXISTS a (b INT)", "CREATE INDEX c ON a (b)"]);
    }

    #[test]
    fn a_newer_schema_is_refused() {
        assert_eq!(pending(3, KNOWN).unwrap_err().kind(), Kind::Misconfigured);
    }
}
