-- Version 3: the ledger of assistance.
CREATE TABLE "{schema}".assistance_ledger (
    digest bytea PRIMARY KEY,
    customer text NOT NULL,
    website text NOT NULL,
    actor text NOT NULL,
    parent bytea NOT NULL,
    reason text NOT NULL,
    obtained text NOT NULL,
    source text,
    user_agent text,
    correlation_id text,
    began_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    ended_at bigint,
    ended_how text
);
CREATE INDEX assistance_ledger_by_customer ON "{schema}".assistance_ledger (customer, began_at);
CREATE INDEX assistance_ledger_open ON "{schema}".assistance_ledger (began_at) WHERE ended_at IS NULL;
CREATE INDEX assistance_ledger_by_end ON "{schema}".assistance_ledger (ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE "{schema}".admins ADD COLUMN requires_second_factor boolean NOT NULL DEFAULT true;

---- The ledger of assistance

CREATE FUNCTION "{schema}".erase_assistance(p_customer text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_removed bigint;
BEGIN
    DELETE FROM "{schema}".assistance_ledger WHERE customer = p_customer AND ended_at IS NOT NULL;
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;

CREATE FUNCTION "{schema}".purge_assistance(p_until bigint, p_limit bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_removed bigint;
BEGIN
    DELETE FROM "{schema}".assistance_ledger WHERE digest IN (
        SELECT digest FROM "{schema}".assistance_ledger
        WHERE ended_at <= p_until LIMIT p_limit FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;
