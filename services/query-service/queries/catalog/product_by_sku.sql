-- The tenant's product with a SKU, and what the answer reflects.
--
-- $1 tenant, $2 lane, $3 SKU
SELECT coalesce((SELECT sequence FROM serving.checkpoints WHERE view = 'product-details' AND lane = $2), 0) AS reflects,
       (SELECT min(sequence) FROM serving.parked WHERE view = 'product-details' AND tenant = $1) AS parked,
       p.stamp, p.row::text AS body
  FROM (VALUES (1)) AS always
  LEFT JOIN serving.product_details AS p ON p.tenant = $1 AND p.sku = $3
 ORDER BY p.stamp
 LIMIT 1
