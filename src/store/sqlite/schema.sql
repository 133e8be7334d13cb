-- Version 1 of the tables. Times are in microseconds since 1970. A STRICT table refuses a value
-- that cannot be converted to the type of the column without loss.

-- The shop's generation: 16 random bytes, which the library draws. The table is empty until the
-- library first needs the generation. Then it has one row.
CREATE TABLE epoch (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    shop_generation BLOB NOT NULL
) STRICT;

-- The generations of subjects, which are customers and admin users. The rows are never removed. A
-- sign-in that read an earlier generation may still be in progress, and the store must refuse its
-- grant.
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

-- Bars: the digests of revoked tokens. Until the time in the column "until", a grant with such a
-- digest cannot be inserted.
CREATE TABLE bars (
    digest BLOB PRIMARY KEY NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bars_by_end ON bars (until);

-- Versioned documents, whose content the library defines. The expression CAST(bytes AS TEXT) shows
-- the content of a document as text. The column "own_ranks" holds the document's ranks in indexes
-- of its partition. The column "shop_ranks" holds the document's ranks in indexes of the whole
-- shop. Each of the two columns holds a JSON object from the names of the indexes to the ranks. The
-- column is null if the document is in no such index.
--
-- The table is in the order in which the documents were created. Documents that were created at
-- about the same time therefore share pages of the file, and are often changed at about the same
-- time. A change of a document writes no page of the unique index, because the document key stays.
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

-- The entries of documents in indexes of the whole shop. The table has no rows for the index of a
-- partition. To list such an index, the store reads the documents of the partition and sorts them
-- by rank. With rows for such indexes, a commit would write one more page of the file, because
-- partitions are digests and so their rows are spread over the table.
CREATE TABLE shop_entries (
    name TEXT NOT NULL,
    rank INTEGER NOT NULL,
    partition BLOB NOT NULL,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (name, rank, partition, kind, id)
) STRICT, WITHOUT ROWID;

-- The audit trail. The positions of its records have no gaps. Each event is stored in two parts.
-- The column "personal" holds the personal data, and an erasure sets it to null. The column "event"
-- holds the rest. A chain of signatures covers the records (src/audit/chain).
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
-- An index for records that name an account but no subject. The erasure of a customer also erases
-- such records, if they name an account of the customer.
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
