-- Lists of products: filtered, sorted and searched by text.
--
-- The document holds what is searched: the name weighs most (A), then the SKU (B), then the description (D). Marks
-- are blanks in it, as they are in what people type: `CH-1` is `ch 1`. It is not stemmed, since names are in any
-- language; prefixes and the tolerance for typos cover endings.
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA public;

ALTER TABLE rows
    ADD COLUMN IF NOT EXISTS name text GENERATED ALWAYS AS (lower(row ->> 'name')) STORED,
    ADD COLUMN IF NOT EXISTS category text COLLATE "C" GENERATED ALWAYS AS (row #>> '{category,id}') STORED,
    ADD COLUMN IF NOT EXISTS price bigint GENERATED ALWAYS AS ((row #>> '{price,amount}')::bigint) STORED,
    ADD COLUMN IF NOT EXISTS currency text COLLATE "C" GENERATED ALWAYS AS (row #>> '{price,currency}') STORED,
    ADD COLUMN IF NOT EXISTS in_stock boolean GENERATED ALWAYS AS ((row #>> '{stock,available}')::bigint > 0) STORED,
    ADD COLUMN IF NOT EXISTS discontinued boolean GENERATED ALWAYS AS ((row ->> 'discontinued')::boolean) STORED,
    ADD COLUMN IF NOT EXISTS created bigint GENERATED ALWAYS AS ((row ->> 'created_sequence')::bigint) STORED,
    ADD COLUMN IF NOT EXISTS document tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', regexp_replace(row ->> 'name', '[!-/:-@\[-`{-~]+', ' ', 'g')), 'A')
        || setweight(to_tsvector('simple', regexp_replace(row ->> 'sku', '[!-/:-@\[-`{-~]+', ' ', 'g')), 'B')
        || setweight(to_tsvector('simple', regexp_replace(row ->> 'description', '[!-/:-@\[-`{-~]+', ' ', 'g')), 'D')
    ) STORED;

-- What changes with every sale (stock) is in no index, so that such an update touches none of them; the room left
-- in each page is for that.
ALTER TABLE rows SET (fillfactor = 85);
CREATE INDEX IF NOT EXISTS rows_by_name ON rows (tenant, name, key);
CREATE INDEX IF NOT EXISTS rows_by_price ON rows (tenant, price, key);
CREATE INDEX IF NOT EXISTS rows_by_age ON rows (tenant, created, key);
CREATE INDEX IF NOT EXISTS rows_by_word ON rows USING gin (tenant, document);
CREATE INDEX IF NOT EXISTS rows_by_spelling ON rows USING gin (tenant, name gin_trgm_ops);
