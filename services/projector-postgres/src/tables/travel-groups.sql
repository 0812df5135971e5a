-- The groups of a member who has not left them.
CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA public;

ALTER TABLE rows
    ADD COLUMN IF NOT EXISTS member_ids jsonb GENERATED ALWAYS AS (
        jsonb_path_query_array(row, '$.members[*] ? (@.left_at == null).user_id')
    ) STORED;
CREATE INDEX IF NOT EXISTS rows_by_member ON rows USING gin (tenant, member_ids);
