-- Appends a batch of commands to one log: each wins and is recorded whole, or loses and leaves no trace. The
-- caller sees to it that no two commands of a batch touch the same thing (a stream that one of them writes, a
-- claim, a once-only key); so each is decided for itself, and a loser has no influence on another.
--
-- Locks the log's head row until the transaction ends, and nothing else that an append of another log waits for.
-- READ COMMITTED and VOLATILE: each statement after the lock sees everything that was committed before it.
--
-- Arrays are parallel within a letter: c_ one element per command, g_ per stream and version that is guarded
-- (g_begins where a command of the batch begins that stream; a name that ends in `.*` is a family of streams, whose
-- version is how many events they have in all), p_ per pair of a command and one of its guards (many
-- share the stream that they read), k_ per claim, o_ per once-only key, e_ per event; x_command says which command an
-- element belongs to, from 1.
--
-- Most batches have no loser, and the inserts themselves would find most of them: so, unless p_careful, those that a
-- unique index finds are not looked for. When one does, the batch fails, and the caller comes again with p_careful.
-- (To go through it again here would take a subtransaction around everything, and with it a multixact for the head.)
--
-- The caller, who knows the log's head from its batch before, proposes the time and the links of the chain: p_head
-- is the chain that they begin at. They are taken when the head is still there, nobody loses, and its clock and this
-- one agree; otherwise they are made here, from the digests. Making them here costs a tenth of a batch's time.
--
-- Answers where the log stood, the chain where it stands now, and the losers: which command, why (1 its key was
-- used, 2 it is recorded already, 3 a guard does not hold, 4 a claim is taken), which pair or claim, and the version
-- or sequence found.
CREATE FUNCTION append_batch(
    p_log integer, p_head_wait text, p_once_lifetime bigint, p_careful boolean,
    c_tenant integer[], c_stream text[], c_version bigint[], c_events integer[], c_first uuid[],
    g_tenant integer[], g_stream text[], g_version bigint[], g_begins boolean[], p_command integer[], p_guard integer[],
    k_command integer[], k_set text[], k_value text[], k_checked boolean[], k_held boolean[],
    o_command integer[], o_key text[], o_body bytea[], o_forever boolean[],
    e_command integer[], e_version bigint[], e_id uuid[], e_type text[], e_schema bigint[], e_payload bytea[],
    e_correlation uuid[], e_causation uuid[], e_command_id uuid[], e_actor text[], e_traceparent text[],
    e_digest bytea[], p_head bytea, p_recorded bigint, e_chain bytea[],
    OUT base bigint, OUT recorded bigint, OUT log_epoch uuid, OUT log_chain bytea,
    OUT lost_command integer[], OUT lost_why integer[], OUT lost_index integer[], OUT lost_number bigint[]
)
LANGUAGE plpgsql VOLATILE
-- Plans are kept for the session, and made when the tables may still be empty and without statistics: a join would
-- then be planned to read a whole table for each row, and go on doing so when it has grown. So nothing is joined:
-- every lookup is a subquery by a whole key (OFFSET 0 keeps the planner from making a join of it), and other ways
-- to read a table than an index are switched off.
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict error
DECLARE
    v_clock bigint;
    v_time bytea;
    v_next bigint;
    v_head bytea;
    v_head_at bigint;
    v_careful boolean := p_careful;
    v_proposed boolean;
    v_lost boolean[];
    v_held_already boolean[];
    v_expired boolean := false;
    v_any_lost boolean := false;
    v_sequences bigint[];
    v_chains bytea[];
    v_ends bigint[];
    v_found bigint;
    v_loser record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_batch must see what its lock waited for: read committed only';
    END IF;
    PERFORM set_config('lock_timeout', p_head_wait, true);

    SELECT logs.sequence, logs.recorded_at, logs.epoch, logs.chain
    INTO STRICT base, v_head_at, log_epoch, v_head
    FROM logs WHERE logs.log_id = p_log FOR NO KEY UPDATE;

    v_clock := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

    <<attempt>>
    LOOP
        -- What stands in the way, and what the inserts further down must know. A command that has several
        -- reasons to lose is told the first.
        FOR v_loser IN
            SELECT CASE WHEN used.until IS NULL OR used.until > v_clock THEN 1 ELSE 0 END AS why,
                   o_command[i] AS command, i AS place, 0::bigint AS number
            FROM generate_series(1, cardinality(o_command)) AS i
            CROSS JOIN LATERAL (
                SELECT once_keys.expires_at AS until FROM once_keys
                WHERE once_keys.log_id = p_log AND once_keys.tenant_id = c_tenant[o_command[i]]
                  AND once_keys.key = o_key[i]
                OFFSET 0
            ) AS used
            WHERE v_careful
            UNION ALL
            SELECT 3, p_command[j], j, actual.version
            FROM generate_series(1, cardinality(g_stream)) AS i
            CROSS JOIN LATERAL (
                SELECT CASE WHEN right(g_stream[i], 2) = '.*' THEN (
                    -- '/' follows the point: what lies between are the names that begin with the family's.
                    SELECT count(*) FROM events
                    WHERE events.log_id = p_log AND events.tenant_id = g_tenant[i]
                      AND events.stream >= left(g_stream[i], -1)
                      AND events.stream < left(g_stream[i], -2) || '/'
                ) ELSE coalesce((
                    SELECT events.version FROM events
                    WHERE events.log_id = p_log AND events.tenant_id = g_tenant[i] AND events.stream = g_stream[i]
                    ORDER BY events.version DESC LIMIT 1
                ), 0) END AS version OFFSET 0
            ) AS actual
            CROSS JOIN LATERAL (
                SELECT pair AS j FROM generate_series(1, cardinality(p_guard)) AS pair
                WHERE p_guard[pair] = i AND actual.version <> g_version[i] OFFSET 0
            ) AS pairs
            WHERE actual.version <> g_version[i] AND (v_careful OR NOT g_begins[i])
            UNION ALL
            SELECT CASE WHEN held.by = c_stream[k_command[i]] THEN 5 ELSE 4 END, k_command[i], i, 0
            FROM generate_series(1, cardinality(k_command)) AS i
            CROSS JOIN LATERAL (
                SELECT claims.stream AS by FROM claims
                WHERE claims.log_id = p_log AND claims.tenant_id = c_tenant[k_command[i]]
                  AND claims.set_name = k_set[i] AND claims.value = k_value[i]
                OFFSET 0
            ) AS held
            -- One that is not kept is not inserted: no index would find that it is taken.
            WHERE k_checked[i] AND (v_careful OR NOT k_held[i])
            ORDER BY why, place
        LOOP
            -- Told is what a command lost by first, and that may be what was not looked for.
            IF NOT v_careful THEN
                v_careful := true;
                CONTINUE attempt;
            END IF;
            IF v_loser.why = 0 THEN
                v_expired := true;
                CONTINUE;
            ELSIF v_loser.why = 5 THEN
                v_held_already[v_loser.place] := true;
                CONTINUE;
            END IF;
            CONTINUE WHEN v_lost[v_loser.command];
            v_lost[v_loser.command] := true;
            v_any_lost := true;
            -- A stale guard may be the command's own doing: it was committed, and its answer was lost.
            IF v_loser.why = 3 AND c_first[v_loser.command] IS NOT NULL THEN
                SELECT events.sequence INTO v_found FROM events
                WHERE events.log_id = p_log AND events.tenant_id = c_tenant[v_loser.command]
                  AND events.stream = c_stream[v_loser.command]
                  AND events.version = c_version[v_loser.command] + 1
                  AND events.id = c_first[v_loser.command];
                IF FOUND THEN
                    v_loser.why := 2;
                    v_loser.number := v_found;
                END IF;
            END IF;
            lost_command := lost_command || v_loser.command;
            lost_why := lost_why || v_loser.why;
            lost_index := lost_index || v_loser.place;
            lost_number := lost_number || v_loser.number;
        END LOOP;
        EXIT;
    END LOOP;

    -- Winners take their numbers and their links in the chain, in order.
    v_proposed := NOT v_any_lost AND p_head = v_head
        AND p_recorded BETWEEN greatest(v_head_at, v_clock - 1000000) AND v_clock + 1000000;
    recorded := CASE WHEN v_proposed THEN p_recorded ELSE greatest(v_head_at, v_clock) END;
    log_chain := v_head;
    v_time := int8send(recorded);
    IF v_proposed THEN
        v_next := base + cardinality(e_command);
        v_chains := e_chain;
        log_chain := coalesce(e_chain[cardinality(e_chain)], log_chain);
    ELSIF v_any_lost THEN
        v_next := base;
        FOR i IN 1 .. cardinality(e_command) LOOP
            CONTINUE WHEN v_lost[e_command[i]];
            v_next := v_next + 1;
            log_chain := sha256(log_chain || sha256(e_digest[i] || int8send(v_next) || v_time));
            v_sequences[i] := v_next;
            v_chains[i] := log_chain;
        END LOOP;
    ELSE
        v_next := base + cardinality(e_command);
        FOR i IN 1 .. cardinality(e_command) LOOP
            log_chain := sha256(log_chain || sha256(e_digest[i] || int8send(base + i) || v_time));
            v_chains[i] := log_chain;
        END LOOP;
    END IF;

    IF v_next > base THEN
        INSERT INTO events (
            log_id, tenant_id, sequence, version, recorded_at, schema, id, correlation_id, command_id,
            causation_id, stream, type, actor, traceparent, chain, payload
        )
        SELECT p_log, c_tenant[e_command[i]], coalesce(v_sequences[i], base + i), e_version[i], recorded,
               e_schema[i], e_id[i], e_correlation[i], e_command_id[i], e_causation[i],
               c_stream[e_command[i]], e_type[i], e_actor[i], e_traceparent[i], v_chains[i], e_payload[i]
        FROM generate_series(1, cardinality(e_command)) AS i
        WHERE v_chains[i] IS NOT NULL;

        UPDATE logs SET sequence = v_next, recorded_at = recorded, chain = log_chain WHERE logs.log_id = p_log;
    END IF;

    IF cardinality(k_command) > 0 THEN
        IF false = ANY (k_held) THEN
            DELETE FROM claims WHERE claims.ctid = ANY (ARRAY(
                SELECT (
                    SELECT held.ctid FROM claims AS held
                    WHERE held.log_id = p_log AND held.tenant_id = c_tenant[k_command[i]]
                      AND held.set_name = k_set[i] AND held.value = k_value[i]
                      AND held.stream = c_stream[k_command[i]]
                )
                FROM generate_series(1, cardinality(k_command)) AS i
                WHERE NOT k_held[i] AND v_lost[k_command[i]] IS NULL
            ));
        END IF;
        BEGIN
            INSERT INTO claims (log_id, tenant_id, set_name, value, stream)
            SELECT p_log, c_tenant[k_command[i]], k_set[i], k_value[i], c_stream[k_command[i]]
            FROM generate_series(1, cardinality(k_command)) AS i
            WHERE k_held[i] AND v_held_already[i] IS NULL AND v_lost[k_command[i]] IS NULL;
        EXCEPTION WHEN unique_violation THEN
            -- Its own words would put the value, which may be an address, into the server's log.
            RAISE EXCEPTION 'a claim is taken' USING ERRCODE = 'TW003';
        END;
    END IF;

    IF cardinality(o_command) > 0 THEN
        v_next := base;
        FOR i IN 1 .. cardinality(c_tenant) LOOP
            IF v_lost[i] IS NULL THEN
                v_next := v_next + c_events[i];
            END IF;
            v_ends[i] := v_next;
        END LOOP;
        IF v_expired THEN
            DELETE FROM once_keys WHERE once_keys.ctid = ANY (ARRAY(
                SELECT (
                    SELECT over.ctid FROM once_keys AS over
                    WHERE over.log_id = p_log AND over.tenant_id = c_tenant[o_command[i]]
                      AND over.key = o_key[i]
                )
                FROM generate_series(1, cardinality(o_command)) AS i
                WHERE v_lost[o_command[i]] IS NULL
            ));
        END IF;
        INSERT INTO once_keys (
            log_id, tenant_id, sequence, version, recorded_at, expires_at, event_count, key, stream, body
        )
        SELECT p_log, c_tenant[o_command[i]], v_ends[o_command[i]],
               c_version[o_command[i]] + c_events[o_command[i]], recorded,
               CASE WHEN NOT o_forever[i] THEN v_clock + p_once_lifetime END, c_events[o_command[i]], o_key[i],
               c_stream[o_command[i]], o_body[i]
        FROM generate_series(1, cardinality(o_command)) AS i
        WHERE v_lost[o_command[i]] IS NULL;
    END IF;
END
$$;
