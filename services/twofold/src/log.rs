//! The log that the reading commands look into.

use anyhow::Context;
use event_log::{EventLog, Options};
use kernel::LogId;
use service_runtime::config::{ExposeSecret, SecretString};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::home::HomeArgs;

/// Which log.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LogArgs {
    /// The log's database. Without it, the local system's.
    #[arg(long, env = "TWOFOLD_LOG_URL", hide_env_values = true, value_name = "URL")]
    log_url: Option<SecretString>,
}

impl LogArgs {
    /// Opens it for reading; nothing is changed in it.
    pub(crate) async fn open(&self, home: &HomeArgs) -> anyhow::Result<EventLog> {
        let url = match &self.log_url {
            Some(url) => url.clone(),
            None => home.system()?.log_url.into(),
        };
        Ok(EventLog::new(connect(&url, "the log's database").await?, Options::default()))
    }
}

/// A few connections, made now, so that a wrong address is told at once.
pub(crate) async fn connect(url: &SecretString, what: &str) -> anyhow::Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(2).connect(url.expose_secret()).await;
    pool.with_context(|| format!("cannot reach {what}; is the system up?"))
}

/// These logs, or every one that there is, in their order.
pub(crate) async fn chosen(log: &EventLog, chosen: &[LogId]) -> anyhow::Result<Vec<LogId>> {
    if !chosen.is_empty() {
        return Ok(chosen.to_vec());
    }
    let mut logs = log.logs().await?;
    logs.sort();
    Ok(logs)
}
