-- Accounts of people, their sessions, and one-time links. Of secrets only the SHA-256 is here, of a password the argon2id hash. `first_admin` is
-- 1 for the account that was made by the first administrator's link, so that there is one. Times are milliseconds since
-- 1970-01-01T00:00:00Z; `verticals` is NULL for all of them. A session or link counts only while `epoch` is its account's.
CREATE TABLE IF NOT EXISTS cameo_accounts (
    id            VARCHAR(64)  NOT NULL,
    name          VARCHAR(64)  NOT NULL,
    first_admin   BIGINT       NULL,
    language      VARCHAR(16)  NOT NULL,
    role          VARCHAR(16)  NOT NULL,
    verticals     TEXT         NULL,
    password      VARCHAR(255) NULL,
    subject       VARCHAR(512) NULL,
    epoch         BIGINT       NOT NULL,
    version       BIGINT       NOT NULL,
    created_at    BIGINT       NOT NULL,
    created_by    VARCHAR(255) NOT NULL,
    disabled_at   BIGINT       NULL,
    last_login_at BIGINT       NULL,
    PRIMARY KEY (id),
    UNIQUE KEY cameo_accounts_by_name (name),
    UNIQUE KEY cameo_accounts_by_first_admin (first_admin),
    UNIQUE KEY cameo_accounts_by_subject (subject)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
CREATE TABLE IF NOT EXISTS cameo_sessions (
    id            VARCHAR(64)  NOT NULL,
    secret_sha256 VARCHAR(64)  NOT NULL,
    account_id    VARCHAR(64)  NOT NULL,
    epoch         BIGINT       NOT NULL,
    created_at    BIGINT       NOT NULL,
    last_used_at  BIGINT       NOT NULL,
    expires_at    BIGINT       NOT NULL,
    address       VARCHAR(64)  NULL,
    browser       VARCHAR(255) NULL,
    PRIMARY KEY (id),
    UNIQUE KEY cameo_sessions_by_secret (secret_sha256),
    KEY cameo_sessions_by_account (account_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
CREATE TABLE IF NOT EXISTS cameo_links (
    secret_sha256 VARCHAR(64)  NOT NULL,
    account_id    VARCHAR(64)  NOT NULL,
    epoch         BIGINT       NOT NULL,
    created_at    BIGINT       NOT NULL,
    expires_at    BIGINT       NOT NULL,
    PRIMARY KEY (secret_sha256)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
