-- Version 1 of the tables. Times are microseconds since 1970. STRICT tables refuse a value whose
-- type is not that of its column.

-- The generation of the shop, once it has one: 16 random bytes, which the library draws.
CREATE TABLE epoch (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    shop_generation BLOB NOT NULL
) STRICT;

-- The generations of subjects. They are never removed, because a sign-in that read an earlier
-- generation may still be in progress.
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

-- Digests that were revoked before they were inserted, each with the end of its bar.
CREATE TABLE bars (
    digest BLOB PRIMARY KEY NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bars_by_end ON bars (until);

-- Versioned documents, whose content the library defines. SELECT CAST(bytes AS TEXT) shows the text
-- of a document. own_ranks and shop_ranks hold the document's ranks in indexes of its partition and
-- of the whole shop. Each is a JSON object from the names of the indexes to the ranks, or null if
-- there are none. The table is in the order of creation. Documents that are changed soon after
-- their creation therefore share pages. A change writes no page of the unique index, whose order is
-- random.
CREATE TABLE documents (
    arrival INTEGER PRIMARY KEY,
    partition BLOB NOT NULL,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    version BLOB NOT NULL,
    keep_until INTEGER,
    own_ranks TEXT CHECK (json_valid(own_ranks)),
    shop_ranks TEXT CHECK (json_valid(shop_ranks)),
    bytes BLOB NOT NULL,
    UNIQUE (partition, kind, id)
) STRICT;
CREATE INDEX documents_by_end ON documents (keep_until) WHERE keep_until IS NOT NULL;

-- Entries of documents in indexes of the whole shop. An index of a partition has no rows here,
-- because a list reads and sorts the documents of the partition. Rows would cost each commit
-- another page, because partitions are random digests.
CREATE TABLE shop_entries (
    name TEXT NOT NULL,
    rank INTEGER NOT NULL,
    partition BLOB NOT NULL,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (name, rank, partition, kind, id)
) STRICT, WITHOUT ROWID;

-- The audit trail: positions without gaps, each event in two parts, and a chain of signatures over
-- them (src/audit/chain).
CREATE TABLE audit_events (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    why TEXT,
    subject_kind TEXT,
    subject_id TEXT,
    actor TEXT,
    account TEXT,
    event TEXT NOT NULL,
    personal TEXT,
    key_id INTEGER,
    link BLOB,
    erased BLOB
) STRICT;
CREATE INDEX audit_events_by_subject ON audit_events (subject_kind, subject_id, at);
CREATE INDEX audit_events_by_actor ON audit_events (actor, at) WHERE actor IS NOT NULL;
-- For records that name an account and no subject. The erasure of a customer includes those that
-- name an account of the customer.
CREATE INDEX audit_events_by_account ON audit_events (account) WHERE subject_id IS NULL AND account IS NOT NULL;

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
    permissions TEXT NOT NULL,
    requires_second_factor INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;
