-- How many of a tenant's products there are of each category, in each range of prices, in and out of stock. Each of
-- the three counts what the other filters leave, so that it shows what a change of its own filter would bring.
--
-- $1 tenant
-- $2 the words to find as a text search query; null where there are none
-- $3 category, $4 currency, $5 least price, $6 highest price, $7 in stock: null where any will do
-- $8 discontinued products too
-- $9 categories wanted, $10 price ranges wanted, $11 in stock wanted
-- $12 where ranges of prices begin, ascending
-- $13 most categories
WITH found AS MATERIALIZED (
    SELECT p.category, p.row #>> '{category,name}' AS category_name, p.price, p.in_stock,
           ($3::text IS NULL OR p.category = $3::text) AS of_category,
           ($5::bigint IS NULL OR p.price >= $5::bigint) AND ($6::bigint IS NULL OR p.price <= $6::bigint) AS of_price,
           ($7::boolean IS NULL OR p.in_stock = $7::boolean) AS of_stock
      FROM serving.product_search AS p
     WHERE p.tenant = $1
       AND ($2::text IS NULL OR p.document @@ to_tsquery('simple', $2::text))
       AND ($4::text IS NULL OR p.currency = $4::text)
       AND ($8::boolean OR NOT p.discontinued)
)
SELECT CASE WHEN $9::boolean THEN (
           SELECT coalesce(json_agg(json_build_object('id', category, 'name', name, 'count', count)), '[]')
             FROM (SELECT category, max(category_name) AS name, count(*) AS count
                     FROM found WHERE of_price AND of_stock
                    GROUP BY category ORDER BY count DESC, name, category LIMIT $13) AS most)
       END::text AS category,
       CASE WHEN $10::boolean THEN (
           SELECT coalesce(json_agg(json_build_object('from', ($12::bigint[])[range],
                                                      'to', ($12::bigint[])[range + 1] - 1, 'count', count)), '[]')
             FROM (SELECT width_bucket(price, $12::bigint[]) AS range, count(*) AS count
                     FROM found WHERE of_category AND of_stock
                    GROUP BY range ORDER BY range) AS ranges)
       END::text AS price,
       CASE WHEN $11::boolean THEN (
           SELECT json_build_object('true', count(*) FILTER (WHERE in_stock),
                                    'false', count(*) FILTER (WHERE NOT in_stock))
             FROM found WHERE of_category AND of_price)
       END::text AS in_stock
