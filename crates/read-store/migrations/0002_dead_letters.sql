-- Events that did not get into a row: kept where the rows are, so that they are written with the checkpoint.
-- Written by projector-postgres only.

CREATE TABLE dead_letters (
    view      text COLLATE "C" NOT NULL,
    version   integer NOT NULL,
    lane      integer NOT NULL,
    -- Made of the sequence and of what is parked: written twice, a letter is one. Sorts by the sequence.
    id        uuid NOT NULL,
    -- Of the event; for a record that does not say, of the last event before it.
    sequence  bigint NOT NULL,
    -- What is parked: row/<tenant>/<key>, stream/<tenant>/<stream> or record/<offset>.
    subject   text COLLATE "C" NOT NULL,
    -- Whose rows are out of date; null where that is not known.
    tenant    text COLLATE "C",
    -- Which row is; null for every row of the tenant.
    row_key   text COLLATE "C",
    reason    text NOT NULL,
    why       text NOT NULL,
    -- The record as it was, as JSON: key, value, headers (base64) and offset.
    record    text NOT NULL,
    attempts  integer NOT NULL,
    parked_at timestamptz NOT NULL,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (view, version, lane, id),
    CONSTRAINT dead_letters_version_fkey FOREIGN KEY (view, version)
        REFERENCES projection_versions (view, version) ON DELETE CASCADE,
    CONSTRAINT dead_letters_positions_not_negative CHECK (sequence >= 0 AND attempts >= 0)
);

CREATE INDEX dead_letters_by_row ON dead_letters (view, version, tenant, row_key, sequence);
CREATE INDEX dead_letters_by_subject ON dead_letters (view, version, lane, subject, id);

-- What operators ask to be done with something that is parked; done by the projector that has the lane.
CREATE TABLE letter_requests (
    view     text COLLATE "C" NOT NULL,
    version  integer NOT NULL,
    lane     integer NOT NULL,
    subject  text COLLATE "C" NOT NULL,
    what     text NOT NULL,
    -- Who asked and why; kept with what is discarded.
    asked_by text NOT NULL,
    reason   text,
    asked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT letter_requests_pkey PRIMARY KEY (view, version, lane, subject),
    CONSTRAINT letter_requests_version_fkey FOREIGN KEY (view, version)
        REFERENCES projection_versions (view, version) ON DELETE CASCADE,
    CONSTRAINT letter_requests_what_known CHECK (what IN ('retry', 'discard')),
    CONSTRAINT letter_requests_discard_has_a_reason CHECK (what <> 'discard' OR reason IS NOT NULL)
);

-- What was given up, by whom and why.
CREATE TABLE discarded_letters (
    view          text COLLATE "C" NOT NULL,
    version       integer NOT NULL,
    lane          integer NOT NULL,
    id            uuid NOT NULL,
    sequence      bigint NOT NULL,
    subject       text COLLATE "C" NOT NULL,
    why           text NOT NULL,
    record        text NOT NULL,
    discarded_by  text NOT NULL,
    reason        text NOT NULL,
    discarded_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT discarded_letters_pkey PRIMARY KEY (view, version, lane, id, discarded_at)
);

-- What queries ask: which rows do not reflect everything up to the checkpoint, and from which sequence on.
CREATE VIEW serving.parked AS
    SELECT dead_letters.view, dead_letters.tenant, dead_letters.row_key, dead_letters.sequence
      FROM dead_letters
      JOIN projections ON projections.view = dead_letters.view AND projections.serving = dead_letters.version
     WHERE dead_letters.tenant IS NOT NULL;
