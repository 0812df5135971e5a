-- A page of a tenant's active users, newest first, how many there are in all, and what the answer reflects.
--
-- $1 view, $2 tenant, $3 log; $4 a pattern that name or e-mail address has to be like: null for all;
-- $5 how many, $6 behind how many
SELECT coalesce((SELECT through FROM inline_heads WHERE log_id = $3 AND view_id = $1), 0) AS reflects,
       (SELECT count(*)
          FROM inline_rows AS held
         WHERE held.view_id = $1 AND held.tenant_id = $2 AND held.row ->> 'status' = 'active'
           AND ($4::text IS NULL OR held.row ->> 'name' ILIKE $4 OR held.row ->> 'email' ILIKE $4)) AS total,
       page.item
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT held.row::text AS item, rtrim(held.row ->> 'created_at', 'Z') COLLATE "C" AS created, held.key
      FROM inline_rows AS held
     WHERE held.view_id = $1 AND held.tenant_id = $2 AND held.row ->> 'status' = 'active'
       AND ($4::text IS NULL OR held.row ->> 'name' ILIKE $4 OR held.row ->> 'email' ILIKE $4)
     ORDER BY rtrim(held.row ->> 'created_at', 'Z') COLLATE "C" DESC, held.key DESC
     LIMIT $5 OFFSET $6
  ) AS page ON true
 ORDER BY page.created DESC, page.key DESC
