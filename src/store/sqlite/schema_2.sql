-- Version 2: the audit trail has places without gaps, each event in two parts, and a chain of signatures over them
-- (src/audit/chain.rs). What was kept before is not signed, and is of one part.
CREATE TABLE audit_records (
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
INSERT INTO audit_records (position, id, at, action, outcome, why, subject_kind, subject_id, actor, account, event)
    SELECT row_number() OVER (ORDER BY arrival), id, at, action, outcome, why, subject_kind, subject_id, actor,
        CASE WHEN json_valid(event) THEN json_extract(event, '$.account') END, event
    FROM audit_events;
DROP TABLE audit_events;
ALTER TABLE audit_records RENAME TO audit_events;
CREATE INDEX audit_events_by_subject ON audit_events (subject_kind, subject_id, at);
CREATE INDEX audit_events_by_actor ON audit_events (actor, at) WHERE actor IS NOT NULL;
-- What names an account and no subject: a customer's, too, once the customer is to be erased.
CREATE INDEX audit_events_by_account ON audit_events (account) WHERE subject_id IS NULL AND account IS NOT NULL;
