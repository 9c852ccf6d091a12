-- What an entry must remember so that what follows from it can be repeated: every image size that was ever published for
-- the key (names in order, with spaces between them; NULL in entries of older versions), and the digest of the size set.
-- MySQL has no ADD COLUMN IF NOT EXISTS, and this must be repeatable after a kill: hence the statement that is put
-- together from what the table has.
SET @cameo_statement = (SELECT IF(COUNT(*) = 0,
    'ALTER TABLE cameo_originals ADD COLUMN published TEXT NULL, ADD COLUMN size_set_digest VARCHAR(64) NULL', 'DO 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'cameo_originals' AND column_name = 'published');
PREPARE cameo_migration FROM @cameo_statement;
EXECUTE cameo_migration;
DEALLOCATE PREPARE cameo_migration;
