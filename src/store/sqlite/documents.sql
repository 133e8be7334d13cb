-- Version 4: versioned documents, whose meaning the library owns. SELECT CAST(bytes AS TEXT) shows one.
-- Not 0 in listed: the document has entries in indexes.
-- The rows are in order of their arrival: those that change soon after they were made share pages, and a change touches no
-- page of the unique index, where neighbours are strangers.
CREATE TABLE documents (
    arrival INTEGER PRIMARY KEY,
    partition BLOB NOT NULL,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    version BLOB NOT NULL,
    keep_until INTEGER,
    listed INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (partition, kind, id)
) STRICT;
CREATE INDEX documents_by_end ON documents (keep_until) WHERE keep_until IS NOT NULL;

-- Entries of documents in indexes. The scope is the partition that the index belongs to, or empty for an index of the
-- whole shop.
CREATE TABLE entries (
    scope BLOB NOT NULL,
    name TEXT NOT NULL,
    rank INTEGER NOT NULL,
    partition BLOB NOT NULL,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (scope, name, rank, partition, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_document ON entries (partition, kind, id);
