//! Whose failure an error of the embedded database is, by its result code (<https://sqlite.org/rescode.html>).
//!
//! A code that is in no list is [`Kind::Unlisted`]. Only a failed fsync ends the process: whatever else fails was not acknowledged.

use crate::model::error::Kind;

/// Whose failure an error is.
pub(super) fn kind_of(error: &rusqlite::Error) -> Kind {
    use rusqlite::Error;
    match error {
        Error::SqliteFailure(error, _) | Error::SqlInputError { error, .. } => kind_of_code(error.extended_code),
        Error::InvalidColumnType(..) | Error::FromSqlConversionFailure(..) | Error::IntegralValueOutOfRange(..) => {
            Kind::Malformed
        }
        _ => Kind::Unlisted,
    }
}

/// Whose failure a result code is, by its primary part: all but the two that mean a failed fsync.
const CODES: &[(i32, &str, Kind)] = &[
    // A statement that does not fit the tables.
    (1, "SQLITE_ERROR", Kind::Misconfigured),
    (3, "SQLITE_PERM", Kind::Denied),
    (4, "SQLITE_ABORT", Kind::Unavailable),
    (5, "SQLITE_BUSY", Kind::Conflict),
    (6, "SQLITE_LOCKED", Kind::Conflict),
    (7, "SQLITE_NOMEM", Kind::Unavailable),
    (8, "SQLITE_READONLY", Kind::Denied),
    (9, "SQLITE_INTERRUPT", Kind::Unavailable),
    (10, "SQLITE_IOERR", Kind::Unavailable),
    // Nothing more is acknowledged, and nothing is anybody's fault until the file was put right.
    (11, "SQLITE_CORRUPT", Kind::Unavailable),
    (13, "SQLITE_FULL", Kind::Unavailable),
    (14, "SQLITE_CANTOPEN", Kind::Unavailable),
    (15, "SQLITE_PROTOCOL", Kind::Unavailable),
    (17, "SQLITE_SCHEMA", Kind::Conflict),
    (18, "SQLITE_TOOBIG", Kind::Refused),
    (19, "SQLITE_CONSTRAINT", Kind::Refused),
    (20, "SQLITE_MISMATCH", Kind::Refused),
    (23, "SQLITE_AUTH", Kind::Denied),
    (26, "SQLITE_NOTADB", Kind::Misconfigured),
];

fn kind_of_code(code: i32) -> Kind {
    // SQLITE_IOERR_FSYNC, SQLITE_IOERR_DIR_FSYNC.
    const FSYNC: i32 = 1034;
    const DIR_FSYNC: i32 = 1290;
    if matches!(code, FSYNC | DIR_FSYNC) {
        return Kind::Fatal;
    }
    let listed = CODES.iter().find(|(primary, ..)| *primary == code & 0xff);
    listed.map_or(Kind::Unlisted, |(.., kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failed_fsync_ends_the_process() {
        assert_eq!([1034, 1290].map(kind_of_code), [Kind::Fatal; 2]);
        assert!((0..=255).all(|code| kind_of_code(code) != Kind::Fatal));
        assert_eq!(kind_of_code(8), Kind::Denied);
        assert_eq!(kind_of_code(778), Kind::Unavailable, "SQLITE_IOERR_WRITE");
    }
}
