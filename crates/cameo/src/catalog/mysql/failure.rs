//! What to do about an error of MySQL or MariaDB, told from its number
//! (<https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>,
//! <https://mariadb.com/docs/server/reference/error-codes>).

use sqlx::mysql::MySqlDatabaseError;

use crate::error::{Error, Kind, Place};

/// Number of a table that does not exist.
pub(super) const UNKNOWN_TABLE: u16 = 1146;

/// The error of a statement or a connection.
pub(super) fn failed(doing: &str, error: sqlx::Error) -> Error {
    Error::new(Place::Catalog, kind_of(&error), doing).because(error)
}

/// The number, where the server sent one.
pub(super) fn number_of(error: &sqlx::Error) -> Option<u16> {
    let database = error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?;
    Some(database.number())
}

fn kind_of(error: &sqlx::Error) -> Kind {
    match error {
        sqlx::Error::Database(_) => number_of(error).map_or(Kind::Unavailable, kind_of_number),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Kind::Malformed,
        sqlx::Error::Configuration(_) | sqlx::Error::ColumnNotFound(_) => Kind::Misconfigured,
        // A certificate that does not convince, or no TLS where it is asked for.
        sqlx::Error::Tls(_) => Kind::Denied,
        // Connections that break, break off mid-message, cannot be made, or do not become free.
        _ => Kind::Unavailable,
    }
}

fn kind_of_number(number: u16) -> Kind {
    match number {
        // Deadlock, lock wait timed out, the row changed; and the new key that somebody else entered meanwhile.
        1213 | 1205 | 1020 | 1062 => Kind::Conflict,
        // Rights, passwords, and servers that are for reading only.
        1044 | 1045 | 1130 | 1142 | 1143 | 1227 | 1251 | 1290 | 1370 | 1698 | 1792 | 1836 => Kind::Denied,
        // A value that the column does not take: too long, out of range, not of its character set.
        1264 | 1292 | 1366 | 1406 | 3988 => Kind::Malformed,
        // The schema: unknown database, table or column, syntax, constraints that we do not know of, binary log format.
        1046 | 1048 | 1049 | 1054 | 1064 | 1071 | 1115 | 1136 | 1146 | 1273 | 1347 | 1364 | 1451 | 1452 | 1471
        | 1665 | 3819 | 4025 => Kind::Misconfigured,
        // Shutting down, too many connections, out of disk, statement timed out, …
        _ => Kind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_say_what_to_do() {
        for (number, kind) in [
            (1213, Kind::Conflict),
            (1053, Kind::Unavailable),
            (1969, Kind::Unavailable),
            (1045, Kind::Denied),
            (1142, Kind::Denied),
            (1054, Kind::Misconfigured),
            (1406, Kind::Malformed),
        ] {
            assert_eq!(kind_of_number(number), kind, "{number}");
        }
    }
}
