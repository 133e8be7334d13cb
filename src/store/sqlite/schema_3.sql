-- Version 3: the ledger of assistance.
CREATE TABLE assistance_ledger (
    digest BLOB PRIMARY KEY NOT NULL,
    customer TEXT NOT NULL,
    website TEXT NOT NULL,
    actor TEXT NOT NULL,
    parent BLOB NOT NULL,
    reason TEXT NOT NULL,
    obtained TEXT NOT NULL,
    source TEXT,
    user_agent TEXT,
    correlation_id TEXT,
    began_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_how TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX assistance_ledger_by_customer ON assistance_ledger (customer, began_at);
CREATE INDEX assistance_ledger_open ON assistance_ledger (began_at) WHERE ended_at IS NULL;
CREATE INDEX assistance_ledger_by_end ON assistance_ledger (ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE admins ADD COLUMN requires_second_factor INTEGER NOT NULL DEFAULT 1;
