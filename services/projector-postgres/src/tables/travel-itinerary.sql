-- What a group has planned, by when it starts.
ALTER TABLE rows
    ADD COLUMN IF NOT EXISTS group_id text COLLATE "C" GENERATED ALWAYS AS (row ->> 'group_id') STORED,
    ADD COLUMN IF NOT EXISTS starts bigint GENERATED ALWAYS AS ((row ->> 'starts')::bigint) STORED;
CREATE INDEX IF NOT EXISTS rows_by_start ON rows (tenant, group_id, starts, key);
