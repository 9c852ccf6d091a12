-- Webhooks: endpoints, the messages to them, what became of each attempt, and what is watched until it is settled. Signing needs the secret
-- itself, so it is here as it is. `position` is the last line of the history that was looked at. Times are milliseconds since
-- 1970-01-01T00:00:00Z; `events` and `verticals` are NULL for all of them. Whoever holds the lease sends.
CREATE TABLE cameo_webhooks (
    id               TEXT    NOT NULL PRIMARY KEY,
    url              TEXT    NOT NULL,
    description      TEXT    NOT NULL,
    events           TEXT,
    verticals        TEXT,
    secret           TEXT    NOT NULL,
    old_secret       TEXT,
    old_secret_until INTEGER,
    version          INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    created_by       TEXT    NOT NULL,
    disabled_at      INTEGER,
    disabled_because TEXT,
    position         INTEGER NOT NULL,
    failing_since    INTEGER,
    last_success_at  INTEGER,
    last_error       TEXT
) STRICT;

CREATE TABLE cameo_webhook_messages (
    webhook_id   TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    payload      TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    state        TEXT    NOT NULL,
    tries        INTEGER NOT NULL,
    first_try_at INTEGER,
    next_at      INTEGER,
    ended_at     INTEGER,
    PRIMARY KEY (webhook_id, id)
) STRICT;
CREATE INDEX cameo_webhook_messages_by_state ON cameo_webhook_messages (webhook_id, state, next_at);
CREATE INDEX cameo_webhook_messages_by_time ON cameo_webhook_messages (webhook_id, created_at, id);

CREATE TABLE cameo_webhook_attempts (
    id          TEXT    NOT NULL PRIMARY KEY,
    webhook_id  TEXT    NOT NULL,
    message_id  TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    tried_at    INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status      INTEGER,
    error       TEXT,
    answer      TEXT,
    next_at     INTEGER
) STRICT;
CREATE INDEX cameo_webhook_attempts_by_time ON cameo_webhook_attempts (webhook_id, tried_at, id);

CREATE TABLE cameo_webhook_watches (
    webhook_id TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    touched_at INTEGER NOT NULL,
    due_at     INTEGER,
    outcome    TEXT,
    PRIMARY KEY (webhook_id, subject)
) STRICT;
CREATE INDEX cameo_webhook_watches_by_due ON cameo_webhook_watches (webhook_id, due_at);

CREATE TABLE cameo_webhook_lease (
    id         INTEGER NOT NULL PRIMARY KEY,
    owner      TEXT    NOT NULL,
    held_until INTEGER NOT NULL
) STRICT;
