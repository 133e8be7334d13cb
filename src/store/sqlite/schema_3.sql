-- Version 3: the .
ALTER TABLE admins ADD COLUMN requires_second_factor INTEGER NOT NULL DEFAULT 1;
