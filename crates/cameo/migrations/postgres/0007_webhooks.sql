-- Webhooks: endpoints, the messages to them, what became of each attempt, and what is watched until it is settled. Signing needs the secret
-- itself, so it is here as it is. `position` is the last line of the history that was looked at. Times are milliseconds since
-- 1970-01-01T00:00:00Z; `events` and `verticals` are NULL for all of them. Whoever holds the lease sends.
CREATE TABLE IF NOT EXISTS cameo_webhooks (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    url              TEXT   NOT NULL,
    description      TEXT   NOT NULL,
    events           TEXT COLLATE "C",
    verticals        TEXT COLLATE "C",
    secret           TEXT COLLATE "C" NOT NULL,
    old_secret       TEXT COLLATE "C",
    old_secret_until BIGINT,
    version          BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    created_by       TEXT   NOT NULL,
    disabled_at      BIGINT,
    disabled_because TEXT COLLATE "C",
    position         BIGINT NOT NULL,
    failing_since    BIGINT,
    last_success_at  BIGINT,
    last_error       TEXT
);
CREATE TABLE IF NOT EXISTS cameo_webhook_messages (
    webhook_id   TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    payload      TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    tries        BIGINT NOT NULL,
    first_try_at BIGINT,
    next_at      BIGINT,
    ended_at     BIGINT,
    PRIMARY KEY (webhook_id, id)
);
CREATE INDEX IF NOT EXISTS cameo_webhook_messages_by_state ON cameo_webhook_messages (webhook_id, state, next_at);
CREATE INDEX IF NOT EXISTS cameo_webhook_messages_by_time ON cameo_webhook_messages (webhook_id, created_at, id);
CREATE TABLE IF NOT EXISTS cameo_webhook_attempts (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    webhook_id  TEXT COLLATE "C" NOT NULL,
    message_id  TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    tried_at    BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    status      BIGINT,
    error       TEXT,
    answer      TEXT,
    next_at     BIGINT
);
CREATE INDEX IF NOT EXISTS cameo_webhook_attempts_by_time ON cameo_webhook_attempts (webhook_id, tried_at, id);
CREATE TABLE IF NOT EXISTS cameo_webhook_watches (
    webhook_id TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    position   BIGINT NOT NULL,
    touched_at BIGINT NOT NULL,
    due_at     BIGINT,
    outcome    TEXT COLLATE "C",
    PRIMARY KEY (webhook_id, subject)
);
CREATE INDEX IF NOT EXISTS cameo_webhook_watches_by_due ON cameo_webhook_watches (webhook_id, due_at);
CREATE TABLE IF NOT EXISTS cameo_webhook_lease (
    id         INTEGER NOT NULL PRIMARY KEY,
    owner      TEXT COLLATE "C" NOT NULL,
    held_until BIGINT NOT NULL
);
