-- One page of a tenant's orders, the newest first, and what it reflects.
--
-- $1 tenant, $2 lane
-- $3 customer, $4 status, $5 placed from and $6 placed to, in microseconds and both included: null where any will do
-- $7 time and $8 number of the last item of the page before: null for the first page
-- $9 how many
SELECT coalesce((SELECT sequence FROM serving.checkpoints WHERE view = 'order-list' AND lane = $2), 0) AS reflects,
       (SELECT min(sequence) FROM serving.parked WHERE view = 'order-list' AND tenant = $1) AS parked,
       page.item, page.placed, page.number
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT (o.row - ARRAY['placed_micros', 'placed_sequence'])::text AS item, o.placed, o.number
      FROM serving.order_list AS o
     WHERE o.tenant = $1
       AND ($3::text IS NULL OR o.customer = $3::text)
       AND ($4::text IS NULL OR o.status = $4::text)
       AND ($5::bigint IS NULL OR o.placed >= $5::bigint)
       AND ($6::bigint IS NULL OR o.placed <= $6::bigint)
       AND ($8::bigint IS NULL OR (o.placed, o.number) < ($7::bigint, $8::bigint))
     ORDER BY o.placed DESC, o.number DESC
     LIMIT $9
  ) AS page ON true
 ORDER BY page.placed DESC, page.number DESC
