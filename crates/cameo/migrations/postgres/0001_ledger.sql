-- The ledger: the last known fate of every key under origin/. `register` is its only writer.
-- Text is compared byte by byte. Times are milliseconds since 1970-01-01T00:00:00Z.
CREATE TABLE IF NOT EXISTS cameo_originals (
    object_key         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    vertical           TEXT COLLATE "C",
    cd_idx             BIGINT,
    sequence           INTEGER,
    generation         TEXT COLLATE "C" NOT NULL,
    etag               TEXT COLLATE "C" NOT NULL,
    state              TEXT COLLATE "C" NOT NULL CHECK (state IN ('serving', 'rejected', 'ignored', 'removed')),
    reason             TEXT COLLATE "C",
    detail             TEXT,
    serving_generation TEXT COLLATE "C",
    removed_generation TEXT COLLATE "C",
    size_set           TEXT COLLATE "C",
    engine             TEXT COLLATE "C",
    updated_at         BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS cameo_originals_by_cd_idx ON cameo_originals (cd_idx);
CREATE INDEX IF NOT EXISTS cameo_originals_by_vertical ON cameo_originals (vertical, object_key);
-- What a person asks for is rejected; the rest is nearly everything, and would cost every upload an index entry.
CREATE INDEX IF NOT EXISTS cameo_originals_rejected ON cameo_originals (updated_at) WHERE state = 'rejected';

-- One line per entity: its version rises with every change of its rows and fences its aliases.
CREATE TABLE IF NOT EXISTS cameo_entities (
    vertical TEXT COLLATE "C" NOT NULL,
    cd_idx   BIGINT           NOT NULL,
    version  BIGINT           NOT NULL,
    PRIMARY KEY (vertical, cd_idx)
);
