-- Where in its file an object's content begins, bytes: objects that are written together share a file.
ALTER TABLE cameo_objects ADD COLUMN file_offset INTEGER NOT NULL DEFAULT 0;
