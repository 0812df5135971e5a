-- What was asked and is not in the log: commands that were refused, and where those came from that were not. Written in
-- batches, apart from appends, as a chain of its own.

CREATE TABLE audit (
    number    bigint NOT NULL,
    -- Microseconds since 1970: when it was asked.
    at        bigint NOT NULL,
    id        uuid NOT NULL,
    correlation_id uuid,
    -- Of an accepted command, its last event.
    sequence  bigint,
    log       text COLLATE "C",
    tenant    text COLLATE "C",
    actor     text COLLATE "C",
    address   text COLLATE "C",
    command   text COLLATE "C",
    stream    text COLLATE "C",
    outcome   text COLLATE "C" NOT NULL,
    code      text COLLATE "C",
    -- Where logs stood when it was written, as JSON: what the chain is anchored to.
    heads     text,
    chain     bytea NOT NULL,
    CONSTRAINT audit_pk PRIMARY KEY (number),
    CONSTRAINT audit_id_key UNIQUE (id),
    CONSTRAINT audit_outcome_known CHECK (outcome IN ('accepted', 'refused', 'forbidden', 'unrecorded'))
);
CREATE INDEX audit_at_idx ON audit (at, number);
CREATE INDEX audit_actor_idx ON audit (actor, at, number) WHERE outcome <> 'accepted';
CREATE INDEX audit_stream_idx ON audit (stream, at, number) WHERE outcome <> 'accepted' AND stream IS NOT NULL;
CREATE INDEX audit_accepted_idx ON audit (log, sequence) WHERE outcome = 'accepted';
COMMENT ON TABLE audit IS 'Who asked what that is not in the log, each entry chained to the one before.';

CREATE FUNCTION audit_is_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is never changed' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_never_changed();

-- One row; its lock is the audit's writing lock.
CREATE TABLE audit_head (
    one          boolean NOT NULL DEFAULT true,
    number       bigint NOT NULL DEFAULT 0,
    chain        bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    -- Entries up to here were removed after their time.
    removed      bigint NOT NULL DEFAULT 0,
    removed_chain bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    CONSTRAINT audit_head_pk PRIMARY KEY (one),
    CONSTRAINT audit_head_is_one CHECK (one)
) WITH (fillfactor = 50);
INSERT INTO audit_head DEFAULT VALUES;
