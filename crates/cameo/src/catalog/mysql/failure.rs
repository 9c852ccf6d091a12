//! Whose failure an error of MySQL or MariaDB is, by its number
//! (<https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>,
//! <https://mariadb.com/docs/server/reference/error-codes>).
//!
//! A number that is in no list is [`Kind::Unlisted`]: only a try of the neighbours shows whether the row or the server is at fault.

use sqlx::mysql::MySqlDatabaseError;

use crate::model::error::{Error, Kind, Place};

/// Number of a table that does not exist.
pub(super) const UNKNOWN_TABLE: u16 = 1146;

/// Somebody else wrote at the same time.
const CONTENTION: &[(u16, &str)] = &[
    (1020, "ER_CHECKREAD"),
    // The new key that somebody else entered meanwhile.
    (1062, "ER_DUP_ENTRY"),
    (1205, "ER_LOCK_WAIT_TIMEOUT"),
    (1213, "ER_LOCK_DEADLOCK"),
    (1412, "ER_TABLE_DEF_CHANGED"),
    (1614, "ER_XA_RBDEADLOCK"),
    (1689, "ER_LOCK_ABORTED"),
    (3101, "ER_TRANSACTION_ROLLBACK_DURING_COMMIT"),
    (3572, "ER_LOCK_NOWAIT"),
];

/// Rights, passwords, and servers or tables that are for reading only.
const DENIED: &[(u16, &str)] = &[
    (1036, "ER_OPEN_AS_READONLY"),
    (1044, "ER_DBACCESS_DENIED_ERROR"),
    (1045, "ER_ACCESS_DENIED_ERROR"),
    (1129, "ER_HOST_IS_BLOCKED"),
    (1130, "ER_HOST_NOT_PRIVILEGED"),
    (1142, "ER_TABLEACCESS_DENIED_ERROR"),
    (1143, "ER_COLUMNACCESS_DENIED_ERROR"),
    (1223, "ER_CANT_UPDATE_WITH_READLOCK"),
    (1227, "ER_SPECIFIC_ACCESS_DENIED_ERROR"),
    (1251, "ER_NOT_SUPPORTED_AUTH_MODE"),
    (1290, "ER_OPTION_PREVENTS_STATEMENT"),
    (1370, "ER_PROCACCESS_DENIED_ERROR"),
    (1449, "ER_NO_SUCH_USER"),
    (1698, "ER_ACCESS_DENIED_NO_PASSWORD_ERROR"),
    (1792, "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION"),
    (1820, "ER_MUST_CHANGE_PASSWORD"),
    (1836, "ER_READ_ONLY_MODE"),
    (1862, "ER_MUST_CHANGE_PASSWORD_LOGIN"),
    (1874, "ER_INNODB_READ_ONLY"),
    (3118, "ER_ACCOUNT_HAS_BEEN_LOCKED"),
    (4151, "ER_ACCOUNT_HAS_BEEN_LOCKED (MariaDB)"),
];

/// The server cannot work for anybody: full, overloaded, shutting down, cut off.
const UNAVAILABLE: &[(u16, &str)] = &[
    // What the server meets at its own files, such as of the binary log, has numbers of its own.
    (1, "EE_CANTCREATEFILE"),
    (2, "EE_READ"),
    (3, "EE_WRITE"),
    (5, "EE_OUTOFMEMORY"),
    (20, "EE_DISK_FULL"),
    (1015, "ER_CANT_LOCK"),
    (1016, "ER_CANT_OPEN_FILE"),
    (1017, "ER_FILE_NOT_FOUND"),
    (1021, "ER_DISK_FULL"),
    (1024, "ER_ERROR_ON_READ"),
    (1026, "ER_ERROR_ON_WRITE"),
    (1030, "ER_GET_ERRNO"),
    (1034, "ER_NOT_KEYFILE"),
    (1037, "ER_OUTOFMEMORY"),
    (1038, "ER_OUT_OF_SORTMEMORY"),
    (1040, "ER_CON_COUNT_ERROR"),
    (1041, "ER_OUT_OF_RESOURCES"),
    (1042, "ER_BAD_HOST_ERROR"),
    (1043, "ER_HANDSHAKE_ERROR"),
    // Also a node of a Galera cluster that is not ready.
    (1047, "ER_UNKNOWN_COM_ERROR"),
    (1053, "ER_SERVER_SHUTDOWN"),
    (1079, "ER_SHUTDOWN_COMPLETE"),
    (1080, "ER_FORCING_CLOSE"),
    (1114, "ER_RECORD_FILE_FULL"),
    (1152, "ER_ABORTING_CONNECTION"),
    (1158, "ER_NET_READ_ERROR"),
    (1159, "ER_NET_READ_INTERRUPTED"),
    (1160, "ER_NET_ERROR_ON_WRITE"),
    (1161, "ER_NET_WRITE_INTERRUPTED"),
    (1180, "ER_ERROR_DURING_COMMIT"),
    (1184, "ER_NEW_ABORTING_CONNECTION"),
    (1194, "ER_CRASHED_ON_USAGE"),
    (1195, "ER_CRASHED_ON_REPAIR"),
    (1203, "ER_TOO_MANY_USER_CONNECTIONS"),
    (1206, "ER_LOCK_TABLE_FULL"),
    (1226, "ER_USER_LIMIT_REACHED"),
    (1317, "ER_QUERY_INTERRUPTED"),
    // AUTO_INCREMENT at its end gives nobody a number.
    (1467, "ER_AUTOINC_READ_FAILED"),
    (1637, "ER_TOO_MANY_CONCURRENT_TRXS"),
    (1812, "ER_TABLESPACE_MISSING"),
    (1814, "ER_TABLESPACE_DISCARDED"),
    (1927, "ER_CONNECTION_KILLED (MariaDB)"),
    (1969, "ER_STATEMENT_TIMEOUT (MariaDB)"),
    (3024, "ER_QUERY_TIMEOUT"),
    (3032, "ER_SERVER_OFFLINE_MODE"),
    // Group replication without a majority.
    (3100, "ER_RUN_HOOK_ERROR"),
    (3168, "ER_SERVER_ISNT_AVAILABLE"),
    (3169, "ER_SESSION_WAS_KILLED"),
    (4031, "ER_CLIENT_INTERACTION_TIMEOUT"),
    // ProxySQL, with no server behind it.
    (9001, "Max connect timeout reached"),
];

/// The row: a constraint, or a value that a column does not take. Its neighbours may be taken.
const REFUSED: &[(u16, &str)] = &[
    (1118, "ER_TOO_BIG_ROWSIZE"),
    (1153, "ER_NET_PACKET_TOO_LARGE"),
    (1216, "ER_NO_REFERENCED_ROW"),
    (1217, "ER_ROW_IS_REFERENCED"),
    (1264, "ER_WARN_DATA_OUT_OF_RANGE"),
    (1265, "WARN_DATA_TRUNCATED"),
    (1292, "ER_TRUNCATED_WRONG_VALUE"),
    (1300, "ER_INVALID_CHARACTER_STRING"),
    (1365, "ER_DIVISION_BY_ZERO"),
    (1366, "ER_TRUNCATED_WRONG_VALUE_FOR_FIELD"),
    (1369, "ER_VIEW_CHECK_FAILED"),
    (1406, "ER_DATA_TOO_LONG"),
    (1411, "ER_WRONG_VALUE_FOR_TYPE"),
    (1451, "ER_ROW_IS_REFERENCED_2"),
    (1452, "ER_NO_REFERENCED_ROW_2"),
    (1526, "ER_NO_PARTITION_FOR_GIVEN_VALUE"),
    (1557, "ER_FOREIGN_DUPLICATE_KEY"),
    (1690, "ER_DATA_OUT_OF_RANGE"),
    (1748, "ER_ROW_DOES_NOT_MATCH_GIVEN_PARTITION_SET"),
    (1761, "ER_FOREIGN_DUPLICATE_KEY_WITH_CHILD_INFO"),
    (1762, "ER_FOREIGN_DUPLICATE_KEY_WITHOUT_CHILD_INFO"),
    (3819, "ER_CHECK_CONSTRAINT_VIOLATED"),
    (3988, "ER_IMPOSSIBLE_STRING_CONVERSION"),
    (4025, "ER_CONSTRAINT_FAILED (MariaDB)"),
];

/// The schema or our statements: names, types, a column that rows cannot be written without, the binary log's format.
const MISCONFIGURED: &[(u16, &str)] = &[
    (1046, "ER_NO_DB_ERROR"),
    (1049, "ER_BAD_DB_ERROR"),
    (1051, "ER_BAD_TABLE_ERROR"),
    (1054, "ER_BAD_FIELD_ERROR"),
    (1064, "ER_PARSE_ERROR"),
    (1071, "ER_TOO_LONG_KEY"),
    (1109, "ER_UNKNOWN_TABLE"),
    (1115, "ER_UNKNOWN_CHARACTER_SET"),
    (1136, "ER_WRONG_VALUE_COUNT_ON_ROW"),
    (UNKNOWN_TABLE, "ER_NO_SUCH_TABLE"),
    (1193, "ER_UNKNOWN_SYSTEM_VARIABLE"),
    (1235, "ER_NOT_SUPPORTED_YET"),
    (1273, "ER_UNKNOWN_COLLATION"),
    (1286, "ER_UNKNOWN_STORAGE_ENGINE"),
    (1305, "ER_SP_DOES_NOT_EXIST"),
    (1347, "ER_WRONG_OBJECT"),
    (1356, "ER_VIEW_INVALID"),
    (1364, "ER_NO_DEFAULT_FOR_FIELD"),
    (1471, "ER_NON_INSERTABLE_TABLE"),
    (1665, "ER_BINLOG_STMT_MODE_AND_ROW_ENGINE"),
    (1932, "ER_NO_SUCH_TABLE_IN_ENGINE (MariaDB)"),
];

/// Every list with what its numbers mean.
const LISTS: [(&[(u16, &str)], Kind); 5] = [
    (CONTENTION, Kind::Conflict),
    (DENIED, Kind::Denied),
    (UNAVAILABLE, Kind::Unavailable),
    (REFUSED, Kind::Refused),
    (MISCONFIGURED, Kind::Misconfigured),
];

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
    let is_in = |list: &[(u16, &str)]| list.iter().any(|(listed, _)| *listed == number);
    LISTS.iter().find(|(list, _)| is_in(list)).map_or(Kind::Unlisted, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// flow.md 2, 10: what the database says of one row is the row's fault, or nobody's whom a list knows.
    #[test]
    fn numbers_say_whose_failure_it_is() {
        for (number, kind) in [
            (1213, Kind::Conflict),
            (1053, Kind::Unavailable),
            (1969, Kind::Unavailable),
            (3, Kind::Unavailable),
            (4031, Kind::Unavailable),
            (1045, Kind::Denied),
            (1142, Kind::Denied),
            (1290, Kind::Denied),
            (1054, Kind::Misconfigured),
            (1146, Kind::Misconfigured),
            (1406, Kind::Refused),
            (1451, Kind::Refused),
            (1452, Kind::Refused),
            (4025, Kind::Refused),
            (3819, Kind::Refused),
            (1526, Kind::Refused),
            (1644, Kind::Unlisted),
            (1267, Kind::Unlisted),
            (167, Kind::Unlisted),
            (9999, Kind::Unlisted),
        ] {
            assert_eq!(kind_of_number(number), kind, "{number}");
        }
    }

    #[test]
    fn each_number_is_listed_once_and_in_order() {
        let mut seen = BTreeSet::new();
        for (list, _) in LISTS {
            assert!(list.is_sorted_by_key(|(number, _)| *number), "{list:?}");
            assert!(list.iter().all(|(number, _)| seen.insert(*number)), "{list:?}");
        }
    }
}
