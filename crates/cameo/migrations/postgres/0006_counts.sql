-- How many originals are in which state, kept by `register` in its transaction: counting a million originals takes a second.
-- '' stands for NULL. `serves` says whether something is served, also beside a rejection. Each count is spread over several
-- rows, of which a transaction changes any one, so that registrations seldom wait for each other; readers add them up.
CREATE TABLE IF NOT EXISTS cameo_counts (
    vertical  TEXT COLLATE "C" NOT NULL,
    state     TEXT COLLATE "C" NOT NULL,
    reason    TEXT COLLATE "C" NOT NULL,
    serves    INTEGER NOT NULL,
    shard     INTEGER NOT NULL,
    originals BIGINT  NOT NULL,
    PRIMARY KEY (vertical, state, reason, serves, shard)
);
DELETE FROM cameo_counts;
INSERT INTO cameo_counts (vertical, state, reason, serves, shard, originals)
    SELECT coalesce(vertical, ''), state, coalesce(reason, ''), (serving_generation IS NOT NULL)::int, 0, count(*)
    FROM cameo_originals GROUP BY 1, 2, 3, 4;
-- The work list goes on from a key within a reason. What is rejected is little, and the rest has no entry here.
CREATE INDEX IF NOT EXISTS cameo_originals_rejected_by_reason ON cameo_originals (reason, object_key)
    WHERE state = 'rejected';
