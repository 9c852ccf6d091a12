-- Tokens of the API. Of the secret only its SHA-256 is here. `living_name` is the name while the token lives, so that no two
-- that live have one name. Times are milliseconds since 1970-01-01T00:00:00Z; `verticals` is NULL for all of them.
CREATE TABLE IF NOT EXISTS cameo_tokens (
    id            VARCHAR(64)  NOT NULL,
    name          VARCHAR(64)  NOT NULL,
    living_name   VARCHAR(64)  NULL,
    secret_sha256 VARCHAR(64)  NOT NULL,
    role          VARCHAR(16)  NOT NULL,
    verticals     TEXT         NULL,
    created_at    BIGINT       NOT NULL,
    created_by    VARCHAR(255) NOT NULL,
    expires_at    BIGINT       NULL,
    revoked_at    BIGINT       NULL,
    last_used_at  BIGINT       NULL,
    PRIMARY KEY (id),
    UNIQUE KEY cameo_tokens_by_living_name (living_name),
    UNIQUE KEY cameo_tokens_by_secret (secret_sha256)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
