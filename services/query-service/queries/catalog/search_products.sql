-- One page of a tenant's products, and what it reflects.
--
-- $1 tenant, $2 lane
-- $3 the words to find as a text search query, $4 the same as it is ranked; both null where there are none
-- $5 category, $6 currency, $7 least price, $8 highest price, $9 in stock: null where any will do
-- $10 discontinued products too
-- $11 sort; $12 text, $13 number and $14 key of the last item of the page before: null for the first page
-- $15 how many
--
-- It is planned anew each time, with the values in place (plan_cache_mode = force_custom_plan on these connections):
-- what is null or another sort falls away before the plan is made, and each sort walks its own index.
SELECT coalesce((SELECT sequence FROM serving.checkpoints WHERE view = 'product-search' AND lane = $2), 0) AS reflects,
       (SELECT min(sequence) FROM serving.parked WHERE view = 'product-search' AND tenant = $1) AS parked,
       page.item, page.sort_text, page.sort_number, page.key
  FROM (VALUES (1)) AS always
  LEFT JOIN (
    SELECT ordered.*, row_number() OVER () AS number
      FROM (
        SELECT (p.row - 'created_sequence')::text AS item,
               CASE $11::text WHEN 'name' THEN p.name END AS sort_text,
               CASE $11::text WHEN 'price' THEN p.price WHEN '-price' THEN p.price
                              WHEN '-created' THEN p.created WHEN 'relevance' THEN score.of END AS sort_number,
               p.key
          FROM serving.product_search AS p
         CROSS JOIN LATERAL (
            -- Whole numbers, so that a cursor is exact. A word in the name outweighs any number in the description.
            SELECT CASE $11::text WHEN 'relevance' THEN
                (ts_rank('{0.05, 0.1, 0.4, 1}', p.document, to_tsquery('simple', $4::text))::float8 * 1000000)::bigint
            END AS of
         ) AS score
         WHERE p.tenant = $1
           AND ($3::text IS NULL OR p.document @@ to_tsquery('simple', $3::text))
           AND ($5::text IS NULL OR p.category = $5::text)
           AND ($6::text IS NULL OR p.currency = $6::text)
           AND ($7::bigint IS NULL OR p.price >= $7::bigint)
           AND ($8::bigint IS NULL OR p.price <= $8::bigint)
           AND ($9::boolean IS NULL OR p.in_stock = $9::boolean)
           AND ($10::boolean OR NOT p.discontinued)
           AND ($14::text IS NULL OR CASE $11::text
                WHEN 'name' THEN (p.name, p.key) > ($12::text, $14::text)
                WHEN 'price' THEN (p.price, p.key) > ($13::bigint, $14::text)
                WHEN '-price' THEN (p.price, p.key) < ($13::bigint, $14::text)
                WHEN '-created' THEN (p.created, p.key) < ($13::bigint, $14::text)
                WHEN 'relevance' THEN (score.of, p.key) < ($13::bigint, $14::text)
               END)
         ORDER BY CASE $11::text WHEN 'name' THEN p.name END,
                  CASE $11::text WHEN 'price' THEN p.price END,
                  CASE $11::text WHEN '-price' THEN p.price WHEN '-created' THEN p.created
                                 WHEN 'relevance' THEN score.of END DESC,
                  CASE WHEN $11::text IN ('name', 'price') THEN p.key END,
                  CASE WHEN $11::text NOT IN ('name', 'price') THEN p.key END DESC
         LIMIT $15
      ) AS ordered
  ) AS page ON true
 ORDER BY page.number
