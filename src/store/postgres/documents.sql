-- Version 4: versioned documents, whose meaning the library owns. SELECT convert_from(bytes, 'UTF8') shows one. True in
-- listed: the document has entries in indexes.
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

-- Entries of documents in indexes. The scope is the partition that the index belongs to, or empty for an index of the
-- whole shop.
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

-- Makes all changes of one partition or none. A change with a version puts a document, one of p_deletes removes it, any other
-- only compares. An entry belongs to the change at its place. If a version is not the expected one, answers the current
-- documents.
--
-- The lock keeps out other commits, also where there is no row yet. The rows are locked against a sweep, which takes
-- no lock of a partition. Each statement finds its row by the whole primary key: a join with the arrays might read all of
-- the partition.
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

-- Documents that a commit is at are left for the next time; a row that was changed meanwhile is compared again once it is
-- locked. The entries are removed by a later statement, which sees those that the last commit wrote.
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
