-- What waits to be decided, of all groups or of one, by when it was submitted.
ALTER TABLE rows
    ADD COLUMN IF NOT EXISTS group_id text COLLATE "C" GENERATED ALWAYS AS (row ->> 'group_id') STORED,
    ADD COLUMN IF NOT EXISTS pending_since bigint GENERATED ALWAYS AS (
        CASE WHEN row ->> 'status' = 'pending' THEN (row ->> 'submitted_sequence')::bigint END
    ) STORED;
CREATE INDEX IF NOT EXISTS rows_pending ON rows (tenant, pending_since) WHERE pending_since IS NOT NULL;
CREATE INDEX IF NOT EXISTS rows_pending_by_group ON rows (tenant, group_id, pending_since)
    WHERE pending_since IS NOT NULL;
