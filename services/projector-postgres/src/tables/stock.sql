-- What runs low. `available` is null where a row is a reservation or the product is sold no longer: neither is
-- ever to be ordered again. A product's reservations are found by the primary key: theirs begin with its own.
ALTER TABLE rows
    ADD COLUMN IF NOT EXISTS available bigint GENERATED ALWAYS AS (
        CASE WHEN row ->> 'kind' = 'product' AND NOT (row ->> 'discontinued')::boolean
             THEN (row ->> 'available')::bigint END
    ) STORED;
CREATE INDEX IF NOT EXISTS rows_by_available ON rows (tenant, available, key) WHERE available IS NOT NULL;
