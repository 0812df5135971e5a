//! Roles of the database, each of which may do what one service does and no more.
//!
//! Tables and functions belong to whoever migrates. None of these roles can change or take away an event, its chain's
//! trigger, or a table: that history is not edited is then a matter of the database, whatever a service is made to do.

use sqlx::{AssertSqlSafe, PgPool};

use crate::{EventLog, LogError};

/// What a role may do: statements that end where the role's name follows.
struct Rights(&'static [&'static str]);

/// Inline views. No events, no passwords.
const READER: Rights = Rights(&["GRANT SELECT ON tenants, logs, inline_views, inline_heads, inline_rows"]);

/// The right to change a column of a row is also that to lock it.
const WRITER: Rights = Rights(&[
    "GRANT SELECT ON event_log_migrations",
    "GRANT SELECT, INSERT ON tenants, logs, events, claims, once_keys, snapshots, schemas, cursors, inline_views, \
     inline_heads, inline_rows, passwords",
    "GRANT SELECT, INSERT, DELETE ON audit",
    "GRANT SELECT, UPDATE ON audit_head",
    "GRANT UPDATE (fold) ON inline_views",
    "GRANT UPDATE (sequence, recorded_at, chain) ON logs",
    "GRANT DELETE ON claims, once_keys, snapshots",
    "GRANT UPDATE (expires_at) ON once_keys",
    "GRANT UPDATE (version, state) ON snapshots",
    "GRANT UPDATE (through) ON inline_heads",
    "GRANT UPDATE (stamp, before, row) ON inline_rows",
    "GRANT UPDATE (hash) ON passwords",
]);

/// What is published, and how far. No passwords, no claims, no keys of commands.
const RELAY: Rights = Rights(&[
    "GRANT SELECT ON event_log_migrations, tenants, logs, events, schemas, cursors",
    "GRANT UPDATE (published_through, topic_offset, fence, leased_until, holder, topic_id, chain) ON cursors",
]);

impl EventLog {
    /// Lets `role` read inline views. It cannot write, and can read nothing else. Called again it changes nothing.
    pub async fn let_read(pool: &PgPool, role: &str) -> Result<(), LogError> {
        grant(pool, role, &READER).await
    }

    /// Lets `role` do what a command-service does: append, claim, keep inline views and snapshots. It can neither change
    /// nor take away what was recorded. Called again it changes nothing.
    pub async fn let_append(pool: &PgPool, role: &str) -> Result<(), LogError> {
        grant(pool, role, &WRITER).await
    }

    /// Lets `role` do what a relay does: read events, hold leases and move cursors. Called again it changes nothing.
    pub async fn let_publish(pool: &PgPool, role: &str) -> Result<(), LogError> {
        grant(pool, role, &RELAY).await
    }

    /// Lets nobody connect to the database, or make something in it, but its owner and the roles that were let in here:
    /// Postgres opens every database to every role of its server unless it is told not to.
    pub async fn close_to_others(pool: &PgPool) -> Result<(), LogError> {
        let closed = "DO $$ BEGIN
            EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
            REVOKE CREATE ON SCHEMA public FROM PUBLIC;
        END $$";
        sqlx::query(closed).execute(pool).await?;
        Ok(())
    }
}

/// All of it or nothing.
async fn grant(pool: &PgPool, role: &str, rights: &Rights) -> Result<(), LogError> {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let mut transaction = pool.begin().await?;
    let database: String =
        sqlx::query_scalar("SELECT quote_ident(current_database())").fetch_one(&mut *transaction).await?;
    let mut statements = vec![format!("GRANT CONNECT ON DATABASE {database}")];
    statements.extend(rights.0.iter().map(|right| (*right).to_owned()));
    for statement in statements {
        sqlx::query(AssertSqlSafe(format!("{statement} TO {role}"))).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}
