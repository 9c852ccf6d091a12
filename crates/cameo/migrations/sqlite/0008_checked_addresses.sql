-- Under which base every row of a table had its address when all of them were last read. A start under another base forgets it, and a start
-- under the same need not read them again. Milliseconds since 1970-01-01T00:00:00Z.
CREATE TABLE cameo_checked_addresses (
    table_name TEXT    NOT NULL PRIMARY KEY,
    base       TEXT    NOT NULL,
    checked_at INTEGER NOT NULL
) STRICT;
