-- Version 1. Times are microseconds since 1970. Whatever takes several statements is a function: one round trip, and atomic
-- by being one statement of its caller. Locks are advisory, by name, so that what is not there yet can be locked, too;
-- each statement after a lock sees what was committed before it (read committed, volatile functions).

-- The generation of the shop, once it has one: 16 random bytes, which only the library draws.
CREATE TABLE "{schema}".epoch (
    one integer PRIMARY KEY CHECK (one = 1),
    shop_generation bytea NOT NULL
);

-- The generations of subjects, kept for good: a sign-in that read an earlier one may still be on its way.
CREATE TABLE "{schema}".subjects (
    kind text NOT NULL,
    id text NOT NULL,
    generation bytea NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE "{schema}".grants (
    digest bytea PRIMARY KEY,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    website text,
    obtained text NOT NULL,
    actor text,
    parent bytea,
    reason text,
    issued_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    shop_generation bytea NOT NULL,
    source text,
    user_agent text,
    correlation_id text
);
CREATE INDEX grants_by_subject ON "{schema}".grants (subject_id, subject_kind, issued_at);
CREATE INDEX grants_by_end ON "{schema}".grants (expires_at);

-- Digests that were revoked before they were inserted.
CREATE TABLE "{schema}".bars (
    digest bytea PRIMARY KEY,
    until bigint NOT NULL
);
CREATE INDEX bars_by_end ON "{schema}".bars (until);

CREATE TABLE "{schema}".audit_events (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    at bigint NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    why text,
    subject_kind text,
    subject_id text,
    actor text,
    event jsonb NOT NULL
);
CREATE INDEX audit_events_by_subject ON "{schema}".audit_events (subject_id, subject_kind, at);
CREATE INDEX audit_events_by_actor ON "{schema}".audit_events (actor, at) WHERE actor IS NOT NULL;

CREATE TABLE "{schema}".customers (
    id text PRIMARY KEY,
    website text NOT NULL,
    canonical_email text NOT NULL,
    email text NOT NULL,
    password_hash text,
    status text NOT NULL,
    allows_assistance boolean NOT NULL,
    UNIQUE (website, canonical_email)
);

CREATE TABLE "{schema}".admins (
    id text PRIMARY KEY,
    canonical_username text NOT NULL UNIQUE,
    username text NOT NULL,
    password_hash text,
    status text NOT NULL,
    permissions text NOT NULL
);

-- The number of a name, for advisory locks: a whole database shares them.
CREATE FUNCTION "{schema}".lock_of(p_kind text, p_name text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT hashtextextended('{schema} ' || p_kind || ' ' || p_name, 0)
$$;

---- Tokens

-- 0: stored, 1: revoked, 2: barred, 3: collision. One subject's insertions take turns, so that each counts those before it.
CREATE FUNCTION "{schema}".insert_grant(
    p_digest bytea, p_kind text, p_id text, p_website text, p_obtained text, p_actor text, p_parent bytea, p_reason text,
    p_issued_at bigint, p_expires_at bigint, p_source text, p_user_agent text, p_correlation_id text,
    p_generation bytea, p_shop_generation bytea, p_cap bigint, p_now bigint
) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('subject ' || p_kind, p_id));
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('digest', encode(p_digest, 'hex')));
    IF p_generation IS DISTINCT FROM (SELECT generation FROM "{schema}".subjects WHERE kind = p_kind AND id = p_id)
        OR p_shop_generation IS DISTINCT FROM (SELECT shop_generation FROM "{schema}".epoch)
    THEN
        RETURN 1;
    END IF;
    IF EXISTS (SELECT FROM "{schema}".bars WHERE digest = p_digest AND until > p_now) THEN
        RETURN 2;
    END IF;
    -- A revoke of everybody's that comes between has replaced the generation under which this one is stored.
    INSERT INTO "{schema}".grants VALUES (
        p_digest, p_kind, p_id, p_website, p_obtained, p_actor, p_parent, p_reason, p_issued_at, p_expires_at,
        p_shop_generation, p_source, p_user_agent, p_correlation_id
    ) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN 3;
    END IF;
    DELETE FROM "{schema}".grants WHERE digest IN (
        SELECT digest FROM "{schema}".grants
        WHERE subject_id = p_id AND subject_kind = p_kind AND digest <> p_digest
            AND expires_at > p_now AND shop_generation = p_shop_generation
        ORDER BY issued_at DESC, digest DESC OFFSET p_cap - 1
    );
    RETURN 0;
END
$$;

-- Whether a live one was there.
CREATE FUNCTION "{schema}".revoke_grant(p_digest bytea, p_now bigint, p_bar_until bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_live boolean;
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('digest', encode(p_digest, 'hex')));
    DELETE FROM "{schema}".grants WHERE digest = p_digest
        RETURNING expires_at > p_now AND shop_generation = (SELECT shop_generation FROM "{schema}".epoch) INTO v_live;
    IF p_now < p_bar_until THEN
        INSERT INTO "{schema}".bars AS bar VALUES (p_digest, p_bar_until)
            ON CONFLICT (digest) DO UPDATE SET until = greatest(bar.until, excluded.until);
    END IF;
    RETURN coalesce(v_live, false);
END
$$;

-- The shop's generation.
CREATE FUNCTION "{schema}".revoke_all(p_kind text, p_id text, p_keep bytea, p_fresh bytea) RETURNS bytea
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('subject ' || p_kind, p_id));
    INSERT INTO "{schema}".subjects VALUES (p_kind, p_id, p_fresh)
        ON CONFLICT (kind, id) DO UPDATE SET generation = excluded.generation;
    DELETE FROM "{schema}".grants
        WHERE subject_id = p_id AND subject_kind = p_kind AND digest IS DISTINCT FROM p_keep;
    INSERT INTO "{schema}".epoch VALUES (1, p_fresh) ON CONFLICT DO NOTHING;
    RETURN (SELECT shop_generation FROM "{schema}".epoch);
END
$$;

CREATE FUNCTION "{schema}".purge_tokens(p_now bigint, p_limit bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_bars bigint;
    v_removed bigint;
BEGIN
    DELETE FROM "{schema}".bars WHERE digest IN (
        SELECT digest FROM "{schema}".bars WHERE until <= p_now LIMIT p_limit FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_bars = ROW_COUNT;
    DELETE FROM "{schema}".grants WHERE digest IN (
        SELECT digest FROM "{schema}".grants WHERE expires_at <= p_now LIMIT p_limit - v_bars FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_bars + v_removed;
END
$$;
