-- Writes rows and moves what they reflect, or nothing of it where it stands elsewhere by now. Locks the view's head
-- row for the log, which every append of the log that knows the view waits for.
--
-- $1 view, $2 log, $3 where it stood, $4 where it stands then; $5 tenants, $6 keys, $7 stamps and $8 rows, parallel
WITH moved AS (
    UPDATE inline_heads SET through = $4 WHERE view_id = $1 AND log_id = $2 AND through = $3 RETURNING through
), written AS (
    INSERT INTO inline_rows AS held (view_id, tenant_id, stamp, before, key, row)
    SELECT $1, tenants.tenant_id, given.stamp, coalesce(earlier.stamp, 0), given.key, given.row::jsonb
      FROM moved
     CROSS JOIN unnest($5::text[], $6::text[], $7::bigint[], $8::text[]) AS given (tenant, key, stamp, row)
      JOIN tenants ON tenants.tenant = given.tenant
      LEFT JOIN LATERAL (
            SELECT stamp FROM inline_rows WHERE view_id = $1 AND tenant_id = tenants.tenant_id AND key = given.key LIMIT 1
           ) AS earlier ON true
    ON CONFLICT ON CONSTRAINT inline_rows_pk DO UPDATE
    SET stamp = excluded.stamp, before = held.stamp, row = excluded.row
)
SELECT count(*) = 1 FROM moved
