-- Writes entries behind the last one, whose row is locked. Arrays are parallel.
--
-- $1 numbers, $2 times, $3 ids, $4 correlation ids, $5 sequences, $6 logs, $7 tenants, $8 actors, $9 addresses,
-- $10 commands, $11 streams, $12 outcomes, $13 codes, $14 heads, $15 chains
INSERT INTO audit (number, at, id, correlation_id, sequence, log, tenant, actor, address, command, stream, outcome,
                   code, heads, chain)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[],
                     $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
                     $15::bytea[])
