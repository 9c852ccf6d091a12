-- How many originals are in which state, kept by `register` in its transaction: counting a million originals takes a second.
-- '' stands for NULL. `serves` says whether something is served, also beside a rejection. Each count is spread over several
-- rows, of which a transaction changes any one, so that registrations seldom wait for each other; readers add them up.
CREATE TABLE IF NOT EXISTS cameo_counts (
    vertical  VARCHAR(64) NOT NULL,
    state     VARCHAR(16) NOT NULL,
    reason    VARCHAR(64) NOT NULL,
    serves    INT         NOT NULL,
    shard     INT         NOT NULL,
    originals BIGINT      NOT NULL,
    PRIMARY KEY (vertical, state, reason, serves, shard)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
DELETE FROM cameo_counts;
INSERT INTO cameo_counts (vertical, state, reason, serves, shard, originals)
    SELECT COALESCE(vertical, ''), state, COALESCE(reason, ''), serving_generation IS NOT NULL, 0, COUNT(*)
    FROM cameo_originals
    GROUP BY COALESCE(vertical, ''), state, COALESCE(reason, ''), serving_generation IS NOT NULL;
