#!/usr/bin/env bash
# Run once, by the first start of the Postgres that holds the views: a role that owns them,
# for their projector, and one that reads what is served. What that is says `twofold migrate`.
set -euo pipefail
psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    -v password="$TWOFOLD_VIEWS_PASSWORD" -v reader_password="$TWOFOLD_READER_PASSWORD" <<'SQL'
CREATE ROLE twofold LOGIN PASSWORD :'password';
CREATE ROLE twofold_reader LOGIN PASSWORD :'reader_password';
CREATE DATABASE twofold_views OWNER twofold;
REVOKE ALL ON DATABASE twofold_views FROM PUBLIC;
SQL
