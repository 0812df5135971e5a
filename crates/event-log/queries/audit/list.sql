-- Entries in the order of their times, but for those of accepted commands: these are in the log. Locks nothing.
--
-- $1 and $2 the time and the number that they follow, $3 until when; $4 tenant, $5 actor, $6 stream, $7 outcome, each
-- null for all; $8 how many
SELECT number, at, id, correlation_id, sequence, log, tenant, actor, address, command, stream, outcome, code, heads,
       chain
  FROM audit
 WHERE (at, number) > ($1, $2) AND at <= $3 AND outcome <> 'accepted'
   AND ($4::text IS NULL OR tenant = $4) AND ($5::text IS NULL OR actor = $5)
   AND ($6::text IS NULL OR stream = $6) AND ($7::text IS NULL OR outcome = $7)
 ORDER BY at, number
 LIMIT $8
