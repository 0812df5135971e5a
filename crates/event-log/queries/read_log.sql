-- Parallel to read_stream.sql: the same columns in the same places.
SELECT events.sequence, events.version, events.recorded_at, events.schema, events.id, events.correlation_id,
       events.command_id, events.causation_id, events.stream, events.type, events.actor, events.traceparent,
       events.chain, events.payload, tenants.tenant
FROM events
JOIN tenants ON tenants.tenant_id = events.tenant_id
WHERE events.log_id = $1 AND events.sequence > $2
ORDER BY events.sequence
LIMIT $3
