//! What a process-manager is told: environment variables or flags.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use http_api::{AuthConfig, OperatorConfig};
use serde_json::Value;
use service_runtime::config::{
    KafkaConfig, ListenConfig, LogServiceConfig, ParkingConfig, RegistryConfig, SecretString,
    TelemetryConfig, TrustConfig,
};

use crate::sweeping::Patience;
use crate::tokens::ProcessTokenConfig;

/// Everything that a process-manager is told.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where it listens.
    #[command(flatten)]
    pub listen: ListenConfig,
    /// Whom it believes over `https`.
    #[command(flatten)]
    pub trust: TrustConfig,
    /// Where events come from.
    #[command(flatten)]
    pub kafka: KafkaConfig,
    /// What explains their schemas.
    #[command(flatten)]
    pub registry: RegistryConfig,
    /// Where the log is asked for what a topic lost.
    #[command(flatten)]
    pub log_service: LogServiceConfig,
    /// A token for it, where none can be made.
    #[command(flatten)]
    pub operator: OperatorConfig,
    /// Where instances are kept.
    #[command(flatten)]
    pub processes: ProcessesDatabaseConfig,
    /// Where and how commands are sent.
    #[command(flatten)]
    pub commands: CommandsConfig,
    /// Tokens to send them with, where none can be made.
    #[command(flatten)]
    pub tokens: ProcessTokenConfig,
    /// What the processes are told.
    #[command(flatten)]
    pub settings: SettingsConfig,
    /// What tokens are verified with, and this service's own are made with.
    #[command(flatten)]
    pub auth: AuthConfig,
    /// What is done with records that cannot be taken in.
    #[command(flatten)]
    pub parking: ParkingConfig,
    /// Log lines.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}

/// The Postgres database that holds what processes are in the middle of.
#[derive(Debug, Clone, Args)]
pub struct ProcessesDatabaseConfig {
    /// `postgres://user:password@host:port/database`. Its `fsync` and `synchronous_commit` must stay on: that a command
    /// was refused is known here only. Not the database of the views: both keep track of theirs under the same names.
    #[arg(
        long = "processes-url",
        env = "TWOFOLD_PROCESSES_URL",
        hide_env_values = true,
        value_name = "URL",
        id = "processes_url",
        value_parser = service_runtime::config::url::postgres
    )]
    pub url: SecretString,
    /// Most connections of this process to it; for following topics it has as many more. Too few make steps wait, too
    /// many exhaust the server's `max_connections`.
    #[arg(long = "processes-pool-max", env = "TWOFOLD_PROCESSES_POOL_MAX", default_value_t = 8,
        value_name = "COUNT", id = "processes_pool_max", value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub pool_max: u32,
}

/// Where and how commands are sent.
#[derive(Debug, Clone, Args)]
pub struct CommandsConfig {
    /// `http(s)://host:port` of a command-service, or of what balances several; where it is not set, the log's service.
    #[arg(long = "command-service-url", env = "TWOFOLD_COMMAND_SERVICE_URL", value_name = "URL")]
    pub command_service_url: Option<String>,
    /// Most commands under way at once. More get processes on faster, as long as the command-service keeps up.
    #[arg(long, env = "TWOFOLD_PROCESS_CONCURRENCY", default_value_t = 32, value_name = "COUNT",
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub process_concurrency: u16,
    /// How long a command may go without a definite answer until its instance shows as stuck, with the reason. It is
    /// repeated all the same, as nobody knows whether it was carried out, and nothing is undone before that is known.
    #[arg(long, env = "TWOFOLD_PROCESS_STUCK_AFTER", default_value_t = 900, value_name = "SECONDS",
        value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub process_stuck_after: u32,
    /// How long instances are kept after they have ended; then they cannot be asked for any more. Stuck and running ones
    /// are kept, and so is what commands did: the log knows their keys for ever.
    #[arg(long, env = "TWOFOLD_PROCESS_RETENTION_DAYS", default_value_t = 90, value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub process_retention_days: u32,
}

impl CommandsConfig {
    pub(crate) fn patience(&self) -> Patience {
        Patience {
            stuck_after: Duration::from_secs(u64::from(self.process_stuck_after)),
            retention: Duration::from_secs(24 * 3600 * u64::from(self.process_retention_days)),
        }
    }
}

/// What whoever runs processes decides about them.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingsConfig {
    /// JSON, the settings of each process by its name: `{"fulfilment":{"payment_deadline_seconds":900}}`. Each process
    /// documents its own; what is not said is as usual. They count for what instances do from now on.
    #[arg(long, env = "TWOFOLD_PROCESS_SETTINGS", value_name = "JSON")]
    pub process_settings: Option<String>,
}

impl SettingsConfig {
    pub(crate) fn by_process(&self) -> anyhow::Result<BTreeMap<String, Value>> {
        let Some(told) = self.process_settings.as_deref().filter(|told| !told.trim().is_empty()) else {
            return Ok(BTreeMap::new());
        };
        serde_json::from_str(told).context("TWOFOLD_PROCESS_SETTINGS is not a JSON object")
    }
}
