-- The first event of each command that wrote a stream, as commands.sql has them: by the index of streams, however far
-- apart they are. Locks nothing.
--
-- $1 context, $2 lane, $3 the sequence that they follow, $4 the last one; $5 tenant, $6 actor, null for all; $7 stream,
-- $8 how many, $9 the log's name
SELECT events.sequence, events.recorded_at, events.command_id, events.correlation_id, tenants.tenant, events.actor,
       events.stream, events.type, origin.address, origin.command
  FROM logs
  JOIN events ON events.log_id = logs.log_id AND events.sequence > $3 AND events.sequence <= $4
  JOIN tenants ON tenants.tenant_id = events.tenant_id
  LEFT JOIN LATERAL (
        SELECT audit.address, audit.command FROM audit
         WHERE audit.outcome = 'accepted' AND audit.log = $9 AND audit.correlation_id = events.correlation_id
           AND audit.sequence >= events.sequence AND audit.sequence < events.sequence + 1000
         ORDER BY audit.sequence LIMIT 1
       ) AS origin ON true
 WHERE logs.context = $1 AND logs.lane = $2
   AND tenants.tenant = $5 AND events.stream = $7 AND ($6::text IS NULL OR events.actor = $6)
   AND events.command_id IS DISTINCT FROM (
        SELECT before.command_id FROM events AS before
         WHERE before.log_id = events.log_id AND before.sequence = events.sequence - 1
       )
 ORDER BY events.sequence
 LIMIT $8
