#!/usr/bin/env bash
# Run once, by the first start of the Postgres that holds what must not be lost. `twofold` owns the log and is for
# migrations and operators; services have roles of their own, whose rights `twofold migrate` says.
set -euo pipefail
psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    -v password="$TWOFOLD_LOG_PASSWORD" -v writer_password="$TWOFOLD_WRITER_PASSWORD" \
    -v relay_password="$TWOFOLD_RELAY_PASSWORD" -v reader_password="$TWOFOLD_READER_PASSWORD" \
    -v processes_password="$TWOFOLD_PROCESSES_PASSWORD" -v registry_password="$TWOFOLD_REGISTRY_PASSWORD" <<'SQL'
CREATE ROLE twofold LOGIN PASSWORD :'password';
CREATE ROLE twofold_writer LOGIN PASSWORD :'writer_password';
CREATE ROLE twofold_relay LOGIN PASSWORD :'relay_password';
CREATE ROLE twofold_reader LOGIN PASSWORD :'reader_password';
CREATE ROLE twofold_processes LOGIN PASSWORD :'processes_password';
CREATE ROLE twofold_registry LOGIN PASSWORD :'registry_password';
CREATE DATABASE twofold_log OWNER twofold;
CREATE DATABASE twofold_processes OWNER twofold_processes;
CREATE DATABASE twofold_registry OWNER twofold_registry;
REVOKE ALL ON DATABASE twofold_log FROM PUBLIC;
REVOKE ALL ON DATABASE twofold_processes FROM PUBLIC;
REVOKE ALL ON DATABASE twofold_registry FROM PUBLIC;
SQL
