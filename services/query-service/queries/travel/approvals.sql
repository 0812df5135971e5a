-- One page of the expenses that wait to be decided, the longest waiting first, and what it reflects.
--
-- $1 tenant, $2 lane, $3 group: null for all of them
-- $4 sequence of the last item of the page before: null for the first page; $5 how many
SELECT coalesce((SELECT sequence FROM serving.checkpoints WHERE view = 'travel-expenses' AND lane = $2), 0) AS reflects,
       (SELECT min(sequence) FROM serving.parked WHERE view = 'travel-expenses' AND tenant = $1) AS parked,
       page.item, page.pending_since
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT (e.row - 'submitted_sequence')::text AS item, e.pending_since
      FROM serving.travel_expenses AS e
     WHERE e.tenant = $1 AND e.pending_since IS NOT NULL
       AND ($3::text IS NULL OR e.group_id = $3)
       AND ($4::bigint IS NULL OR e.pending_since > $4)
     ORDER BY e.pending_since
     LIMIT $5
  ) AS page ON true
 ORDER BY page.pending_since
