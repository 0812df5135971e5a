-- A product by its SKU. Not unique: that is the log's business, and a row must always fit.
ALTER TABLE rows
    ADD COLUMN IF NOT EXISTS sku text COLLATE "C" GENERATED ALWAYS AS (row ->> 'sku') STORED;
CREATE INDEX IF NOT EXISTS rows_by_sku ON rows (tenant, sku);
