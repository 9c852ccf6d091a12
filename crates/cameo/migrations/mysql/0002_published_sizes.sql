-- What an entry must remember so that what follows from it can be repeated: every image size that was ever published for
-- the key (names in order, with spaces between them; NULL in entries of older versions), and the digest of the size set.
-- MySQL has no ADD COLUMN IF NOT EXISTS: there the error of a column that exists is passed over, where MariaDB gives none.
ALTER TABLE cameo_originals
    ADD COLUMN /*M!100000 IF NOT EXISTS */ published TEXT NULL,
    ADD COLUMN /*M!100000 IF NOT EXISTS */ size_set_digest VARCHAR(64) NULL;
