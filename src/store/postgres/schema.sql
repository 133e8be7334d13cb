-- Version 1 of the tables. Times are in microseconds since 1970.
--
-- An operation that needs several statements is a function. A call of a function takes one round
-- trip. The call is atomic, because it is one statement. Most functions lock names (advisory
-- locks), so that they can also lock a row that does not exist yet. Each statement of a function
-- sees everything that was committed before that statement began, because the isolation level is
-- read committed and the functions are volatile.

-- The shop's generation: 16 random bytes, which the library draws. The table is empty until the
-- library first needs the generation. Then it has one row.
CREATE TABLE "{schema}".epoch (
    one integer PRIMARY KEY CHECK (one = 1),
    shop_generation bytea NOT NULL
);

-- The generations of subjects, which are customers and admin users. The rows are never removed. A
-- sign-in that read an earlier generation may still be in progress, and the store must refuse its
-- grant.
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

-- Bars: the digests of revoked tokens. Until the time in the column "until", a grant with such a
-- digest cannot be inserted.
CREATE TABLE "{schema}".bars (
    digest bytea PRIMARY KEY,
    until bigint NOT NULL
);
CREATE INDEX bars_by_end ON "{schema}".bars (until);

-- Versioned documents, whose content the library defines. The expression convert_from(bytes,
-- 'UTF8') shows the content of a document as text. The column "listed" is true if the document has
-- entries in indexes.
CREATE TABLE "{schema}".documents (
    partition bytea NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    version bytea NOT NULL,
    keep_until bigint,
    listed boolean NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (partition, kind, id)
);
CREATE INDEX documents_by_end ON "{schema}".documents (keep_until) WHERE keep_until IS NOT NULL;

-- The entries of documents in indexes. The column "scope" holds the partition to which the index
-- belongs. The column is empty for an index of the whole shop.
CREATE TABLE "{schema}".entries (
    scope bytea NOT NULL,
    name text COLLATE "C" NOT NULL,
    rank bigint NOT NULL,
    partition bytea NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id bytea NOT NULL,
    PRIMARY KEY (scope, name, rank, partition, kind, id)
);
CREATE INDEX entries_by_document ON "{schema}".entries (partition, kind, id);

-- The audit trail. The positions of its records have no gaps. Each event is stored in two parts.
-- The column "personal" holds the personal data, and an erasure sets it to null. The column "event"
-- holds the rest. A chain of signatures covers the records (src/audit/chain). The two columns have
-- the type json, because jsonb would not keep the signed text byte for byte.
CREATE TABLE "{schema}".audit_events (
    position bigint PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    at bigint NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    why text,
    subject_kind text,
    subject_id text,
    actor text,
    account text,
    event json NOT NULL,
    personal json,
    key_id bigint,
    link bytea,
    erased bytea
);
CREATE INDEX audit_events_by_subject ON "{schema}".audit_events (subject_id, subject_kind, at);
CREATE INDEX audit_events_by_actor ON "{schema}".audit_events (actor, at) WHERE actor IS NOT NULL;
-- An index for records that name an account but no subject. The erasure of a customer also erases
-- such records, if they name an account of the customer.
CREATE INDEX audit_events_by_account ON "{schema}".audit_events (account) WHERE subject_id IS NULL AND account IS NOT NULL;

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
    permissions text NOT NULL,
    requires_second_factor boolean NOT NULL DEFAULT true
);

-- Returns the integer that identifies the advisory lock of a name. All schemas of a database share
-- these integers. So the name of the schema is a part of the hashed text, and the locks of two
-- shops differ.
CREATE FUNCTION "{schema}".lock_of(p_kind text, p_name text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT hashtextextended('{schema} ' || p_kind || ' ' || p_name, 0)
$$;

---- Tokens

-- Inserts a grant. Only one insertion for a subject runs at a time, so that an insertion counts the
-- grants of earlier insertions. The result is:
--
-- - 0 if the grant is stored,
-- - 1 if the generation of the subject or of the shop was replaced,
-- - 2 if the id of the grant is barred,
-- - 3 if a grant with this id exists.
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
    -- A revoke of all tokens of the shop may replace the shop's generation at this moment. The new
    -- row still holds the earlier generation, so its grant is not live.
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

-- Revokes a grant and bars its digest. Returns true if the grant was live.
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

-- Revokes all grants of a subject except p_keep, and makes p_fresh the generation of the subject.
-- Returns the shop's generation.
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

---- Documents

-- Makes all changes of a commit in one partition, or none of them. The i-th elements of the arrays
-- from p_kinds to p_contents describe the i-th change:
--
-- - If p_deletes is true, then the change removes a document.
-- - Otherwise, if p_versions is not null, then the change stores a document.
-- - Otherwise the change only compares the version.
--
-- The arrays from p_places to p_ranks describe the index entries. For each entry, p_places holds
-- the position of the change to which the entry belongs. If the version of a document is not the
-- expected one, then the function changes nothing, and returns the current documents.
--
-- The advisory lock keeps out other commits to the same partition, even if the partition has no row
-- yet. It does not keep out a sweep, because a sweep does not lock partitions. So the function also
-- locks the rows of the documents. Each statement finds one row of "documents" by the whole primary
-- key. For a join with the arrays, the server might read the whole partition.
CREATE FUNCTION "{schema}".commit_documents(
    p_partition bytea, p_kinds text[], p_ids bytea[], p_expects bytea[], p_deletes boolean[], p_versions bytea[],
    p_keep_untils bigint[], p_contents bytea[], p_places integer[], p_scopes bytea[], p_names text[], p_ranks bigint[],
    OUT committed boolean, OUT versions bytea[], OUT contents bytea[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_version bytea;
    v_listed boolean;
    v_were_listed boolean[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('partition', encode(p_partition, 'hex')));
    committed := true;
    FOR i IN 1 .. cardinality(p_kinds) LOOP
        SELECT version, listed INTO v_version, v_listed FROM "{schema}".documents
            WHERE partition = p_partition AND kind = p_kinds[i] AND id = p_ids[i] FOR UPDATE;
        IF v_version IS DISTINCT FROM p_expects[i] THEN
            committed := false;
            SELECT array_agg(document.version ORDER BY wanted.place), array_agg(document.bytes ORDER BY wanted.place)
                INTO versions, contents
                FROM unnest(p_kinds, p_ids) WITH ORDINALITY AS wanted (kind, id, place) LEFT JOIN LATERAL (
                    SELECT version, bytes FROM "{schema}".documents
                    WHERE partition = p_partition AND kind = wanted.kind AND id = wanted.id LIMIT 1
                ) AS document ON true;
            RETURN;
        END IF;
        v_were_listed := v_were_listed || v_listed;
    END LOOP;
    FOR i IN 1 .. cardinality(p_kinds) LOOP
        CONTINUE WHEN p_versions[i] IS NULL AND NOT p_deletes[i];
        IF v_were_listed[i] THEN
            DELETE FROM "{schema}".entries WHERE partition = p_partition AND kind = p_kinds[i] AND id = p_ids[i];
        END IF;
        IF p_deletes[i] THEN
            DELETE FROM "{schema}".documents WHERE partition = p_partition AND kind = p_kinds[i] AND id = p_ids[i];
        ELSIF p_expects[i] IS NULL THEN
            INSERT INTO "{schema}".documents VALUES (
                p_partition, p_kinds[i], p_ids[i], p_versions[i], p_keep_untils[i], i = ANY (p_places), p_contents[i]
            );
        ELSE
            UPDATE "{schema}".documents SET version = p_versions[i], keep_until = p_keep_untils[i],
                listed = i = ANY (p_places), bytes = p_contents[i]
                WHERE partition = p_partition AND kind = p_kinds[i] AND id = p_ids[i];
        END IF;
    END LOOP;
    IF cardinality(p_places) > 0 THEN
        INSERT INTO "{schema}".entries
            SELECT entry.scope, entry.name, entry.rank, p_partition, p_kinds[entry.place], p_ids[entry.place]
            FROM unnest(p_places, p_scopes, p_names, p_ranks) AS entry (place, scope, name, rank);
    END IF;
END
$$;

-- Removes expired documents and their index entries. Skips documents that a commit has locked. A
-- commit may change a row after the query has found the row and before the query locks it. In this
-- case the server compares keep_until again after it has locked the row. A second statement removes
-- the index entries, so that it sees the entries that the last commit wrote.
CREATE FUNCTION "{schema}".sweep_documents(p_until bigint, p_limit bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_removed bigint;
    v_partitions bytea[];
    v_kinds text[];
    v_ids bytea[];
BEGIN
    WITH due AS MATERIALIZED (
        SELECT partition, kind, id FROM "{schema}".documents
        WHERE keep_until <= p_until LIMIT p_limit FOR UPDATE SKIP LOCKED
    ), removed AS (
        DELETE FROM "{schema}".documents AS document USING due
        WHERE document.partition = due.partition AND document.kind = due.kind AND document.id = due.id
        RETURNING document.partition, document.kind, document.id, document.listed
    )
    SELECT count(*), array_agg(partition) FILTER (WHERE listed), array_agg(kind) FILTER (WHERE listed),
            array_agg(id) FILTER (WHERE listed)
        INTO v_removed, v_partitions, v_kinds, v_ids FROM removed;
    IF v_ids IS NOT NULL THEN
        DELETE FROM "{schema}".entries AS entry USING unnest(v_partitions, v_kinds, v_ids) AS gone (partition, kind, id)
            WHERE entry.partition = gone.partition AND entry.kind = gone.kind AND entry.id = gone.id;
    END IF;
    RETURN v_removed;
END
$$;

---- The audit trail

-- Appends audit records. If the caller has a keyring, then it has signed the records in their
-- order. Appends nothing if the last record does not have the position and the link that the caller
-- expects, or if one of the new records exists already. The result has these columns:
--
-- - appended: true if the records were appended,
-- - known: the ids of those new records that existed already,
-- - last, link: the position of the last record before the call, and the newest link before the
--   call.
CREATE FUNCTION "{schema}".append_records(
    p_last bigint, p_link bytea, p_ids text[], p_ats bigint[], p_actions text[], p_outcomes text[], p_whys text[],
    p_kinds text[], p_subjects text[], p_actors text[], p_accounts text[], p_events text[], p_personals text[],
    p_keys bigint[], p_links bytea[],
    OUT appended boolean, OUT known text[], OUT last bigint, OUT link bytea
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock("{schema}".lock_of('audit', ''));
    SELECT record.position, record.link INTO last, link
        FROM "{schema}".audit_events AS record ORDER BY record.position DESC LIMIT 1;
    last := coalesce(last, 0);
    IF p_links[1] IS NULL THEN
        -- The new records are not signed, so the link need not be compared. The result repeats the
        -- caller's link.
        link := p_link;
    ELSIF link IS NULL AND last <> 0 THEN
        -- The last record is not signed, because a node without a keyring has appended it. So this
        -- statement finds the link of the last signed record.
        SELECT record.link INTO link FROM "{schema}".audit_events AS record
            WHERE record.link IS NOT NULL ORDER BY record.position DESC LIMIT 1;
    END IF;
    known := ARRAY(SELECT id::text FROM "{schema}".audit_events WHERE id = ANY (p_ids::uuid[]));
    appended := last = p_last AND link IS NOT DISTINCT FROM p_link AND cardinality(known) = 0;
    IF appended THEN
        INSERT INTO "{schema}".audit_events (
            position, id, at, action, outcome, why, subject_kind, subject_id, actor, account, event, personal, key_id, link
        ) SELECT p_last + record.place, record.id::uuid, record.at, record.action, record.outcome, record.why, record.kind,
            record.subject, record.actor, record.account, record.event::json, record.personal::json, record.key,
            record.link
        FROM unnest(
            p_ids, p_ats, p_actions, p_outcomes, p_whys, p_kinds, p_subjects, p_actors, p_accounts, p_events, p_personals,
            p_keys, p_links
        ) WITH ORDINALITY AS record (
            id, at, action, outcome, why, kind, subject, actor, account, event, personal, key, link, place
        );
    END IF;
END
$$;

-- Erases the personal parts of the records at these positions. Returns the number of records that
-- it erased.
CREATE FUNCTION "{schema}".erase_records(p_positions bigint[], p_erasures bytea[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_erased bigint;
BEGIN
    UPDATE "{schema}".audit_events AS record SET
        personal = NULL, erased = rest.erasure, account = NULL,
        subject_id = CASE record.subject_kind WHEN 'customer' THEN NULL ELSE record.subject_id END,
        subject_kind = nullif(record.subject_kind, 'customer')
    FROM unnest(p_positions, p_erasures) AS rest (position, erasure)
    -- Another call may have erased the record in the meantime.
    WHERE record.position = rest.position AND record.personal IS NOT NULL;
    GET DIAGNOSTICS v_erased = ROW_COUNT;
    RETURN v_erased;
END
$$;
