//! Whose failure an error of PostgreSQL is, by its SQLSTATE
//! (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
//!
//! A state that is in no list, nor its class, is [`Kind::Unlisted`]: only a try of the neighbours shows whether the row or the
//! server is at fault.

use crate::model::error::{Error, Kind, Place};

/// SQLSTATE of a table that does not exist.
pub(super) const UNDEFINED_TABLE: &str = "42P01";

/// SQLSTATEs that mean something else than their class.
const STATES: &[(&str, &str, Kind)] = &[
    // A sequence at its end gives nobody a number.
    ("2200H", "sequence_generator_limit_exceeded", Kind::Unavailable),
    // The new key that somebody else entered meanwhile.
    ("23505", "unique_violation", Kind::Conflict),
    ("25006", "read_only_sql_transaction", Kind::Denied),
    ("40003", "statement_completion_unknown", Kind::Unavailable),
    ("42501", "insufficient_privilege", Kind::Denied),
    ("55006", "object_in_use", Kind::Conflict),
    ("55P03", "lock_not_available", Kind::Conflict),
];

/// Classes: the first two characters of a SQLSTATE.
const CLASSES: &[(&str, &str, Kind)] = &[
    ("08", "connection exception", Kind::Unavailable),
    ("0A", "feature not supported", Kind::Misconfigured),
    ("21", "cardinality violation", Kind::Refused),
    // A value that the column does not take: too long, a NUL, out of range.
    ("22", "data exception", Kind::Refused),
    // NOT NULL, foreign keys, CHECK (a row without a partition is one), exclusion.
    ("23", "integrity constraint violation", Kind::Refused),
    ("25", "invalid transaction state", Kind::Unavailable),
    ("27", "triggered data change violation", Kind::Refused),
    ("28", "invalid authorization specification", Kind::Denied),
    ("3D", "invalid catalog name", Kind::Misconfigured),
    ("3F", "invalid schema name", Kind::Misconfigured),
    ("40", "transaction rollback", Kind::Conflict),
    ("42", "syntax error or access rule violation", Kind::Misconfigured),
    ("44", "WITH CHECK OPTION violation", Kind::Refused),
    ("53", "insufficient resources", Kind::Unavailable),
    ("57", "operator intervention", Kind::Unavailable),
    ("58", "system error", Kind::Unavailable),
];

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
    let class = code.get(..2).unwrap_or_default();
    let in_list = |list: &[(&str, &str, Kind)], wanted: &str| {
        list.iter().find(|(listed, ..)| *listed == wanted).map(|(.., kind)| *kind)
    };
    in_list(STATES, code).or_else(|| in_list(CLASSES, class)).unwrap_or(Kind::Unlisted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// flow.md 2, 10: what the database says of one row is the row's fault, or nobody's whom a list knows.
    #[test]
    fn codes_say_whose_failure_it_is() {
        for (code, kind) in [
            ("40P01", Kind::Conflict),
            ("57P01", Kind::Unavailable),
            ("57014", Kind::Unavailable),
            ("53300", Kind::Unavailable),
            ("28P01", Kind::Denied),
            ("42501", Kind::Denied),
            ("42703", Kind::Misconfigured),
            ("42P01", Kind::Misconfigured),
            ("25006", Kind::Denied),
            ("55P03", Kind::Conflict),
            ("23505", Kind::Conflict),
            ("22001", Kind::Refused),
            ("2200H", Kind::Unavailable),
            ("23503", Kind::Refused),
            ("23514", Kind::Refused),
            ("23502", Kind::Refused),
            ("P0001", Kind::Unlisted),
            ("55000", Kind::Unlisted),
            ("XX001", Kind::Unlisted),
            ("", Kind::Unlisted),
        ] {
            assert_eq!(kind_of_code(code), kind, "{code}");
        }
    }
}
