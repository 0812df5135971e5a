-- The categories by name.
ALTER TABLE rows
    ADD COLUMN IF NOT EXISTS name text GENERATED ALWAYS AS (lower(row ->> 'name')) STORED;
CREATE INDEX IF NOT EXISTS rows_by_name ON rows (tenant, name, key);
