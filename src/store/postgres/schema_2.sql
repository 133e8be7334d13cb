-- Version 2: the audit trail has places without gaps, each event in two parts, and a chain of signatures over them
-- (src/audit/chain.rs). What was kept before is not signed, and is of one part. Signed text is kept byte for byte: json, not
-- jsonb.
ALTER TABLE "{schema}".audit_events
    ADD COLUMN position bigint,
    ADD COLUMN account text,
    ADD COLUMN personal json,
    ADD COLUMN key_id bigint,
    ADD COLUMN link bytea,
    ADD COLUMN erased bytea;
UPDATE "{schema}".audit_events AS record SET position = place.position, account = record.event ->> 'account'
    FROM (SELECT arrival, row_number() OVER (ORDER BY arrival) AS position FROM "{schema}".audit_events) AS place
    WHERE place.arrival = record.arrival;
ALTER TABLE "{schema}".audit_events
    DROP COLUMN arrival,
    ADD PRIMARY KEY (position),
    ALTER COLUMN event TYPE json USING event::text::json;
-- What names an account and no subject: a customer's, too, once the customer is to be erased.
CREATE INDEX audit_events_by_account ON "{schema}".audit_events (account) WHERE subject_id IS NULL AND account IS NOT NULL;

-- Appends records if the last one and the last link are what the caller took them for, and none of the records is there
-- already. Answers whether it did, and else what it found. The caller has signed them in their order.
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
        -- Nothing is signed: nobody asks for the link.
        link := p_link;
    ELSIF link IS NULL AND last <> 0 THEN
        -- Somebody without a key has recorded in between.
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

-- Keeps what is left of records whose personal part is erased; how many there were.
CREATE FUNCTION "{schema}".erase_records(p_positions bigint[], p_events text[], p_erasures bytea[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_erased bigint;
BEGIN
    UPDATE "{schema}".audit_events AS record SET
        event = coalesce(rest.event::json, record.event), personal = NULL, erased = rest.erasure, account = NULL,
        subject_id = CASE record.subject_kind WHEN 'customer' THEN NULL ELSE record.subject_id END,
        subject_kind = nullif(record.subject_kind, 'customer')
    FROM unnest(p_positions, p_events, p_erasures) AS rest (position, event, erasure)
    -- Another one may have erased it meanwhile.
    WHERE record.position = rest.position AND (record.personal IS NOT NULL OR record.link IS NULL);
    GET DIAGNOSTICS v_erased = ROW_COUNT;
    RETURN v_erased;
END
$$;
