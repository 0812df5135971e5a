-- One page of a tenant's revenue by day or month and currency, and what it reflects. A row's key is the day, a slash
-- and the currency; '0' follows '/', so that the range below ends with the last day.
--
-- $1 tenant, $2 lane
-- $3 first day and $4 last day: null where any will do
-- $5 how many letters of a day make a period: 10 for a day, 7 for a month
-- $6 period and $7 currency of the last item of the page before: null for the first page
-- $8 how many
SELECT coalesce((SELECT sequence FROM serving.checkpoints WHERE view = 'revenue' AND lane = $2), 0) AS reflects,
       (SELECT min(sequence) FROM serving.parked WHERE view = 'revenue' AND tenant = $1) AS parked,
       page.item, page.period, page.currency
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT sums.period, sums.currency,
           jsonb_build_object(
               'period', sums.period,
               'revenue', jsonb_build_object('amount', sums.captured - sums.refunded, 'currency', sums.currency),
               'captured', jsonb_build_object('amount', sums.captured, 'currency', sums.currency),
               'captures', sums.captures,
               'refunded', jsonb_build_object('amount', sums.refunded, 'currency', sums.currency),
               'refunds', sums.refunds
           )::text AS item
      FROM (
        SELECT left(r.key, $5) COLLATE "C" AS period, (r.row ->> 'currency') COLLATE "C" AS currency,
               sum((r.row ->> 'captured')::bigint) AS captured, sum((r.row ->> 'captures')::bigint) AS captures,
               sum((r.row ->> 'refunded')::bigint) AS refunded, sum((r.row ->> 'refunds')::bigint) AS refunds
          FROM serving.revenue AS r
         WHERE r.tenant = $1
           AND ($3::text IS NULL OR r.key >= $3::text)
           AND ($4::text IS NULL OR r.key < $4::text || '0')
           AND ($6::text IS NULL OR r.key >= $6::text)
         GROUP BY 1, 2
      ) AS sums
     WHERE $6::text IS NULL OR (sums.period, sums.currency) > ($6::text, $7::text)
     ORDER BY sums.period, sums.currency
     LIMIT $8
  ) AS page ON true
 ORDER BY page.period, page.currency
