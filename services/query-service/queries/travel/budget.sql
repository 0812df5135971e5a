-- One page of the categories of a group's budget; whether there is such a group, and what the answer reflects: what
-- both views do. A category's key is the group's, a slash and its name; '0' follows '/', so that the range below
-- holds just those.
--
-- $1 tenant, $2 lane, $3 group, $4 key of the last item of the page before: null for the first page; $5 how many
SELECT (SELECT min(coalesce(c.sequence, 0)) FROM unnest(ARRAY['travel-groups', 'travel-budgets']) AS asked (view)
          LEFT JOIN serving.checkpoints AS c ON c.view = asked.view AND c.lane = $2) AS reflects,
       (SELECT min(sequence) FROM serving.parked
         WHERE view IN ('travel-groups', 'travel-budgets') AND tenant = $1) AS parked,
       EXISTS (SELECT FROM serving.travel_groups AS g WHERE g.tenant = $1 AND g.key = $3) AS known,
       page.item, page.key
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT (b.row - 'group_id')::text AS item, b.key
      FROM serving.travel_budgets AS b
     WHERE b.tenant = $1 AND b.key > $3 || '/' AND b.key < $3 || '0' AND ($4::text IS NULL OR b.key > $4)
     ORDER BY b.key
     LIMIT $5
  ) AS page ON true
 ORDER BY page.key
