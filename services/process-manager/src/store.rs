//! What processes are in the middle of, in Postgres.
//!
//! Whoever changes an instance holds its row, and changes the revision that it has read: two managers cannot both take
//! it a step further. Everything that belongs to a step is one transaction.

mod inputs;
mod operating;
mod outgoing;
mod reading;
mod steps;
mod sweeping;
mod told;
mod writes;

use std::borrow::Cow;
use std::time::Duration;

use kernel::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Error, PgPool};

pub(crate) use inputs::Inputs;
pub(crate) use operating::{NotDone, Operated};
pub(crate) use outgoing::{Claimed, Settled, Settlement};
pub(crate) use reading::{Listed, SentCommand, Shown, Which};

/// How long a call waits for a connection: a database that is away shows in readiness after this.
const CONNECTION_WAIT: Duration = Duration::from_secs(3);
/// How long a call may take before the database counts as away. Above every timeout set on the connection.
const CALL_TIMEOUT: Duration = Duration::from_secs(45);

static MIGRATOR: Migrator =
    Migrator { table_name: Cow::Borrowed("process_manager_migrations"), ..sqlx::migrate!("./migrations") };

/// Why something was not read or written. Texts are for operators and hold nothing of an instance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database cannot be reached, is busy, or somebody else was faster; what was asked for may have been done.
    #[error("the processes' database is not available: {0}")]
    Unavailable(String),
    /// The database refuses this content, and will again.
    #[error("the processes' database refused: {0}")]
    Refused(String),
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                let constraint = database.constraint().map(|name| format!(", {name}")).unwrap_or_default();
                match code.get(..2).unwrap_or_default() {
                    // Values, limits and constraints; all else is the server's state.
                    "22" | "23" | "54" => Self::Refused(format!("sqlstate {code}{constraint}")),
                    _ => Self::Unavailable(format!("{} ({code})", database.message())),
                }
            }
            Error::ColumnDecode { index, .. } => Self::Refused(format!("column {index} does not read")),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// The store of a manager's processes. Clones share connections.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: PgPool,
}

/// A pool for [`Store`]; connects when it is first used. Its commits wait for the disk: that a command was refused is
/// in no log but here.
pub(crate) fn pool(url: &str, connections: u32) -> anyhow::Result<PgPool> {
    // The parser's error may quote the URL, and with it a password.
    let options: PgConnectOptions = url
        .parse()
        .map_err(|_| anyhow::anyhow!("TWOFOLD_PROCESSES_URL is not the URL of a Postgres database"))?;
    Ok(PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECTION_WAIT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(
                    "SET client_min_messages = warning; SET synchronous_commit = on; SET jit = off;
                     SET enable_seqscan = off; SET statement_timeout = '30s'; SET lock_timeout = '10s';
                     SET idle_in_transaction_session_timeout = '30s'",
                )
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .connect_lazy_with(options.application_name("twofold-process-manager")))
}

impl Store {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Makes the tables, where they are not there yet. On a connection that is closed afterwards: the migrator's lock
    /// belongs to the session.
    pub(crate) async fn prepare(&self) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await?;
        connection.close_on_drop();
        let migrated = MIGRATOR.run_direct(None, &mut *connection, false).await;
        migrated.map_err(|error| StoreError::Unavailable(error.to_string()))
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(CALL_TIMEOUT, call)
        .await
        .unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".to_owned())))
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}
