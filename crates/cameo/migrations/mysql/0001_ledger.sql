-- The ledger: the last known fate of every key under origin/. `register` is its only writer.
-- Text is compared byte by byte. Times are milliseconds since 1970-01-01T00:00:00Z. A key has up to 1024 bytes, which
-- is more than an index takes of utf8mb4 characters: hence VARBINARY.
CREATE TABLE IF NOT EXISTS cameo_originals (
    object_key         VARBINARY(1024) NOT NULL,
    vertical           VARCHAR(64)  NULL,
    cd_idx             BIGINT       NULL,
    sequence           INT          NULL,
    generation         VARCHAR(255) NOT NULL,
    etag               VARCHAR(255) NOT NULL,
    state              VARCHAR(16)  NOT NULL,
    reason             VARCHAR(64)  NULL,
    detail             TEXT         NULL,
    serving_generation VARCHAR(255) NULL,
    removed_generation VARCHAR(255) NULL,
    size_set           VARCHAR(255) NULL,
    engine             VARCHAR(255) NULL,
    updated_at         BIGINT       NOT NULL,
    PRIMARY KEY (object_key),
    KEY cameo_originals_by_cd_idx (cd_idx),
    KEY cameo_originals_by_vertical (vertical, state, reason),
    KEY cameo_originals_by_state (state, reason)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- One line per entity: its version rises with every change of its rows and fences its aliases.
CREATE TABLE IF NOT EXISTS cameo_entities (
    vertical VARCHAR(64) NOT NULL,
    cd_idx   BIGINT      NOT NULL,
    version  BIGINT      NOT NULL,
    PRIMARY KEY (vertical, cd_idx)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
