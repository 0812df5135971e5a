-- The events of streams whose names lie in some ranges, from $3 before $4, in the order of the log; where $8 is a text,
-- those that hold it. Each range is read by the index of streams, so that the rest of the log is not looked at. The same
-- columns in the same places as read_stream.sql.
SELECT events.sequence, events.version, events.recorded_at, events.schema, events.id, events.correlation_id,
       events.command_id, events.causation_id, events.stream, events.type, events.actor, events.traceparent,
       events.chain, events.payload, tenants.tenant
FROM unnest($3::text[], $4::text[], $8::text[]) AS asked (first, before, naming)
CROSS JOIN LATERAL (
    SELECT * FROM events
    WHERE events.log_id = $1 AND events.tenant_id = $2 AND events.stream >= asked.first COLLATE "C"
      AND events.stream < asked.before COLLATE "C" AND events.sequence > $5 AND events.sequence <= $6
      AND (asked.naming IS NULL OR position(convert_to(asked.naming, 'UTF8') IN events.payload) > 0)
    OFFSET 0
) AS events
JOIN tenants ON tenants.tenant_id = events.tenant_id
ORDER BY events.sequence
LIMIT $7
