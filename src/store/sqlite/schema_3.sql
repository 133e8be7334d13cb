-- Version 3: the second factors of admin users, apart from the host's table.
CREATE TABLE factors (
    admin TEXT PRIMARY KEY NOT NULL,
    name BLOB NOT NULL,
    key_id INTEGER NOT NULL,
    secret BLOB NOT NULL,
    activated_at INTEGER NOT NULL,
    last_step INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Those that are not spent.
CREATE TABLE recovery_codes (
    admin TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (admin, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE factor_enrolments (
    admin TEXT PRIMARY KEY NOT NULL,
    token BLOB NOT NULL,
    key_id INTEGER NOT NULL,
    secret BLOB NOT NULL,
    replaces BLOB,
    expires_at INTEGER NOT NULL,
    begun_with BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX factor_enrolments_by_token ON factor_enrolments (token);

ALTER TABLE admins ADD COLUMN requires_second_factor INTEGER NOT NULL DEFAULT 1;
