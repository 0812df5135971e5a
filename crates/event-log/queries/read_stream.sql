-- Parallel to read_log.sql: the same columns in the same places.
SELECT events.sequence, events.version, events.recorded_at, events.schema, events.id, events.correlation_id,
       events.command_id, events.causation_id, events.stream, events.type, events.actor, events.traceparent,
       events.chain, events.payload, tenants.tenant
FROM events
JOIN tenants ON tenants.tenant_id = events.tenant_id
WHERE events.log_id = $1 AND events.tenant_id = $2 AND events.stream = $3 AND events.version > $4
ORDER BY events.version
LIMIT $5
