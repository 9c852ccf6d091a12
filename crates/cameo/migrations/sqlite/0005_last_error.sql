-- Why a message was tried again last; it becomes the dead letter's error when there is no further try.
ALTER TABLE cameo_messages ADD COLUMN last_error TEXT;
