//! What to do about an error of PostgreSQL, told from its SQLSTATE
//! (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).

use crate::error::{Error, Kind, Place};

/// SQLSTATE of a table that does not exist.
pub(super) const UNDEFINED_TABLE: &str = "42P01";

/// The error of a statement or a connection.
pub(super) fn failed(doing: &str, error: sqlx::Error) -> Error {
    Error::new(Place::Catalog, kind_of(&error), doing).because(error)
}

/// The SQLSTATE, where the server sent one.
pub(super) fn code_of(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned)
}

fn kind_of(error: &sqlx::Error) -> Kind {
    match error {
        sqlx::Error::Database(database) => kind_of_code(&database.code().unwrap_or_default()),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Kind::Malformed,
        sqlx::Error::Configuration(_) | sqlx::Error::ColumnNotFound(_) => Kind::Misconfigured,
        // A certificate that does not convince, or no TLS where it is asked for.
        sqlx::Error::Tls(_) => Kind::Denied,
        // Connections that break, break off mid-message, cannot be made, or do not become free.
        _ => Kind::Unavailable,
    }
}

fn kind_of_code(code: &str) -> Kind {
    match (code, code.get(..2).unwrap_or_default()) {
        // Serialisation, deadlock, lock not to be had in time; and the new key that somebody else entered meanwhile.
        ("40001" | "40P01" | "55P03" | "23505", _) => Kind::Conflict,
        // Rights, passwords, and servers that are for reading only.
        ("42501" | "25006", _) | (_, "28") => Kind::Denied,
        // A value that the column does not take: too long, a NUL, out of range.
        (_, "22") => Kind::Malformed,
        // The schema: names, types, constraints that we do not know of.
        (_, "42" | "3D" | "3F" | "23" | "0A") => Kind::Misconfigured,
        ("XX001" | "XX002", _) => Kind::Fatal,
        // Shutting down, too many connections, out of disk, statement timed out, …
        _ => Kind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_what_to_do() {
        for (code, kind) in [
            ("40P01", Kind::Conflict),
            ("57P01", Kind::Unavailable),
            ("57014", Kind::Unavailable),
            ("53300", Kind::Unavailable),
            ("28P01", Kind::Denied),
            ("42501", Kind::Denied),
            ("42703", Kind::Misconfigured),
            ("22001", Kind::Malformed),
        ] {
            assert_eq!(kind_of_code(code), kind, "{code}");
        }
    }
}
