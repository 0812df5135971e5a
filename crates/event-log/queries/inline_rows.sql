-- The rows with these keys that there ever were, those without a value too. Each is looked up by itself: for a join, the
-- planner takes a table without statistics for so small that all that a tenant has is read. Locks nothing.
--
-- $1 view; $2 tenants and $3 keys, parallel
SELECT wanted.place, held.stamp, held.row::text
  FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS wanted (tenant, key, place)
  JOIN tenants ON tenants.tenant = wanted.tenant
 CROSS JOIN LATERAL (
        SELECT stamp, row FROM inline_rows WHERE view_id = $1 AND tenant_id = tenants.tenant_id AND key = wanted.key LIMIT 1
       ) AS held
