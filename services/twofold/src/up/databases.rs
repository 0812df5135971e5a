//! The databases that services expect to find.

use anyhow::Context;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// The log, the views, the registry and what processes are in the middle of: apart, because each has another owner, and because in production they
/// are on different servers.
const NAMES: [&str; 4] = ["twofold_log", "twofold_views", "twofold_registry", "twofold_processes"];

/// Makes those that the server does not have, and gives the URL of each.
pub(super) async fn make(server: &str) -> anyhow::Result<[String; 4]> {
    // The parser's error may quote the URL, and with it a password.
    let options: PgConnectOptions = server
        .parse()
        .ok()
        .context("the Postgres URL is not of the form postgres://user:password@host/database")?;
    let mut connection = options.connect().await.context("cannot reach Postgres")?;
    for name in NAMES {
        let found: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut connection)
            .await?;
        if !found {
            let statement = AssertSqlSafe(format!("CREATE DATABASE {name}"));
            sqlx::query(statement).execute(&mut connection).await.with_context(|| {
                format!("cannot make the database {name}: make it by hand, or let this user create databases")
            })?;
        }
    }
    connection.close().await?;
    Ok(NAMES.map(|name| options.clone().database(name).to_url_lossy().to_string()))
}
