-- One page of a customer's orders, the newest first, beside what the customer has come to, and what both reflect.
--
-- $1 tenant, $2 lane, $3 customer
-- $4 time and $5 number of the last item of the page before: null for the first page
-- $6 how many
SELECT coalesce((SELECT sequence FROM serving.checkpoints WHERE view = 'customer-history' AND lane = $2), 0)
           AS reflects,
       (SELECT min(sequence) FROM serving.parked WHERE view = 'customer-history' AND tenant = $1) AS parked,
       (SELECT c.row - 'kind' FROM serving.customer_history AS c WHERE c.tenant = $1 AND c.key = $3)::text AS totals,
       page.item, page.placed, page.number
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT (o.row - ARRAY['kind', 'placed_micros', 'placed_sequence'])::text AS item, o.placed, o.number
      FROM serving.customer_history AS o
     WHERE o.tenant = $1 AND o.customer = $3
       AND ($5::bigint IS NULL OR (o.placed, o.number) < ($4::bigint, $5::bigint))
     ORDER BY o.placed DESC, o.number DESC
     LIMIT $6
  ) AS page ON true
 ORDER BY page.placed DESC, page.number DESC
