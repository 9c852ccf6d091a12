-- What an entry must remember so that what follows from it can be repeated: every image size that was ever published for
-- the key (names in order, with spaces between them; NULL in entries of older versions), and the digest of the size set.
ALTER TABLE cameo_originals ADD COLUMN published TEXT;
ALTER TABLE cameo_originals ADD COLUMN size_set_digest TEXT;
