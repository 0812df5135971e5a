-- Active users, newest first. Without its `Z` a time sorts as text: what has a fraction comes after what has none.
CREATE INDEX IF NOT EXISTS active_newest_first
    ON rows (tenant_id, (rtrim(row ->> 'created_at', 'Z') COLLATE "C") DESC, key DESC)
    WHERE row ->> 'status' = 'active';
