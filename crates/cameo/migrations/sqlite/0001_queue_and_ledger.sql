-- The embedded queues. Times are milliseconds since 1970-01-01T00:00:00Z.
CREATE TABLE cameo_messages (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    queue         TEXT    NOT NULL,
    body          TEXT    NOT NULL,
    enqueued_at   INTEGER NOT NULL,
    visible_at    INTEGER NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0,
    receipt       TEXT
) STRICT;
CREATE INDEX cameo_messages_by_visibility ON cameo_messages (queue, visible_at, id);

-- Messages that were received too often, or that nobody can understand, with the last error.
CREATE TABLE cameo_dead_letters (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    queue         TEXT    NOT NULL,
    body          TEXT    NOT NULL,
    enqueued_at   INTEGER NOT NULL,
    receive_count INTEGER NOT NULL,
    dead_at       INTEGER NOT NULL,
    error         TEXT    NOT NULL
) STRICT;

-- The ledger: the last known fate of every key under origin/. `register` is its only writer.
CREATE TABLE cameo_originals (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    object_key         TEXT    NOT NULL UNIQUE,
    vertical           TEXT,
    cd_idx             INTEGER,
    sequence           INTEGER,
    generation         TEXT    NOT NULL,
    etag               TEXT    NOT NULL,
    state              TEXT    NOT NULL CHECK (state IN ('serving', 'rejected', 'ignored', 'removed')),
    reason             TEXT,
    detail             TEXT,
    serving_generation TEXT,
    removed_generation TEXT,
    size_set           TEXT,
    engine             TEXT,
    updated_at         INTEGER NOT NULL
) STRICT;
CREATE INDEX cameo_originals_by_photo ON cameo_originals (vertical, cd_idx, sequence);
CREATE INDEX cameo_originals_by_state ON cameo_originals (state, updated_at);
CREATE INDEX cameo_originals_by_cd_idx ON cameo_originals (cd_idx);

-- One line per entity: its version rises with every change of its rows and fences its aliases.
CREATE TABLE cameo_entities (
    vertical TEXT    NOT NULL,
    cd_idx   INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (vertical, cd_idx)
) STRICT, WITHOUT ROWID;
