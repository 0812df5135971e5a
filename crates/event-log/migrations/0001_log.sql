-- The log's tables. `recorded_at` and `expires_at` are microseconds since 1970-01-01T00:00:00Z: exact in the
-- chain, in Rust and here. Names of tenants and of (context, lane) stand once; everything else carries a number.

CREATE TABLE tenants (
    tenant_id integer GENERATED ALWAYS AS IDENTITY,
    lane      integer NOT NULL,
    tenant    text COLLATE "C" NOT NULL,
    CONSTRAINT tenants_pk PRIMARY KEY (tenant_id),
    CONSTRAINT tenants_tenant_key UNIQUE (tenant),
    CONSTRAINT tenants_lane_in_range CHECK (lane BETWEEN 0 AND 65535)
);
COMMENT ON TABLE tenants IS 'Which lane a tenant lives in, chosen once, the same in every context.';

-- One head row per (context, lane), updated once per batch: half-empty pages keep those updates in place. No CHECK
-- here, on events, on claims and on once_keys: Postgres parses each again for every statement of the write path.
CREATE TABLE logs (
    log_id      integer GENERATED ALWAYS AS IDENTITY,
    lane        integer NOT NULL,
    sequence    bigint NOT NULL DEFAULT 0,
    recorded_at bigint NOT NULL DEFAULT 0,
    epoch       uuid NOT NULL DEFAULT gen_random_uuid(),
    context     text COLLATE "C" NOT NULL,
    chain       bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    CONSTRAINT logs_pk PRIMARY KEY (log_id),
    CONSTRAINT logs_context_lane_key UNIQUE (context, lane)
) WITH (fillfactor = 50);
COMMENT ON TABLE logs IS 'The head of each log. Its row lock is the log''s writing lock.';

-- Fixed-width columns first, so that no row pays for padding. Two indexes and no more: every further one is paid
-- by every event. The second also answers "at which version is this stream" and "is this event recorded already".
CREATE TABLE events (
    log_id         integer NOT NULL,
    tenant_id      integer NOT NULL,
    sequence       bigint NOT NULL,
    version        bigint NOT NULL,
    recorded_at    bigint NOT NULL,
    schema         bigint NOT NULL,
    id             uuid NOT NULL,
    correlation_id uuid NOT NULL,
    command_id     uuid NOT NULL,
    causation_id   uuid,
    stream         text COLLATE "C" NOT NULL,
    type           text COLLATE "C" NOT NULL,
    actor          text COLLATE "C" NOT NULL,
    traceparent    text COLLATE "C",
    chain          bytea NOT NULL,
    payload        bytea NOT NULL,
    CONSTRAINT events_pk PRIMARY KEY (log_id, sequence),
    CONSTRAINT events_stream_version_key UNIQUE (log_id, tenant_id, stream, version)
);
COMMENT ON TABLE events IS 'The log, and the outbox: written once, never changed.';

CREATE FUNCTION events_are_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_are_never_changed();

CREATE TABLE claims (
    log_id    integer NOT NULL,
    tenant_id integer NOT NULL,
    set_name  text COLLATE "C" NOT NULL,
    value     text COLLATE "C" NOT NULL,
    stream    text COLLATE "C" NOT NULL,
    CONSTRAINT claims_pk PRIMARY KEY (log_id, tenant_id, set_name, value)
);
COMMENT ON TABLE claims IS 'Values that at most one stream of a tenant and context holds.';

CREATE TABLE once_keys (
    log_id      integer NOT NULL,
    tenant_id   integer NOT NULL,
    sequence    bigint NOT NULL,
    version     bigint NOT NULL,
    recorded_at bigint NOT NULL,
    expires_at  bigint,
    event_count integer NOT NULL,
    key         text COLLATE "C" NOT NULL,
    stream      text COLLATE "C" NOT NULL,
    body        bytea NOT NULL,
    CONSTRAINT once_keys_pk PRIMARY KEY (log_id, tenant_id, key)
);
CREATE INDEX once_keys_expires_at_idx ON once_keys (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE once_keys IS 'What came of each command that was sent with a key; its events are the event_count ones up to sequence.';

CREATE TABLE snapshots (
    log_id        integer NOT NULL,
    tenant_id     integer NOT NULL,
    state_version bigint NOT NULL,
    version       bigint NOT NULL,
    stream        text COLLATE "C" NOT NULL,
    state         bytea NOT NULL,
    CONSTRAINT snapshots_pk PRIMARY KEY (log_id, tenant_id, stream, state_version)
);
COMMENT ON TABLE snapshots IS 'Folded states of long streams; may be emptied at any time.';

CREATE TABLE schemas (
    fingerprint bigint NOT NULL,
    type        text COLLATE "C" NOT NULL,
    json        text COLLATE "C" NOT NULL,
    CONSTRAINT schemas_pk PRIMARY KEY (fingerprint)
);
COMMENT ON TABLE schemas IS 'The schemas that payloads were written with; the log does not depend on a registry.';

-- Apart from the heads, so that relays and command-services never wait for each other.
CREATE TABLE cursors (
    log_id            integer NOT NULL,
    published_through bigint NOT NULL DEFAULT 0,
    topic_offset      bigint,
    fence             bigint NOT NULL DEFAULT 0,
    leased_until      timestamptz,
    holder            uuid,
    topic_id          uuid,
    chain             bytea,
    CONSTRAINT cursors_pk PRIMARY KEY (log_id),
    CONSTRAINT cursors_published_through_not_negative CHECK (published_through >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE cursors IS 'How far each log is published, and which relay may publish it.';

CREATE VIEW outbox AS
SELECT logs.context, logs.lane, events.sequence, to_timestamp(events.recorded_at / 1000000.0) AS recorded_at,
       tenants.tenant, events.stream, events.version, events.type, events.id
FROM logs
JOIN cursors ON cursors.log_id = logs.log_id
JOIN events ON events.log_id = logs.log_id AND events.sequence > cursors.published_through
JOIN tenants ON tenants.tenant_id = events.tenant_id;
COMMENT ON VIEW outbox IS 'What is recorded and not yet published, for people to look at.';

-- Whoever holds a head and goes silent is cut off, whichever client it is. Services ask for the same by
-- themselves; this is for all the others. Where the role may not say so, an operator has to.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = %L', current_database(), '5s');
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'set idle_in_transaction_session_timeout on this database: the role that migrates may not';
END
$$;
