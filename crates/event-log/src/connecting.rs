//! Connections that cannot do the log harm.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor, PgPool};

/// A pool for the log. Does not connect yet.
///
/// Its sessions bound what they can hold: a statement 30 seconds, a lock wait 10 seconds, a transaction that goes
/// idle 5 seconds; and the server looks every 2 seconds whether the client of a waiting statement is still there.
/// A connection is not tested before each use: a batch whose connection turns out to be dead is repeated.
pub fn pool(options: PgConnectOptions, connections_max: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(SESSION).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options)
}

const SESSION: &str = "
    SET application_name = 'twofold';
    SET statement_timeout = '30s';
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '5s';
    SET client_connection_check_interval = '2s';
    SET synchronous_commit = on;
    SET jit = off";
