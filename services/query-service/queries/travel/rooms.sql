-- What is free of a hotel's rooms, by type and night, and what the answer reflects. A type's key is `rooms/`, the
-- hotel's, a slash and its name; '0' follows '/', so that the range below holds just those.
--
-- $1 tenant, $2 lane, $3 hotel, $4 type of rooms: null for all of them; $5 the nights, as days
SELECT coalesce((SELECT sequence FROM serving.checkpoints WHERE view = 'travel-rooms' AND lane = $2), 0) AS reflects,
       (SELECT min(sequence) FROM serving.parked WHERE view = 'travel-rooms' AND tenant = $1) AS parked,
       page.item
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT jsonb_build_object(
               'hotel_id', r.row -> 'hotel_id',
               'room_type', r.row -> 'room_type',
               'night', nights.night,
               'free', greatest((r.row ->> 'count')::bigint - coalesce((sold.row ->> 'sold')::bigint, 0), 0),
               'count', r.row -> 'count',
               'price', r.row -> 'price'
           )::text AS item,
           r.key, nights.night
      FROM serving.travel_rooms AS r
     CROSS JOIN unnest($5::text[]) AS nights (night)
      LEFT JOIN serving.travel_rooms AS sold
             ON sold.tenant = $1 AND sold.key = 'night/' || $3 || '/' || nights.night || '/' || (r.row ->> 'room_type')
     WHERE r.tenant = $1 AND r.key > 'rooms/' || $3 || '/' AND r.key < 'rooms/' || $3 || '0'
       AND ($4::text IS NULL OR r.key = 'rooms/' || $3 || '/' || $4)
  ) AS page ON true
 ORDER BY page.key, page.night
