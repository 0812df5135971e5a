//! A role of the database that reads inline views and nothing else.

use sqlx::{AssertSqlSafe, PgPool};

use crate::{EventLog, LogError};

/// What whoever answers queries of inline views reads. No events, no passwords.
const READ: &str = "tenants, logs, inline_views, inline_heads, inline_rows";

impl EventLog {
    /// Lets `role` read inline views. It cannot write, and can read nothing else. Called again it changes nothing.
    pub async fn let_read(pool: &PgPool, role: &str) -> Result<(), LogError> {
        let role = role.replace('"', "\"\"");
        let statement = AssertSqlSafe(format!("GRANT SELECT ON {READ} TO \"{role}\""));
        sqlx::query(statement).execute(pool).await?;
        Ok(())
    }
}
