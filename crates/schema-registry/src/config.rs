//! What the registry is told at start.

use clap::Args;
use service_runtime::config::{ListenConfig, SecretString, TelemetryConfig, url};

/// The registry's configuration.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where it listens; 8081 by custom.
    #[command(flatten)]
    pub listen: ListenConfig,
    /// Where it keeps what it is told.
    #[command(flatten)]
    pub database: RegistryDatabaseConfig,
    /// What it says about itself.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}

/// The Postgres database of the registry. It may be one that others use: everything lives in the schema `registry`.
#[derive(Debug, Clone, Args)]
pub struct RegistryDatabaseConfig {
    /// `postgres://user:password@host:port/database`.
    #[arg(
        long = "registry-database-url",
        env = "TWOFOLD_REGISTRY_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        id = "registry_database_url",
        value_parser = url::postgres
    )]
    pub url: SecretString,
    /// Most connections of this process to it. Clients remember what they are told, so few are needed.
    #[arg(long = "registry-pool-max", env = "TWOFOLD_REGISTRY_POOL_MAX", default_value_t = 4, value_name = "COUNT",
        id = "registry_pool_max", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub pool_max: u32,
}
