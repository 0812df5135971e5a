-- Where each view's rows are, how far they have come, and which version queries read.
-- Written by projector-postgres only. Rows themselves live in one schema per view version, made at start.

CREATE TABLE projections (
    view        text COLLATE "C" NOT NULL,
    context     text COLLATE "C" NOT NULL,
    -- The version that queries read; moved in the transaction that points serving.<view> to its table.
    serving     integer NOT NULL,
    switched_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT projections_pkey PRIMARY KEY (view),
    CONSTRAINT projections_serving_is_a_version CHECK (serving > 0)
);

CREATE TABLE projection_versions (
    view       text COLLATE "C" NOT NULL,
    version    integer NOT NULL,
    -- building: being fed, not yet read. serving: read. retained: was read, still fed where its release runs.
    state      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT projection_versions_pkey PRIMARY KEY (view, version),
    CONSTRAINT projection_versions_view_fkey FOREIGN KEY (view) REFERENCES projections (view),
    CONSTRAINT projection_versions_state_known CHECK (state IN ('building', 'serving', 'retained'))
);

CREATE UNIQUE INDEX projection_versions_one_serves ON projection_versions (view) WHERE state = 'serving';

-- One row per lane of a view version, updated with every batch of rows: small and with room to stay so.
CREATE TABLE checkpoints (
    view       text COLLATE "C" NOT NULL,
    version    integer NOT NULL,
    lane       integer NOT NULL,
    sequence   bigint NOT NULL,
    -- The offset to read the lane's partition on from.
    "offset"   bigint NOT NULL,
    -- The history that the events belong to; null before the first.
    epoch      uuid,
    chain      bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT checkpoints_pkey PRIMARY KEY (view, version, lane),
    CONSTRAINT checkpoints_version_fkey FOREIGN KEY (view, version) REFERENCES projection_versions (view, version),
    CONSTRAINT checkpoints_lane_in_range CHECK (lane BETWEEN 0 AND 65535),
    CONSTRAINT checkpoints_positions_not_negative CHECK (sequence >= 0 AND "offset" >= 0),
    CONSTRAINT checkpoints_chain_is_sha256 CHECK (length(chain) = 32)
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- A tenant lives in one lane, in every context, for ever.
CREATE TABLE tenant_lanes (
    tenant text COLLATE "C" NOT NULL,
    lane   integer NOT NULL,
    CONSTRAINT tenant_lanes_pkey PRIMARY KEY (tenant),
    CONSTRAINT tenant_lanes_lane_in_range CHECK (lane BETWEEN 0 AND 65535)
);

-- What queries read. serving.<view> is made with the first version of each view.
CREATE SCHEMA serving;

CREATE VIEW serving.checkpoints AS
    SELECT checkpoints.view, checkpoints.lane, checkpoints.sequence
      FROM checkpoints
      JOIN projections ON projections.view = checkpoints.view AND projections.serving = checkpoints.version;
