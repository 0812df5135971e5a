#!/usr/bin/env bash
# Run once, by the first start of the Postgres that holds what must not be lost: a role that owns the write side's
# databases, and one that reads what the query-service may read. What that is says `twofold migrate`.
set -euo pipefail
psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    -v password="$TWOFOLD_LOG_PASSWORD" -v reader_password="$TWOFOLD_READER_PASSWORD" <<'SQL'
CREATE ROLE twofold LOGIN PASSWORD :'password';
CREATE ROLE twofold_reader LOGIN PASSWORD :'reader_password';
CREATE DATABASE twofold_log OWNER twofold;
CREATE DATABASE twofold_processes OWNER twofold;
CREATE DATABASE twofold_registry OWNER twofold;
SQL
