-- One page of a tenant's products of which little is available, the scarcest first, and what it reflects.
--
-- $1 tenant, $2 lane, $3 below which number available
-- $4 available and $5 key of the last item of the page before: null for the first page
-- $6 how many
SELECT coalesce((SELECT sequence FROM serving.checkpoints WHERE view = 'stock' AND lane = $2), 0) AS reflects,
       (SELECT min(sequence) FROM serving.parked WHERE view = 'stock' AND tenant = $1) AS parked,
       page.item, page.available, page.key
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT (s.row - 'kind')::text AS item, s.available, s.key
      FROM serving.stock AS s
     WHERE s.tenant = $1 AND s.available IS NOT NULL AND s.available < $3
       AND ($5::text IS NULL OR (s.available, s.key) > ($4::bigint, $5::text))
     ORDER BY s.available, s.key
     LIMIT $6
  ) AS page ON true
 ORDER BY page.available, page.key
