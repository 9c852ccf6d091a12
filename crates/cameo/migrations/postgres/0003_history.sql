-- The history: a line a photo and change, appended by `register` in the transaction of ledger and rows.
CREATE TABLE IF NOT EXISTS cameo_history (
    position    BIGINT           NOT NULL PRIMARY KEY,
    changed_at  BIGINT           NOT NULL,
    object_key  TEXT COLLATE "C" NOT NULL,
    vertical    TEXT COLLATE "C",
    cd_idx      BIGINT,
    sequence    INTEGER,
    kind        TEXT COLLATE "C" NOT NULL,
    generation  TEXT COLLATE "C" NOT NULL,
    etag        TEXT COLLATE "C" NOT NULL,
    size_bytes  BIGINT,
    reason      TEXT COLLATE "C",
    detail      TEXT,
    actor       TEXT,
    image_sizes TEXT COLLATE "C" NOT NULL
);
CREATE INDEX IF NOT EXISTS cameo_history_by_photo ON cameo_history (vertical, cd_idx, sequence);
CREATE INDEX IF NOT EXISTS cameo_history_by_time ON cameo_history (vertical, changed_at);

-- The last position that was given out: one row, raised by the last statement of a transaction and held until its commit, so
-- that positions are in the order of commits. A sequence gives numbers in the order of statements.
CREATE TABLE IF NOT EXISTS cameo_history_position (
    id       INTEGER NOT NULL PRIMARY KEY,
    position BIGINT  NOT NULL
);
