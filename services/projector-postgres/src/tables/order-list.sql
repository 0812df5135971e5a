-- Lists of orders, the newest first: all of them, a customer's, those of a status.
ALTER TABLE rows
    ADD COLUMN IF NOT EXISTS customer text COLLATE "C" GENERATED ALWAYS AS (row ->> 'customer_id') STORED,
    ADD COLUMN IF NOT EXISTS status text COLLATE "C" GENERATED ALWAYS AS (row ->> 'status') STORED,
    ADD COLUMN IF NOT EXISTS placed bigint GENERATED ALWAYS AS ((row ->> 'placed_micros')::bigint) STORED,
    ADD COLUMN IF NOT EXISTS number bigint GENERATED ALWAYS AS ((row ->> 'placed_sequence')::bigint) STORED;
CREATE INDEX IF NOT EXISTS rows_by_time ON rows (tenant, placed, number);
CREATE INDEX IF NOT EXISTS rows_by_customer ON rows (tenant, customer, placed, number);
CREATE INDEX IF NOT EXISTS rows_by_status ON rows (tenant, status, placed, number);
