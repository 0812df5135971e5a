-- A product's stock with its reservations, and what the answer reflects. A reservation's key is the product's, a
-- slash and its own; '0' follows '/', so that the range below holds just those.
--
-- $1 tenant, $2 lane, $3 product, $4 most reservations
SELECT coalesce((SELECT sequence FROM serving.checkpoints WHERE view = 'stock' AND lane = $2), 0) AS reflects,
       (SELECT min(sequence) FROM serving.parked WHERE view = 'stock' AND tenant = $1) AS parked,
       s.stamp,
       ((s.row - 'kind') || jsonb_build_object(
            'reservation_count', (SELECT count(*) FROM serving.stock AS r
                                   WHERE r.tenant = $1 AND r.key > $3 || '/' AND r.key < $3 || '0'),
            'reservations', (SELECT coalesce(jsonb_agg(r.row - 'kind' ORDER BY r.key), '[]')
                               FROM (SELECT r.row, r.key FROM serving.stock AS r
                                      WHERE r.tenant = $1 AND r.key > $3 || '/' AND r.key < $3 || '0'
                                      ORDER BY r.key LIMIT $4) AS r)
       ))::text AS body
  FROM (VALUES (1)) AS always
  LEFT JOIN serving.stock AS s ON s.tenant = $1 AND s.key = $3
