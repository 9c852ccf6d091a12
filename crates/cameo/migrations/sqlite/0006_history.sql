-- The history: a line a photo and change, appended by `register` in the transaction of ledger and rows. Times are
-- milliseconds since 1970-01-01T00:00:00Z. There is one writer, so positions are in the order of commits.
CREATE TABLE cameo_history (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    changed_at  INTEGER NOT NULL,
    object_key  TEXT    NOT NULL,
    vertical    TEXT,
    cd_idx      INTEGER,
    sequence    INTEGER,
    kind        TEXT    NOT NULL,
    generation  TEXT    NOT NULL,
    etag        TEXT    NOT NULL,
    size_bytes  INTEGER,
    reason      TEXT,
    detail      TEXT,
    actor       TEXT,
    image_sizes TEXT    NOT NULL
) STRICT;
CREATE INDEX cameo_history_by_photo ON cameo_history (vertical, cd_idx, sequence);
CREATE INDEX cameo_history_by_time ON cameo_history (vertical, changed_at);
