-- Version 1. Times are microseconds since 1970. STRICT: what another hand writes is of the column's type at least.

-- The generation of the shop, once it has one: 16 random bytes, which only the library draws.
CREATE TABLE epoch (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    shop_generation BLOB NOT NULL
) STRICT;

-- The generations of subjects, kept for good: a sign-in that read an earlier one may still be on its way.
CREATE TABLE subjects (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    generation BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    digest BLOB PRIMARY KEY NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    website TEXT,
    obtained TEXT NOT NULL,
    actor TEXT,
    parent BLOB,
    reason TEXT,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    shop_generation BLOB NOT NULL,
    source TEXT,
    user_agent TEXT,
    correlation_id TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_subject ON grants (subject_kind, subject_id, issued_at);
CREATE INDEX grants_by_end ON grants (expires_at);

-- Digests that were revoked before they were inserted.
CREATE TABLE bars (
    digest BLOB PRIMARY KEY NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bars_by_end ON bars (until);

CREATE TABLE audit_events (
    arrival INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    why TEXT,
    subject_kind TEXT,
    subject_id TEXT,
    actor TEXT,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX audit_events_by_subject ON audit_events (subject_kind, subject_id, at);
CREATE INDEX audit_events_by_actor ON audit_events (actor, at) WHERE actor IS NOT NULL;

CREATE TABLE customers (
    id TEXT PRIMARY KEY NOT NULL,
    website TEXT NOT NULL,
    canonical_email TEXT NOT NULL,
    email TEXT NOT NULL,
    password_hash TEXT,
    status TEXT NOT NULL,
    allows_assistance INTEGER NOT NULL,
    UNIQUE (website, canonical_email)
) STRICT, WITHOUT ROWID;

CREATE TABLE admins (
    id TEXT PRIMARY KEY NOT NULL,
    canonical_username TEXT NOT NULL UNIQUE,
    username TEXT NOT NULL,
    password_hash TEXT,
    status TEXT NOT NULL,
    permissions TEXT NOT NULL
) STRICT, WITHOUT ROWID;
