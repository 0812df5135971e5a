-- A customer's orders, the newest first. The row of the customer has no time of its own: it is found by its key.
ALTER TABLE rows
    ADD COLUMN IF NOT EXISTS customer text COLLATE "C" GENERATED ALWAYS AS (
        CASE WHEN row ->> 'kind' = 'order' THEN row ->> 'customer_id' END
    ) STORED,
    ADD COLUMN IF NOT EXISTS placed bigint GENERATED ALWAYS AS ((row ->> 'placed_micros')::bigint) STORED,
    ADD COLUMN IF NOT EXISTS number bigint GENERATED ALWAYS AS ((row ->> 'placed_sequence')::bigint) STORED;
CREATE INDEX IF NOT EXISTS rows_by_customer ON rows (tenant, customer, placed, number) WHERE customer IS NOT NULL;
