-- Version 3: the .
ALTER TABLE "{schema}".admins ADD COLUMN requires_second_factor boolean NOT NULL DEFAULT true;


