-- Version 1. Times are microseconds since 1970. Whatever takes several statements is a function: one round trip, and atomic
-- by being one statement of its caller. Locks are advisory, by name, so that what is not there yet can be locked, too;
-- each statement after a lock sees what was committed before it (read committed, volatile functions).

-- Counts TokenStore::revoke_everything.
CREATE TABLE "{schema}".epoch (
    one integer PRIMARY KEY CHECK (one = 1),
    everything bigint NOT NULL
);
INSERT INTO "{schema}".epoch VALUES (1, 0);

-- Generations, kept for good: a sign-in that read an older one may still be on its way.
CREATE TABLE "{schema}".subjects (
    kind text NOT NULL,
    id text NOT NULL,
    generation bigint NOT NULL,
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
    everything bigint NOT NULL,
    source text,
    user_agent text,
    correlation_id text
);
CREATE INDEX grants_by_subject ON "{schema}".grants (subject_id, subject_kind);
CREATE INDEX grants_by_end ON "{schema}".grants (expires_at);

-- Digests that were revoked before they were inserted.
CREATE TABLE "{schema}".bars (
    digest bytea PRIMARY KEY,
    until bigint NOT NULL
);
CREATE INDEX bars_by_end ON "{schema}".bars (until);

CREATE TABLE "{schema}".one_time_credentials (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer text NOT NULL,
    digest bytea NOT NULL,
    purpose text NOT NULL,
    website text NOT NULL,
    actor text,
    parent bytea,
    reason text,
    issued_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    spent boolean NOT NULL DEFAULT false,
    bought bytea,
    UNIQUE (customer, digest)
);
CREATE INDEX one_time_credentials_by_end ON "{schema}".one_time_credentials (expires_at);

-- What is counted in one scope of an account. A lock until cleared ends with the largest number there is, and a budget
-- that leads to one has no length of lock. Before idle_from something is counted.
CREATE TABLE "{schema}".attempts (
    account bytea NOT NULL,
    scope bytea NOT NULL,
    allowed integer NOT NULL,
    window_length bigint NOT NULL,
    lock_length bigint,
    failures integer NOT NULL,
    window_ends bigint NOT NULL,
    locked_until bigint,
    reserved bytea[] NOT NULL,
    leases bigint[] NOT NULL,
    idle_from bigint NOT NULL,
    PRIMARY KEY (account, scope)
);
CREATE INDEX attempts_by_end ON "{schema}".attempts (idle_from);

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

-- 0: stored, 1: revoked, 2: barred, 3: collision.
CREATE FUNCTION "{schema}".insert_grant(
    p_digest bytea, p_kind text, p_id text, p_website text, p_obtained text, p_actor text, p_parent bytea, p_reason text,
    p_issued_at bigint, p_expires_at bigint, p_source text, p_user_agent text, p_correlation_id text,
    p_generation bigint, p_everything bigint, p_now bigint
) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared("{schema}".lock_of('subject ' || p_kind, p_id));
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('digest', encode(p_digest, 'hex')));
    IF p_generation <> coalesce((SELECT generation FROM "{schema}".subjects WHERE kind = p_kind AND id = p_id), 0)
        OR p_everything <> (SELECT everything FROM "{schema}".epoch)
    THEN
        RETURN 1;
    END IF;
    IF EXISTS (SELECT FROM "{schema}".bars WHERE digest = p_digest AND until > p_now) THEN
        RETURN 2;
    END IF;
    -- A revoke of everybody's that comes between has raised the count under which this one is stored.
    INSERT INTO "{schema}".grants VALUES (
        p_digest, p_kind, p_id, p_website, p_obtained, p_actor, p_parent, p_reason, p_issued_at, p_expires_at,
        p_everything, p_source, p_user_agent, p_correlation_id
    ) ON CONFLICT DO NOTHING;
    RETURN CASE WHEN FOUND THEN 0 ELSE 3 END;
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
        RETURNING expires_at > p_now AND everything = (SELECT everything FROM "{schema}".epoch) INTO v_live;
    IF p_now < p_bar_until THEN
        INSERT INTO "{schema}".bars AS bar VALUES (p_digest, p_bar_until)
            ON CONFLICT (digest) DO UPDATE SET until = greatest(bar.until, excluded.until);
    END IF;
    RETURN coalesce(v_live, false);
END
$$;

CREATE FUNCTION "{schema}".revoke_all(p_kind text, p_id text, p_keep bytea) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('subject ' || p_kind, p_id));
    INSERT INTO "{schema}".subjects AS subject VALUES (p_kind, p_id, 1)
        ON CONFLICT (kind, id) DO UPDATE SET generation = subject.generation + 1;
    DELETE FROM "{schema}".grants
        WHERE subject_id = p_id AND subject_kind = p_kind AND digest IS DISTINCT FROM p_keep;
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

---- One-time credentials

-- Whether it was stored.
CREATE FUNCTION "{schema}".put_credential(
    p_customer text, p_digest bytea, p_purpose text, p_website text, p_actor text, p_parent bytea, p_reason text,
    p_issued_at bigint, p_expires_at bigint, p_keep bigint, p_now bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('customer', p_customer));
    DELETE FROM "{schema}".one_time_credentials WHERE customer = p_customer AND expires_at <= p_now;
    INSERT INTO "{schema}".one_time_credentials
        (customer, digest, purpose, website, actor, parent, reason, issued_at, expires_at)
        VALUES (p_customer, p_digest, p_purpose, p_website, p_actor, p_parent, p_reason, p_issued_at, p_expires_at)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- One that is being taken at this moment is looked at again once it is.
    DELETE FROM "{schema}".one_time_credentials WHERE NOT spent AND arrival IN (
        SELECT arrival FROM "{schema}".one_time_credentials
        WHERE customer = p_customer AND purpose = p_purpose AND NOT spent ORDER BY arrival DESC OFFSET p_keep
    );
    RETURN true;
END
$$;

-- The credential, and whether it was spent before. No row: nothing fits.
CREATE FUNCTION "{schema}".take_credential(
    p_customer text, p_digest bytea, p_website text, p_purposes text[], p_buys bytea, p_now bigint
) RETURNS SETOF "{schema}".one_time_credentials LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY UPDATE "{schema}".one_time_credentials SET spent = true, bought = p_buys
        WHERE customer = p_customer AND digest = p_digest AND website = p_website AND purpose = ANY (p_purposes)
            AND expires_at > p_now AND NOT spent
        -- As it was before: whoever finds it spent was too late.
        RETURNING arrival, customer, digest, purpose, website, actor, parent, reason, issued_at, expires_at, false, bought;
    IF NOT FOUND THEN
        RETURN QUERY SELECT * FROM "{schema}".one_time_credentials
            WHERE customer = p_customer AND digest = p_digest AND website = p_website AND purpose = ANY (p_purposes)
                AND expires_at > p_now AND spent;
    END IF;
END
$$;

CREATE FUNCTION "{schema}".purge_credentials(p_now bigint, p_limit bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_removed bigint;
BEGIN
    DELETE FROM "{schema}".one_time_credentials WHERE arrival IN (
        SELECT arrival FROM "{schema}".one_time_credentials
        WHERE expires_at <= p_now LIMIT p_limit FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;

---- Attempts: the same arithmetic as in src/store/budgets.rs, which says why

CREATE FUNCTION "{schema}".is_locked(p_counter "{schema}".attempts, p_at bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(p_at < p_counter.locked_until, false)
$$;

CREATE FUNCTION "{schema}".forget(INOUT p_counter "{schema}".attempts, p_now bigint) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF p_counter.locked_until IS NOT NULL OR p_now >= p_counter.window_ends THEN
        p_counter.failures := 0;
    END IF;
    p_counter.locked_until := NULL;
END
$$;

-- A lock begins with this failure if none was there before and one is there after.
CREATE FUNCTION "{schema}".fail(INOUT p_counter "{schema}".attempts, p_at bigint) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF NOT "{schema}".is_locked(p_counter, p_at) THEN
        p_counter := "{schema}".forget(p_counter, p_at);
    END IF;
    IF p_counter.failures = 0 THEN
        p_counter.window_ends := p_at + p_counter.window_length;
    END IF;
    p_counter.failures := p_counter.failures + 1;
    IF p_counter.failures >= p_counter.allowed AND p_counter.locked_until IS NULL THEN
        p_counter.locked_until := coalesce(p_at + p_counter.lock_length, 9223372036854775807);
    END IF;
END
$$;

CREATE FUNCTION "{schema}".lapse(INOUT p_counter "{schema}".attempts, p_now bigint) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_at bigint;
    v_reserved bytea[] := '{}';
    v_leases bigint[] := '{}';
BEGIN
    IF NOT EXISTS (SELECT FROM unnest(p_counter.leases) AS lease WHERE lease <= p_now) THEN
        RETURN;
    END IF;
    FOR v_at IN SELECT lease FROM unnest(p_counter.leases) AS lease WHERE lease <= p_now ORDER BY lease LOOP
        p_counter := "{schema}".fail(p_counter, v_at);
    END LOOP;
    SELECT coalesce(array_agg(held), '{}'), coalesce(array_agg(lease), '{}') INTO v_reserved, v_leases
        FROM unnest(p_counter.reserved, p_counter.leases) AS live (held, lease) WHERE lease > p_now;
    p_counter.reserved := v_reserved;
    p_counter.leases := v_leases;
END
$$;

-- Keeps what is still counted, and no row where nothing is; whether a row stays.
CREATE FUNCTION "{schema}".save(p_counter "{schema}".attempts, p_now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_counted bigint := CASE
        WHEN p_counter.locked_until IS NOT NULL THEN p_counter.locked_until
        WHEN p_counter.failures > 0 THEN p_counter.window_ends
        ELSE 0
    END;
BEGIN
    IF v_counted <= p_now AND cardinality(p_counter.leases) = 0 THEN
        DELETE FROM "{schema}".attempts WHERE account = p_counter.account AND scope = p_counter.scope;
        RETURN false;
    END IF;
    p_counter.idle_from := (SELECT max(ends) FROM unnest(p_counter.leases || v_counted) AS ends);
    INSERT INTO "{schema}".attempts VALUES (p_counter.*) ON CONFLICT (account, scope) DO UPDATE SET
        allowed = excluded.allowed, window_length = excluded.window_length, lock_length = excluded.lock_length,
        failures = excluded.failures, window_ends = excluded.window_ends, locked_until = excluded.locked_until,
        reserved = excluded.reserved, leases = excluded.leases, idle_from = excluded.idle_from;
    RETURN true;
END
$$;

-- 0: reserved, 1: busy, 2: spent.
CREATE FUNCTION "{schema}".reserve_attempt(
    p_account bytea, p_attempt bytea, p_lease_until bigint, p_now bigint,
    p_scopes bytea[], p_allowed integer[], p_windows bigint[], p_locks bigint[]
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_answer integer := 0;
    v_counter "{schema}".attempts;
    v_counters "{schema}".attempts[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('account', encode(p_account, 'hex')));
    FOR i IN 1 .. cardinality(p_scopes) LOOP
        SELECT * INTO v_counter FROM "{schema}".attempts WHERE account = p_account AND scope = p_scopes[i];
        IF NOT FOUND THEN
            v_counter := (p_account, p_scopes[i], 0, 0, NULL::bigint, 0, 0, NULL::bigint, '{}'::bytea[], '{}'::bigint[], 0);
        END IF;
        v_counter.allowed := p_allowed[i];
        v_counter.window_length := p_windows[i];
        v_counter.lock_length := p_locks[i];
        v_counter := "{schema}".lapse(v_counter, p_now);
        IF "{schema}".is_locked(v_counter, p_now) THEN
            v_answer := 2;
        ELSE
            v_counter := "{schema}".forget(v_counter, p_now);
            IF v_counter.failures >= v_counter.allowed THEN
                v_answer := 2;
            ELSIF v_counter.failures + cardinality(v_counter.leases) >= v_counter.allowed THEN
                v_answer := greatest(v_answer, 1);
            END IF;
        END IF;
        v_counters := v_counters || v_counter;
    END LOOP;
    -- What is refused changes nothing: a flood at a locked account costs no write.
    IF v_answer = 0 THEN
        FOREACH v_counter IN ARRAY v_counters LOOP
            v_counter.reserved := v_counter.reserved || p_attempt;
            v_counter.leases := v_counter.leases || p_lease_until;
            PERFORM "{schema}".save(v_counter, p_now);
        END LOOP;
    END IF;
    RETURN v_answer;
END
$$;

-- Whether a lock begins. 0: failed, 1: succeeded, 2: withdrawn.
CREATE FUNCTION "{schema}".settle_attempt(
    p_account bytea, p_attempt bytea, p_outcome integer, p_now bigint, p_scopes bytea[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_locks boolean := false;
    v_scope bytea;
    v_place integer;
    v_was_locked boolean;
    v_counter "{schema}".attempts;
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('account', encode(p_account, 'hex')));
    FOREACH v_scope IN ARRAY p_scopes LOOP
        SELECT * INTO v_counter FROM "{schema}".attempts WHERE account = p_account AND scope = v_scope;
        CONTINUE WHEN NOT FOUND;
        v_counter := "{schema}".lapse(v_counter, p_now);
        v_place := array_position(v_counter.reserved, p_attempt);
        IF v_place IS NOT NULL THEN
            v_counter.reserved := v_counter.reserved[:v_place - 1] || v_counter.reserved[v_place + 1:];
            v_counter.leases := v_counter.leases[:v_place - 1] || v_counter.leases[v_place + 1:];
            IF p_outcome = 0 THEN
                v_was_locked := "{schema}".is_locked(v_counter, p_now);
                v_counter := "{schema}".fail(v_counter, p_now);
                v_locks := v_locks OR (v_counter.locked_until IS NOT NULL AND NOT v_was_locked);
            ELSIF p_outcome = 1 THEN
                v_counter.failures := 0;
            END IF;
        END IF;
        PERFORM "{schema}".save(v_counter, p_now);
    END LOOP;
    RETURN v_locks;
END
$$;

CREATE FUNCTION "{schema}".clear_attempts(p_account bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_counter "{schema}".attempts;
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('account', encode(p_account, 'hex')));
    FOR v_counter IN SELECT * FROM "{schema}".attempts WHERE account = p_account LOOP
        v_counter.failures := 0;
        v_counter.locked_until := NULL;
        PERFORM "{schema}".save(v_counter, 0);
    END LOOP;
END
$$;

-- Of accounts, each counted once. One that somebody else is at work on is left for the next time.
CREATE FUNCTION "{schema}".purge_attempts(p_now bigint, p_limit bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_removed bigint := 0;
    v_account bytea;
    v_counter "{schema}".attempts;
BEGIN
    FOR v_account IN
        SELECT DISTINCT account FROM
            (SELECT account FROM "{schema}".attempts WHERE idle_from <= p_now ORDER BY idle_from LIMIT p_limit) AS due
    LOOP
        CONTINUE WHEN NOT pg_try_advisory_xact_lock("{schema}".lock_of('account', encode(v_account, 'hex')));
        FOR v_counter IN SELECT * FROM "{schema}".attempts WHERE account = v_account AND idle_from <= p_now LOOP
            -- A lease that has ended has become a failure, which counts from then.
            PERFORM "{schema}".save("{schema}".lapse(v_counter, p_now), p_now);
        END LOOP;
        v_removed := v_removed + (
            NOT EXISTS (SELECT FROM "{schema}".attempts WHERE account = v_account)
        )::integer;
    END LOOP;
    RETURN v_removed;
END
$$;
