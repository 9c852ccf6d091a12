-- Accounts of people, their sessions, and one-time links. Of secrets only the SHA-256 is here, of a password the argon2id hash. `first_admin` is
-- 1 for the account that was made by the first administrator's link, so that there is one. Times are milliseconds since
-- 1970-01-01T00:00:00Z; `verticals` is NULL for all of them. A session or link counts only while `epoch` is its account's.
CREATE TABLE cameo_accounts (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    first_admin   INTEGER UNIQUE,
    language      TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    verticals     TEXT,
    password      TEXT,
    subject       TEXT    UNIQUE,
    epoch         INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    created_by    TEXT    NOT NULL,
    disabled_at   INTEGER,
    last_login_at INTEGER
) STRICT;

CREATE TABLE cameo_sessions (
    id            TEXT    NOT NULL PRIMARY KEY,
    secret_sha256 TEXT    NOT NULL UNIQUE,
    account_id    TEXT    NOT NULL,
    epoch         INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    address       TEXT,
    browser       TEXT
) STRICT;
CREATE INDEX cameo_sessions_by_account ON cameo_sessions (account_id);

CREATE TABLE cameo_links (
    secret_sha256 TEXT    NOT NULL PRIMARY KEY,
    account_id    TEXT    NOT NULL,
    epoch         INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT;
