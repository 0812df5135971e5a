-- One page of the groups that a user is a member of, with how the user stands in each, what waits for the user's
-- decision and what comes next; and what the answer reflects: what all three views do.
--
-- $1 tenant, $2 lane, $3 user, $4 the present in microseconds
-- $5 key of the last item of the page before: null for the first page; $6 how many
SELECT (SELECT min(coalesce(c.sequence, 0))
          FROM unnest(ARRAY['travel-groups', 'travel-expenses', 'travel-itinerary']) AS asked (view)
          LEFT JOIN serving.checkpoints AS c ON c.view = asked.view AND c.lane = $2) AS reflects,
       (SELECT min(sequence) FROM serving.parked
         WHERE view IN ('travel-groups', 'travel-expenses', 'travel-itinerary') AND tenant = $1) AS parked,
       page.item, page.key
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT jsonb_build_object(
               'group_id', g.key,
               'name', g.row -> 'name',
               'status', g.row -> 'status',
               'trip_window', g.row -> 'trip_window',
               'balance', member.row -> 'balance',
               'wallet', member.row -> 'wallet',
               'pending_approvals', (SELECT count(*) FROM serving.travel_expenses AS e
                                      WHERE e.tenant = $1 AND e.group_id = g.key AND e.pending_since IS NOT NULL
                                        AND e.row ->> 'submitted_by' <> $3),
               'next_item', (SELECT i.row - '{starts,group_id}'::text[] FROM serving.travel_itinerary AS i
                              WHERE i.tenant = $1 AND i.group_id = g.key AND i.starts >= $4
                              ORDER BY i.starts, i.key LIMIT 1)
           )::text AS item,
           g.key
      FROM serving.travel_groups AS g
     CROSS JOIN LATERAL (
        SELECT members.row FROM jsonb_array_elements(g.row -> 'members') AS members (row)
         WHERE members.row ->> 'user_id' = $3
     ) AS member
     WHERE g.tenant = $1 AND g.member_ids ? $3 AND ($5::text IS NULL OR g.key > $5)
     ORDER BY g.key
     LIMIT $6
  ) AS page ON true
 ORDER BY page.key
