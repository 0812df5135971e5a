//! `TWOFOLD_LISTEN`, `TWOFOLD_VIEWS_URL`, `TWOFOLD_VIEWS_POOL_MAX`, `TWOFOLD_INLINE_URL`,
//! `TWOFOLD_REDIS_URL`, `TWOFOLD_REDIS_PREFIX`, `TWOFOLD_LOG_SERVICE_URL`, `TWOFOLD_JWT_…`, `TWOFOLD_LOG`, `TWOFOLD_LOG_FORMAT`, `TWOFOLD_LIVE_STREAMS_MAX`,
//! `TWOFOLD_LIVE_STREAMS_PER_TENANT_MAX`, `TWOFOLD_PROCESS_MANAGER_URL`.

use http_api::{AuthConfig, RateConfig};
use service_runtime::config::{
    ListenConfig, LogServiceConfig, RedisConfig, SecretString, TelemetryConfig, TrustConfig,
    ViewsDatabaseConfig,
};

pub use crate::processes::ProcessManagerConfig;

/// What the query-service needs to know.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Where it listens.
    #[command(flatten)]
    pub listen: ListenConfig,
    /// Whom it believes over `https`.
    #[command(flatten)]
    pub trust: TrustConfig,
    /// Where views live in Postgres.
    #[command(flatten)]
    pub views: ViewsDatabaseConfig,
    /// URL of the log's Postgres database, where inline views live; they are only read. A role that may `SELECT`
    /// from `tenants`, `logs` and the tables `inline_…` is enough. Without it, queries of inline views are answered
    /// 503.
    #[arg(long, env = "TWOFOLD_INLINE_URL", hide_env_values = true, value_name = "URL",
        value_parser = service_runtime::config::url::postgres)]
    pub inline_url: Option<SecretString>,
    /// Where views live in Redis.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// Who is asked how processes stand.
    #[command(flatten)]
    pub processes: ProcessManagerConfig,
    /// Who tells of the past.
    #[command(flatten)]
    pub log_service: LogServiceConfig,
    /// Whose tokens are accepted.
    #[command(flatten)]
    pub auth: AuthConfig,
    /// How much may be asked.
    #[command(flatten)]
    pub rates: RateConfig,
    /// What it says about itself.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    /// Most live streams at once; each reads its row four times a second. Too many slow all queries, too few turn
    /// clients away with 503.
    #[arg(
        long,
        env = "TWOFOLD_LIVE_STREAMS_MAX",
        default_value_t = 1024,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub live_streams_max: u32,
    /// Most live streams of one tenant at once, so that none takes all of them.
    #[arg(
        long,
        env = "TWOFOLD_LIVE_STREAMS_PER_TENANT_MAX",
        default_value_t = 256,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub live_streams_per_tenant_max: u32,
}
