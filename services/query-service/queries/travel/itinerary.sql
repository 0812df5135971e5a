-- One page of what a group has planned, by when it starts; whether there is such a group, and what the answer
-- reflects: what both views do.
--
-- $1 tenant, $2 lane, $3 group
-- $4 start and $5 key of the last item of the page before: null for the first page; $6 how many
SELECT (SELECT min(coalesce(c.sequence, 0)) FROM unnest(ARRAY['travel-groups', 'travel-itinerary']) AS asked (view)
          LEFT JOIN serving.checkpoints AS c ON c.view = asked.view AND c.lane = $2) AS reflects,
       (SELECT min(sequence) FROM serving.parked
         WHERE view IN ('travel-groups', 'travel-itinerary') AND tenant = $1) AS parked,
       EXISTS (SELECT FROM serving.travel_groups AS g WHERE g.tenant = $1 AND g.key = $3) AS known,
       page.item, page.starts, page.key
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT (i.row - 'starts')::text AS item, i.starts, i.key
      FROM serving.travel_itinerary AS i
     WHERE i.tenant = $1 AND i.group_id = $3 AND ($5::text IS NULL OR (i.starts, i.key) > ($4::bigint, $5::text))
     ORDER BY i.starts, i.key
     LIMIT $6
  ) AS page ON true
 ORDER BY page.starts, page.key
