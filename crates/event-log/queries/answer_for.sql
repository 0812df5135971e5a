-- The command's events are the event_count ones up to its sequence: they were recorded in one go.
SELECT kept.sequence, kept.version, kept.recorded_at, logs.epoch, kept.stream, kept.body,
       coalesce(recorded.ids, '{}') AS ids, coalesce(recorded.types, '{}') AS types
FROM once_keys AS kept
JOIN logs ON logs.log_id = kept.log_id
CROSS JOIN LATERAL (
    SELECT array_agg(events.id ORDER BY events.sequence) AS ids,
           array_agg(events.type ORDER BY events.sequence) AS types
    FROM events
    WHERE events.log_id = kept.log_id
      AND events.sequence > kept.sequence - kept.event_count AND events.sequence <= kept.sequence
) AS recorded
WHERE kept.log_id = $1 AND kept.tenant_id = $2 AND kept.key = $3
  AND (kept.expires_at IS NULL OR kept.expires_at > extract(epoch FROM clock_timestamp()) * 1000000)
