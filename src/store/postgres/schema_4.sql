-- Version 4: what ends further ahead than its own longest life was begun by a clock that was ahead, and lasts that long from
-- now on. The same arithmetic as in src/store/budgets.rs. The largest number there is ends a lock until cleared.
CREATE FUNCTION "{schema}".lower_end(p_end bigint, p_latest bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    -- Clocks of nodes may be 30 s apart.
    SELECT CASE WHEN p_end - 30000000 > p_latest THEN p_latest ELSE p_end END
$$;

CREATE FUNCTION "{schema}".clamp(INOUT p_counter "{schema}".attempts, p_now bigint) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    c_longest_lease CONSTANT bigint := 3600000000;
BEGIN
    p_counter.window_ends := "{schema}".lower_end(p_counter.window_ends, p_now + p_counter.window_length);
    IF p_counter.locked_until < 9223372036854775807 AND p_counter.lock_length IS NOT NULL THEN
        p_counter.locked_until := "{schema}".lower_end(p_counter.locked_until, p_now + p_counter.lock_length);
    END IF;
    p_counter.leases := ARRAY(
        SELECT "{schema}".lower_end(lease, p_now + c_longest_lease)
        FROM unnest(p_counter.leases) WITH ORDINALITY AS held (lease, place) ORDER BY place
    );
END
$$;

CREATE OR REPLACE FUNCTION "{schema}".reserve_attempt(
    p_account bytea, p_attempt bytea, p_lease_until bigint, p_now bigint,
    p_scopes bytea[], p_allowed integer[], p_windows bigint[], p_locks bigint[]
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_answer integer := 0;
    v_clamped boolean := false;
    v_found "{schema}".attempts;
    v_counter "{schema}".attempts;
    v_counters "{schema}".attempts[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('account', encode(p_account, 'hex')));
    FOR i IN 1 .. cardinality(p_scopes) LOOP
        SELECT * INTO v_counter FROM "{schema}".attempts WHERE account = p_account AND scope = p_scopes[i];
        IF NOT FOUND THEN
            v_counter := (p_account, p_scopes[i], 0, 0, NULL::bigint, 0, 0, NULL::bigint, '{}'::bytea[], '{}'::bigint[], 0);
        END IF;
        v_found := v_counter;
        v_counter := "{schema}".clamp(v_counter, p_now);
        v_clamped := v_clamped OR v_counter IS DISTINCT FROM v_found;
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
    ELSIF v_clamped THEN
        FOREACH v_counter IN ARRAY v_counters LOOP
            PERFORM "{schema}".save(v_counter, p_now);
        END LOOP;
    END IF;
    RETURN v_answer;
END
$$;

CREATE OR REPLACE FUNCTION "{schema}".settle_attempt(
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
        v_counter := "{schema}".lapse("{schema}".clamp(v_counter, p_now), p_now);
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
