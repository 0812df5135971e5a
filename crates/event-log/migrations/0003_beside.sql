-- What is written beside events, in their transaction: rows of inline views, and passwords.

CREATE TABLE inline_views (
    view_id integer GENERATED ALWAYS AS IDENTITY,
    version integer NOT NULL,
    context text COLLATE "C" NOT NULL,
    view    text COLLATE "C" NOT NULL,
    CONSTRAINT inline_views_pk PRIMARY KEY (view_id),
    CONSTRAINT inline_views_view_version_key UNIQUE (view, version)
);
COMMENT ON TABLE inline_views IS 'Each version of each view whose rows the append writes.';

-- Updated once per batch, like the heads of logs.
CREATE TABLE inline_heads (
    log_id  integer NOT NULL,
    view_id integer NOT NULL,
    through bigint NOT NULL DEFAULT 0,
    CONSTRAINT inline_heads_pk PRIMARY KEY (log_id, view_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE inline_heads IS 'Up to where the rows of a view are the fold of a log.';

-- A partition for each view version, made when it is opened: its indexes are its own, and a version that nobody
-- reads any more is dropped in one step. A row that the fold took away stays with its stamp and without a value, so
-- that whoever had seen it before it went is told.
CREATE TABLE inline_rows (
    view_id   integer NOT NULL,
    tenant_id integer NOT NULL,
    stamp     bigint NOT NULL,
    before    bigint NOT NULL,
    key       text COLLATE "C" NOT NULL,
    row       jsonb,
    CONSTRAINT inline_rows_pk PRIMARY KEY (view_id, tenant_id, key)
) PARTITION BY LIST (view_id);
COMMENT ON TABLE inline_rows IS 'Rows, with the sequence of the last event that each reflects and of the one before.';

CREATE TABLE passwords (
    log_id    integer NOT NULL,
    tenant_id integer NOT NULL,
    stream    text COLLATE "C" NOT NULL,
    hash      text COLLATE "C" NOT NULL,
    CONSTRAINT passwords_pk PRIMARY KEY (log_id, tenant_id, stream)
);
COMMENT ON TABLE passwords IS 'The argon2id hash of each stream''s password. Nothing else keeps anything of it.';

-- append_batch, and what is written beside the events: all of it or nothing. Appends of contexts without inline views
-- do not come this way.
--
-- v_ the views of the context, r_ one element per row: which command and which of its events last touched it, the
-- stamp that it was folded from (0: there was none), the text that stands for the time of recording, which nobody
-- knows before the lock is held, and the row as JSON; w_ one element per password. No two rows of a batch are the
-- same one.
--
-- Raises TW001 where rows have moved since they were read, with the numbers of their commands as detail, and TW002
-- where a view does not reflect the log up to here: a service without it has appended. Nothing is recorded then.
CREATE FUNCTION append_batch_beside(
    p_log integer, p_head_wait text, p_once_lifetime bigint, p_careful boolean,
    c_tenant integer[], c_stream text[], c_version bigint[], c_events integer[], c_first uuid[],
    g_tenant integer[], g_stream text[], g_version bigint[], g_begins boolean[], p_command integer[], p_guard integer[],
    k_command integer[], k_set text[], k_value text[], k_checked boolean[], k_held boolean[],
    o_command integer[], o_key text[], o_body bytea[], o_forever boolean[],
    e_command integer[], e_version bigint[], e_id uuid[], e_type text[], e_schema bigint[], e_payload bytea[],
    e_correlation uuid[], e_causation uuid[], e_command_id uuid[], e_actor text[], e_traceparent text[],
    e_digest bytea[], p_head bytea, p_recorded bigint, e_chain bytea[],
    v_view integer[],
    r_command integer[], r_view integer[], r_key text[], r_stamp bigint[], r_event integer[], r_mark text[],
    r_row text[],
    w_command integer[], w_hash text[],
    OUT base bigint, OUT recorded bigint, OUT log_epoch uuid, OUT log_chain bytea,
    OUT lost_command integer[], OUT lost_why integer[], OUT lost_index integer[], OUT lost_number bigint[]
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict error
DECLARE
    v_lost boolean[];
    v_before bigint[];
    v_next bigint;
    v_time text;
    v_wanted bigint;
    v_written bigint;
    v_moved integer[];
BEGIN
    SELECT appended.base, appended.recorded, appended.log_epoch, appended.log_chain,
           appended.lost_command, appended.lost_why, appended.lost_index, appended.lost_number
    INTO STRICT base, recorded, log_epoch, log_chain, lost_command, lost_why, lost_index, lost_number
    FROM append_batch(
        p_log, p_head_wait, p_once_lifetime, p_careful,
        c_tenant, c_stream, c_version, c_events, c_first,
        g_tenant, g_stream, g_version, g_begins, p_command, p_guard,
        k_command, k_set, k_value, k_checked, k_held,
        o_command, o_key, o_body, o_forever,
        e_command, e_version, e_id, e_type, e_schema, e_payload,
        e_correlation, e_causation, e_command_id, e_actor, e_traceparent, e_digest,
        p_head, p_recorded, e_chain
    ) AS appended;

    -- After which sequence the events of each winner come.
    FOR i IN 1 .. coalesce(cardinality(lost_command), 0) LOOP
        v_lost[lost_command[i]] := true;
    END LOOP;
    v_next := base;
    FOR i IN 1 .. cardinality(c_tenant) LOOP
        CONTINUE WHEN v_lost[i];
        v_before[i] := v_next;
        v_next := v_next + c_events[i];
    END LOOP;

    IF v_next > base AND cardinality(v_view) > 0 THEN
        UPDATE inline_heads SET through = v_next
        WHERE inline_heads.log_id = p_log AND inline_heads.view_id = ANY (v_view) AND inline_heads.through = base;
        GET DIAGNOSTICS v_written = ROW_COUNT;
        IF v_written <> cardinality(v_view) THEN
            RAISE EXCEPTION 'an inline view does not reflect the log' USING ERRCODE = 'TW002';
        END IF;
    END IF;

    IF cardinality(r_command) > 0 THEN
        -- As Rust writes it: no more digits than there are.
        v_time := to_char(
            (timestamptz 'epoch' + recorded * interval '1 microsecond') AT TIME ZONE 'UTC',
            'YYYY-MM-DD"T"HH24:MI:SS.US'
        );
        v_time := '"' || rtrim(rtrim(v_time, '0'), '.') || 'Z"';

        INSERT INTO inline_rows AS held (view_id, tenant_id, stamp, before, key, row)
        SELECT r_view[i], c_tenant[r_command[i]], v_before[r_command[i]] + r_event[i], r_stamp[i], r_key[i],
               replace(r_row[i], '"' || r_mark[i] || '"', v_time)::jsonb
        FROM generate_series(1, cardinality(r_command)) AS i
        WHERE v_before[r_command[i]] IS NOT NULL
        ON CONFLICT ON CONSTRAINT inline_rows_pk DO UPDATE
        SET stamp = excluded.stamp, before = excluded.before, row = excluded.row
        WHERE held.stamp = excluded.before;
        GET DIAGNOSTICS v_written = ROW_COUNT;

        SELECT count(*) INTO v_wanted FROM generate_series(1, cardinality(r_command)) AS i
        WHERE v_before[r_command[i]] IS NOT NULL;
        IF v_written <> v_wanted THEN
            SELECT array_agg(DISTINCT r_command[i]) INTO v_moved
            FROM generate_series(1, cardinality(r_command)) AS i
            WHERE v_before[r_command[i]] IS NOT NULL
              AND v_before[r_command[i]] + r_event[i] IS DISTINCT FROM (
                SELECT inline_rows.stamp FROM inline_rows
                WHERE inline_rows.view_id = r_view[i] AND inline_rows.tenant_id = c_tenant[r_command[i]]
                  AND inline_rows.key = r_key[i]
              );
            RAISE EXCEPTION 'rows have moved'
                USING ERRCODE = 'TW001', DETAIL = array_to_string(v_moved, ',');
        END IF;
    END IF;

    IF cardinality(w_command) > 0 THEN
        INSERT INTO passwords (log_id, tenant_id, stream, hash)
        SELECT p_log, c_tenant[w_command[i]], c_stream[w_command[i]], w_hash[i]
        FROM generate_series(1, cardinality(w_command)) AS i
        WHERE v_before[w_command[i]] IS NOT NULL
        ON CONFLICT ON CONSTRAINT passwords_pk DO UPDATE SET hash = excluded.hash;
    END IF;
END
$$;
