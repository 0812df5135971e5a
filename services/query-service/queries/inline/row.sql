-- A row of an inline view by its key, and what the answer reflects.
--
-- $1 view, $2 tenant, $3 log, $4 key
SELECT coalesce((SELECT through FROM inline_heads WHERE log_id = $3 AND view_id = $1), 0) AS reflects,
       held.stamp, held.row::text AS body
  FROM (VALUES (1)) AS always
  LEFT JOIN inline_rows AS held
    ON held.view_id = $1 AND held.tenant_id = $2 AND held.key = $4 AND held.row IS NOT NULL
