-- The history: a line a photo and change, appended by `register` in the transaction of ledger and rows.
CREATE TABLE IF NOT EXISTS cameo_history (
    position    BIGINT          NOT NULL,
    changed_at  BIGINT          NOT NULL,
    object_key  VARBINARY(1024) NOT NULL,
    vertical    VARCHAR(64)     NULL,
    cd_idx      BIGINT          NULL,
    sequence    INT             NULL,
    kind        VARCHAR(16)     NOT NULL,
    generation  VARCHAR(255)    NOT NULL,
    etag        VARCHAR(255)    NOT NULL,
    size_bytes  BIGINT          NULL,
    reason      VARCHAR(64)     NULL,
    detail      TEXT            NULL,
    actor       VARCHAR(128)    NULL,
    image_sizes TEXT            NOT NULL,
    PRIMARY KEY (position),
    KEY cameo_history_by_photo (vertical, cd_idx, sequence),
    KEY cameo_history_by_time (vertical, changed_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The last position that was given out: one row, raised by the last statement of a transaction and held until its commit, so
-- that positions are in the order of commits. AUTO_INCREMENT gives numbers in the order of statements.
CREATE TABLE IF NOT EXISTS cameo_history_position (
    id       INT    NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB;
