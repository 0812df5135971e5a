SELECT min(events.sequence)
FROM logs
JOIN events ON events.log_id = logs.log_id
WHERE logs.context = $1 AND logs.lane = $2 AND events.sequence > $3 AND events.sequence <= $4
  AND events.version <> 1
  AND NOT EXISTS (
      SELECT FROM events AS before
      WHERE before.log_id = events.log_id AND before.tenant_id = events.tenant_id
        AND before.stream = events.stream AND before.version = events.version - 1
        AND before.sequence < events.sequence
  )
