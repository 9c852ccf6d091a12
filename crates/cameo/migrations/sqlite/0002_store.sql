-- The index of the embedded store. Times are milliseconds since 1970-01-01T00:00:00Z.
-- Generations are numbers of one counter; content stands in objects/{generation >> 10 in hex}/{16 hex digits}.
CREATE TABLE cameo_buckets (
    name       TEXT    PRIMARY KEY,
    created_at INTEGER NOT NULL,
    location   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- `file` is the generation that names the content: an older one, and shared, where the object is a copy.
CREATE TABLE cameo_objects (
    bucket       TEXT    NOT NULL,
    object_key   TEXT    NOT NULL,
    generation   INTEGER NOT NULL,
    file         INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    etag         TEXT    NOT NULL,
    modified_at  INTEGER NOT NULL,
    content_type TEXT,
    headers      TEXT    NOT NULL,
    metadata     TEXT    NOT NULL,
    checksums    TEXT    NOT NULL,
    parts        TEXT    NOT NULL,
    PRIMARY KEY (bucket, object_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX cameo_objects_by_file ON cameo_objects (file);

-- Files that lost a reference, and when; swept when nothing refers to them any more.
CREATE TABLE cameo_garbage (
    file  INTEGER PRIMARY KEY,
    since INTEGER NOT NULL
) STRICT;

-- Multipart uploads. A completed one is kept for a while, so that completing it again gives the same answer.
CREATE TABLE cameo_uploads (
    id             TEXT    PRIMARY KEY,
    bucket         TEXT    NOT NULL,
    object_key     TEXT    NOT NULL,
    started_at     INTEGER NOT NULL,
    content_type   TEXT,
    headers        TEXT    NOT NULL,
    metadata       TEXT    NOT NULL,
    algorithm      TEXT,
    full_object    INTEGER NOT NULL,
    completed_etag TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX cameo_uploads_by_key ON cameo_uploads (bucket, object_key, id);

-- Parts. The content stands in parts/{upload}/{file as 16 hex digits}.
CREATE TABLE cameo_parts (
    upload      TEXT    NOT NULL REFERENCES cameo_uploads (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    file        INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    etag        TEXT    NOT NULL,
    checksums   TEXT    NOT NULL,
    modified_at INTEGER NOT NULL,
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;

-- counter: the highest generation given to a committed change.
-- swept_through: below this generation every file of objects/ is one that a row or cameo_garbage knows.
CREATE TABLE cameo_store (
    name  TEXT    PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
