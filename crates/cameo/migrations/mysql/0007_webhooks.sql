-- Webhooks: endpoints, the messages to them, what became of each attempt, and what is watched until it is settled. Signing needs the secret
-- itself, so it is here as it is. `position` is the last line of the history that was looked at. Times are milliseconds since
-- 1970-01-01T00:00:00Z; `events` and `verticals` are NULL for all of them. Whoever holds the lease sends.
CREATE TABLE IF NOT EXISTS cameo_webhooks (
    id               VARCHAR(64)   NOT NULL,
    url              VARCHAR(2048) NOT NULL,
    description      TEXT          NOT NULL,
    events           TEXT          NULL,
    verticals        TEXT          NULL,
    secret           VARCHAR(255)  NOT NULL,
    old_secret       VARCHAR(255)  NULL,
    old_secret_until BIGINT        NULL,
    version          BIGINT        NOT NULL,
    created_at       BIGINT        NOT NULL,
    created_by       VARCHAR(255)  NOT NULL,
    disabled_at      BIGINT        NULL,
    disabled_because VARCHAR(16)   NULL,
    position         BIGINT        NOT NULL,
    failing_since    BIGINT        NULL,
    last_success_at  BIGINT        NULL,
    last_error       TEXT          NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
CREATE TABLE IF NOT EXISTS cameo_webhook_messages (
    webhook_id   VARCHAR(64) NOT NULL,
    id           VARCHAR(64) NOT NULL,
    kind         VARCHAR(32) NOT NULL,
    payload      MEDIUMTEXT  NOT NULL,
    created_at   BIGINT      NOT NULL,
    state        VARCHAR(16) NOT NULL,
    tries        BIGINT      NOT NULL,
    first_try_at BIGINT      NULL,
    next_at      BIGINT      NULL,
    ended_at     BIGINT      NULL,
    PRIMARY KEY (webhook_id, id),
    KEY cameo_webhook_messages_by_state (webhook_id, state, next_at),
    KEY cameo_webhook_messages_by_time (webhook_id, created_at, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
CREATE TABLE IF NOT EXISTS cameo_webhook_attempts (
    id          VARCHAR(64) NOT NULL,
    webhook_id  VARCHAR(64) NOT NULL,
    message_id  VARCHAR(64) NOT NULL,
    kind        VARCHAR(32) NOT NULL,
    tried_at    BIGINT      NOT NULL,
    duration_ms BIGINT      NOT NULL,
    status      BIGINT      NULL,
    error       TEXT        NULL,
    answer      TEXT        NULL,
    next_at     BIGINT      NULL,
    PRIMARY KEY (id),
    KEY cameo_webhook_attempts_by_time (webhook_id, tried_at, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
CREATE TABLE IF NOT EXISTS cameo_webhook_watches (
    webhook_id VARCHAR(64)  NOT NULL,
    subject    VARCHAR(255) NOT NULL,
    position   BIGINT       NOT NULL,
    touched_at BIGINT       NOT NULL,
    due_at     BIGINT       NULL,
    outcome    VARCHAR(255) NULL,
    PRIMARY KEY (webhook_id, subject),
    KEY cameo_webhook_watches_by_due (webhook_id, due_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
CREATE TABLE IF NOT EXISTS cameo_webhook_lease (
    id         INT         NOT NULL,
    owner      VARCHAR(64) NOT NULL,
    held_until BIGINT      NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
