-- One page of a tenant's categories by name, and what it reflects.
--
-- $1 tenant, $2 lane; $3 name and $4 key of the last item of the page before: null for the first page; $5 how many
SELECT coalesce((SELECT sequence FROM serving.checkpoints WHERE view = 'categories' AND lane = $2), 0) AS reflects,
       (SELECT min(sequence) FROM serving.parked WHERE view = 'categories' AND tenant = $1) AS parked,
       page.item, page.name, page.key
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT c.row::text AS item, c.name, c.key
      FROM serving.categories AS c
     WHERE c.tenant = $1 AND ($4::text IS NULL OR (c.name, c.key) > ($3::text, $4::text))
     ORDER BY c.name, c.key
     LIMIT $5
  ) AS page ON true
 ORDER BY page.name, page.key
