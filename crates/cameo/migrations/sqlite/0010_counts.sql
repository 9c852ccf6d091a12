-- How many originals are in which state, kept by triggers in the transaction of whatever changes the ledger: counting a million
-- originals takes a second. '' stands for NULL. `serves` says whether something is served, also beside a rejection.
CREATE TABLE cameo_counts (
    vertical  TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    serves    INTEGER NOT NULL,
    originals INTEGER NOT NULL,
    PRIMARY KEY (vertical, state, reason, serves)
) STRICT, WITHOUT ROWID;
INSERT INTO cameo_counts (vertical, state, reason, serves, originals)
    SELECT coalesce(vertical, ''), state, coalesce(reason, ''), serving_generation IS NOT NULL, count(*)
    FROM cameo_originals GROUP BY 1, 2, 3, 4;

CREATE TRIGGER cameo_originals_counts_new AFTER INSERT ON cameo_originals BEGIN
    INSERT INTO cameo_counts (vertical, state, reason, serves, originals)
        VALUES (coalesce(NEW.vertical, ''), NEW.state, coalesce(NEW.reason, ''), NEW.serving_generation IS NOT NULL, 1)
        ON CONFLICT (vertical, state, reason, serves) DO UPDATE SET originals = originals + 1;
END;
CREATE TRIGGER cameo_originals_counts_gone AFTER DELETE ON cameo_originals BEGIN
    UPDATE cameo_counts SET originals = originals - 1
        WHERE vertical = coalesce(OLD.vertical, '') AND state = OLD.state AND reason = coalesce(OLD.reason, '')
            AND serves = (OLD.serving_generation IS NOT NULL);
END;
CREATE TRIGGER cameo_originals_counts_changed AFTER UPDATE OF vertical, state, reason, serving_generation ON cameo_originals
    WHEN OLD.vertical IS NOT NEW.vertical OR OLD.state IS NOT NEW.state OR OLD.reason IS NOT NEW.reason
        OR (OLD.serving_generation IS NULL) <> (NEW.serving_generation IS NULL)
BEGIN
    UPDATE cameo_counts SET originals = originals - 1
        WHERE vertical = coalesce(OLD.vertical, '') AND state = OLD.state AND reason = coalesce(OLD.reason, '')
            AND serves = (OLD.serving_generation IS NOT NULL);
    INSERT INTO cameo_counts (vertical, state, reason, serves, originals)
        VALUES (coalesce(NEW.vertical, ''), NEW.state, coalesce(NEW.reason, ''), NEW.serving_generation IS NOT NULL, 1)
        ON CONFLICT (vertical, state, reason, serves) DO UPDATE SET originals = originals + 1;
END;

-- The work list goes on from a key within a reason. What is rejected is little; the rest has no entry here.
CREATE INDEX cameo_originals_rejected ON cameo_originals (reason, object_key) WHERE state = 'rejected';
