-- The events of all streams whose names begin with $3, stream by stream, after the stream $4 at version $5; $6 is
-- what follows $3 in the order of names. The same columns in the same places as read_stream.sql.
SELECT events.sequence, events.version, events.recorded_at, events.schema, events.id, events.correlation_id,
       events.command_id, events.causation_id, events.stream, events.type, events.actor, events.traceparent,
       events.chain, events.payload, tenants.tenant
FROM events
JOIN tenants ON tenants.tenant_id = events.tenant_id
WHERE events.log_id = $1 AND events.tenant_id = $2
  AND events.stream >= $3 AND events.stream < $6 AND (events.stream, events.version) > ($4, $5)
ORDER BY events.stream, events.version
LIMIT $7
