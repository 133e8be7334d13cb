-- Version 3: the second factors of admin users, apart from the host's table.
CREATE TABLE "{schema}".factors (
    admin text PRIMARY KEY,
    name bytea NOT NULL,
    key_id bigint NOT NULL,
    secret bytea NOT NULL,
    activated_at bigint NOT NULL,
    last_step bigint NOT NULL
);

-- Those that are not spent.
CREATE TABLE "{schema}".recovery_codes (
    admin text NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (admin, digest)
);

CREATE TABLE "{schema}".factor_enrolments (
    admin text PRIMARY KEY,
    token bytea NOT NULL,
    key_id bigint NOT NULL,
    secret bytea NOT NULL,
    replaces bytea,
    expires_at bigint NOT NULL,
    begun_with bytea
);
CREATE INDEX factor_enrolments_by_token ON "{schema}".factor_enrolments (token);

ALTER TABLE "{schema}".admins ADD COLUMN requires_second_factor boolean NOT NULL DEFAULT true;

---- Second factors: what an admin user has is changed by one at a time, whether there is a row yet or not

CREATE FUNCTION "{schema}".begin_enrolment(
    p_admin text, p_token bytea, p_key bigint, p_secret bytea, p_replaces bytea, p_expires_at bigint,
    p_begun_with bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('factor', p_admin));
    INSERT INTO "{schema}".factor_enrolments
        VALUES (p_admin, p_token, p_key, p_secret, p_replaces, p_expires_at, p_begun_with)
        ON CONFLICT (admin) DO UPDATE SET token = excluded.token, key_id = excluded.key_id, secret = excluded.secret,
            replaces = excluded.replaces, expires_at = excluded.expires_at, begun_with = excluded.begun_with;
END
$$;

CREATE FUNCTION "{schema}".activate_factor(p_token bytea, p_step bigint, p_codes bytea[], p_now bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_admin text;
    v_enrolment "{schema}".factor_enrolments;
BEGIN
    SELECT admin INTO v_admin FROM "{schema}".factor_enrolments WHERE token = p_token;
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('factor', v_admin));
    -- Again, now that nobody else changes it.
    SELECT * INTO v_enrolment FROM "{schema}".factor_enrolments
        WHERE admin = v_admin AND token = p_token AND expires_at > p_now;
    IF NOT FOUND
        OR v_enrolment.replaces IS DISTINCT FROM (SELECT name FROM "{schema}".factors WHERE admin = v_admin)
    THEN
        RETURN false;
    END IF;
    INSERT INTO "{schema}".factors VALUES (v_admin, p_token, v_enrolment.key_id, v_enrolment.secret, p_now, p_step)
        ON CONFLICT (admin) DO UPDATE SET name = excluded.name, key_id = excluded.key_id, secret = excluded.secret,
            activated_at = excluded.activated_at, last_step = excluded.last_step;
    DELETE FROM "{schema}".recovery_codes WHERE admin = v_admin;
    INSERT INTO "{schema}".recovery_codes SELECT v_admin, unnest(p_codes) ON CONFLICT DO NOTHING;
    DELETE FROM "{schema}".factor_enrolments WHERE admin = v_admin;
    RETURN true;
END
$$;

CREATE FUNCTION "{schema}".replace_recovery_codes(p_admin text, p_name bytea, p_codes bytea[]) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('factor', p_admin));
    IF NOT EXISTS (SELECT FROM "{schema}".factors WHERE admin = p_admin AND name = p_name) THEN
        RETURN false;
    END IF;
    DELETE FROM "{schema}".recovery_codes WHERE admin = p_admin;
    INSERT INTO "{schema}".recovery_codes SELECT p_admin, unnest(p_codes) ON CONFLICT DO NOTHING;
    RETURN true;
END
$$;

CREATE FUNCTION "{schema}".remove_factor(p_admin text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_removed boolean;
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('factor', p_admin));
    DELETE FROM "{schema}".factors WHERE admin = p_admin;
    v_removed := FOUND;
    DELETE FROM "{schema}".recovery_codes WHERE admin = p_admin;
    DELETE FROM "{schema}".factor_enrolments WHERE admin = p_admin;
    RETURN v_removed;
END
$$;

CREATE FUNCTION "{schema}".purge_enrolments(p_now bigint, p_limit bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_removed bigint;
BEGIN
    DELETE FROM "{schema}".factor_enrolments WHERE admin IN (
        SELECT admin FROM "{schema}".factor_enrolments
        WHERE expires_at <= p_now LIMIT p_limit FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;
