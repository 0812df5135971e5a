-- The rows with these keys that there ever were, those without a value too. Locks nothing.
--
-- $1 view; $2 tenants and $3 keys, parallel
SELECT wanted.place, held.stamp, held.row::text
  FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS wanted (tenant, key, place)
  JOIN tenants ON tenants.tenant = wanted.tenant
  JOIN inline_rows AS held ON held.view_id = $1 AND held.tenant_id = tenants.tenant_id AND held.key = wanted.key
