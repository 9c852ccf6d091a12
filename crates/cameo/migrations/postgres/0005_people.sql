-- Accounts of people, their sessions, and one-time links. Of secrets only the SHA-256 is here, of a password the argon2id hash. `first_admin` is
-- 1 for the account that was made by the first administrator's link, so that there is one. Times are milliseconds since
-- 1970-01-01T00:00:00Z; `verticals` is NULL for all of them. A session or link counts only while `epoch` is its account's.
CREATE TABLE IF NOT EXISTS cameo_accounts (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL UNIQUE,
    first_admin   BIGINT UNIQUE,
    language      TEXT COLLATE "C" NOT NULL,
    role          TEXT COLLATE "C" NOT NULL,
    verticals     TEXT COLLATE "C",
    password      TEXT COLLATE "C",
    subject       TEXT COLLATE "C" UNIQUE,
    epoch         BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    created_by    TEXT NOT NULL,
    disabled_at   BIGINT,
    last_login_at BIGINT
);
CREATE TABLE IF NOT EXISTS cameo_sessions (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    secret_sha256 TEXT COLLATE "C" NOT NULL UNIQUE,
    account_id    TEXT COLLATE "C" NOT NULL,
    epoch         BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    last_used_at  BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    address       TEXT,
    browser       TEXT
);
CREATE INDEX IF NOT EXISTS cameo_sessions_by_account ON cameo_sessions (account_id);
CREATE TABLE IF NOT EXISTS cameo_links (
    secret_sha256 TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id    TEXT COLLATE "C" NOT NULL,
    epoch         BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
);
