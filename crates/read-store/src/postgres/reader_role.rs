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
/// write, and sees neither builds nor dead letters. Called again it changes nothing.
pub async fn let_read_postgres(pool: &PgPool, role: &str) -> Result<(), StoreError> {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let statements = AssertSqlSafe(format!(
        "GRANT SELECT ON tenant_lanes TO {role};
         GRANT USAGE ON SCHEMA serving TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA serving TO {role};
         ALTER DEFAULT PRIVILEGES IN SCHEMA serving GRANT SELECT ON TABLES TO {role}"
    ));
    sqlx::raw_sql(statements).execute(pool).await.map_err(store_error)?;
    Ok(())
}
