-- Where a tenant's rows of an inline view are, in numbers. No row where no command-service has opened the view at this
-- version and with this fold, or with one that nobody knows; no tenant or log where nothing has happened there.
--
-- $1 view, $2 its version, $3 tenant, $4 context, $5 its fold; empty where it cannot be told apart
SELECT views.view_id, tenants.tenant_id, tenants.lane, logs.log_id
  FROM inline_views AS views
  LEFT JOIN tenants ON tenants.tenant = $3
  LEFT JOIN logs ON logs.context = $4 AND logs.lane = tenants.lane
 WHERE views.view = $1 AND views.version = $2 AND (views.fold = $5 OR views.fold = '' OR $5 = '')
 ORDER BY views.fold = $5 DESC, views.view_id DESC
 LIMIT 1
