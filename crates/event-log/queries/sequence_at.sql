-- The last event of a log that is not younger than $3, found by halving: sequences are dense, and time never runs
-- backwards along them.
WITH RECURSIVE head AS (
    SELECT logs.log_id, logs.sequence FROM logs WHERE logs.context = $1 AND logs.lane = $2
), halving (log_id, low, high) AS (
    SELECT head.log_id, 0::bigint, head.sequence FROM head
    UNION ALL
    SELECT halving.log_id,
           CASE WHEN middle.recorded_at <= $3 THEN middle.sequence ELSE halving.low END,
           CASE WHEN middle.recorded_at <= $3 THEN halving.high ELSE middle.sequence - 1 END
    FROM halving
    JOIN events AS middle ON middle.log_id = halving.log_id
                         AND middle.sequence = (halving.low + halving.high + 1) / 2
    WHERE halving.low < halving.high
)
SELECT halving.low FROM halving WHERE halving.low = halving.high
