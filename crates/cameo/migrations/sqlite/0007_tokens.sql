-- Tokens of the API. Of the secret only its SHA-256 is here. `living_name` is the name while the token lives, so that no two
-- that live have one name. Times are milliseconds since 1970-01-01T00:00:00Z; `verticals` is NULL for all of them.
CREATE TABLE cameo_tokens (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    living_name   TEXT    UNIQUE,
    secret_sha256 TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL,
    verticals     TEXT,
    created_at    INTEGER NOT NULL,
    created_by    TEXT    NOT NULL,
    expires_at    INTEGER,
    revoked_at    INTEGER,
    last_used_at  INTEGER
) STRICT;
