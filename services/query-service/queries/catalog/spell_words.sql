-- Which of some words no product of the tenant has, not even as a beginning, and how the names of products spell
-- words that look like them.
--
-- $1 tenant, $2 words without marks, $3 most spellings of a word
SELECT wanted.word,
       ARRAY(
           SELECT spelt.word
             FROM (SELECT p.name FROM serving.product_search AS p
                    WHERE p.tenant = $1 AND p.name %> wanted.word
                    ORDER BY word_similarity(wanted.word, p.name) DESC LIMIT 500) AS near
            CROSS JOIN LATERAL unnest(tsvector_to_array(
                   to_tsvector('simple', regexp_replace(near.name, '[!-/:-@\[-`{-~]+', ' ', 'g')))) AS spelt (word)
            GROUP BY spelt.word
           HAVING similarity(spelt.word, wanted.word) >= 0.2
            ORDER BY similarity(spelt.word, wanted.word) DESC, spelt.word
            LIMIT $3
       ) AS spellings
  FROM unnest($2::text[]) AS wanted (word)
 WHERE NOT EXISTS (
       SELECT 1 FROM serving.product_search AS p
        WHERE p.tenant = $1 AND p.document @@ to_tsquery('simple', '''' || wanted.word || ''':*'))
