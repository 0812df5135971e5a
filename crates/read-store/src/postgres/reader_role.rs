//! The database before and beside projectors: its tables, and a role that only reads.

use sqlx::{AssertSqlSafe, PgPool};

use super::failure::store_error;
use super::prepare;
use crate::StoreError;

/// Makes the tracker's tables, or brings them up to date. Projectors do so themselves at start; several may at once.
pub async fn migrate_postgres(pool: &PgPool) -> Result<(), StoreError> {
    prepare::migrate(pool).await
}

/// Lets `role` read what is served: views that there are and those that this database's owner makes later. It cannot
/// write, and sees neither builds nor dead letters. Nobody else but the database's owner can then connect to it. Called
/// again it changes nothing.
pub async fn let_read_postgres(pool: &PgPool, role: &str) -> Result<(), StoreError> {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let database: String = sqlx::query_scalar("SELECT quote_ident(current_database())")
        .fetch_one(pool)
        .await
        .map_err(store_error)?;
    let statements = AssertSqlSafe(format!(
        "GRANT CONNECT ON DATABASE {database} TO {role};
         GRANT SELECT ON tenant_lanes TO {role};
         GRANT USAGE ON SCHEMA serving TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA serving TO {role};
         ALTER DEFAULT PRIVILEGES IN SCHEMA serving GRANT SELECT ON TABLES TO {role}"
    ));
    sqlx::raw_sql(statements).execute(pool).await.map_err(store_error)?;
    close_postgres_to_others(pool).await
}

/// Lets nobody connect to this database but its owner and the roles that were let in by name: Postgres opens every
/// database to every role of its server unless it is told not to.
pub async fn close_postgres_to_others(pool: &PgPool) -> Result<(), StoreError> {
    let closed = "DO $$ BEGIN
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    END $$";
    sqlx::raw_sql(closed).execute(pool).await.map_err(store_error)?;
    Ok(())
}
