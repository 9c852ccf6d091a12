-- Tokens of the API. Of the secret only its SHA-256 is here. `living_name` is the name while the token lives, so that no two
-- that live have one name. Times are milliseconds since 1970-01-01T00:00:00Z; `verticals` is NULL for all of them.
CREATE TABLE IF NOT EXISTS cameo_tokens (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL,
    living_name   TEXT COLLATE "C" UNIQUE,
    secret_sha256 TEXT COLLATE "C" NOT NULL UNIQUE,
    role          TEXT COLLATE "C" NOT NULL,
    verticals     TEXT COLLATE "C",
    created_at    BIGINT NOT NULL,
    created_by    TEXT NOT NULL,
    expires_at    BIGINT,
    revoked_at    BIGINT,
    last_used_at  BIGINT
);
