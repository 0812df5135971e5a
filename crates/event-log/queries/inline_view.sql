-- The rows of a view that a fold may go on with, and whose they are: its own, or those of which nobody knows. Locks
-- nothing.
--
-- $1 view, $2 version, $3 fold; empty where it cannot be told apart
SELECT view_id, fold, place
  FROM inline_views
 WHERE view = $1 AND version = $2 AND (fold = $3 OR fold = '' OR $3 = '')
 ORDER BY fold = $3 DESC, view_id DESC
 LIMIT 1
