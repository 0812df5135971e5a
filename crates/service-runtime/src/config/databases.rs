//! Where the log, the views and Redis are.

use clap::Args;
use secrecy::SecretString;

/// The Postgres database that holds the log. Only the write side opens it.
#[derive(Debug, Clone, Args)]
pub struct LogDatabaseConfig {
    /// `postgres://user:password@host:port/database`. Its `fsync` and `synchronous_commit` must stay on: what a
    /// command's answer promises lives here. Over TLS: `?sslmode=verify-full&sslrootcert=/path/of/the/authority.pem`.
    #[arg(
        long = "log-url",
        env = "TWOFOLD_LOG_URL",
        hide_env_values = true,
        value_name = "URL",
        id = "log_url",
        value_parser = super::url::postgres
    )]
    pub url: SecretString,
    /// Most connections of this process to it; for appending it has half as many more. Appends are grouped, so few
    /// are needed; too few make reads wait, too many exhaust the server's `max_connections`.
    #[arg(long = "log-pool-max", env = "TWOFOLD_LOG_POOL_MAX", default_value_t = 16, value_name = "COUNT",
        id = "log_pool_max", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub pool_max: u32,
}

/// The command-service, for whoever reads the log without opening its database.
#[derive(Debug, Clone, Args)]
pub struct LogServiceConfig {
    /// `http(s)://host:port` of a command-service, or of what balances several. Projectors fetch from it what a topic
    /// has lost; while it is away, a lane with a hole stays stopped.
    #[arg(
        long = "log-service-url",
        env = "TWOFOLD_LOG_SERVICE_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL",
        id = "log_service_url"
    )]
    pub url: String,
}

/// The Postgres database that holds read models. Never the log's, in production not even its server.
#[derive(Debug, Clone, Args)]
pub struct ViewsDatabaseConfig {
    /// `postgres://user:password@host:port/database`. Over TLS:
    /// `?sslmode=verify-full&sslrootcert=/path/of/the/authority.pem`.
    #[arg(
        long = "views-url",
        env = "TWOFOLD_VIEWS_URL",
        hide_env_values = true,
        value_name = "URL",
        id = "views_url",
        value_parser = super::url::postgres
    )]
    pub url: SecretString,
    /// Most connections of this process to it. Too few make queries wait, too many exhaust the server's
    /// `max_connections`.
    #[arg(long = "views-pool-max", env = "TWOFOLD_VIEWS_POOL_MAX", default_value_t = 16, value_name = "COUNT",
        id = "views_pool_max", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub pool_max: u32,
}

/// The Redis that holds read models.
#[derive(Debug, Clone, Args)]
pub struct RedisConfig {
    /// `redis://[user:password@]host:port[/database]`. Must run with `maxmemory-policy noeviction`: an evicted
    /// row would look like one that never was. Over TLS: `rediss://…`, believed by the system's authorities or by
    /// those of `?sslrootcert=/path/of/the/authority.pem` alone.
    #[arg(
        long = "redis-url",
        env = "TWOFOLD_REDIS_URL",
        hide_env_values = true,
        value_name = "URL",
        id = "redis_url",
        value_parser = super::url::redis
    )]
    pub url: SecretString,
    /// What every key begins with. Another prefix is another system: its views start empty.
    #[arg(long = "redis-prefix", env = "TWOFOLD_REDIS_PREFIX", default_value = "twofold", value_name = "PREFIX",
        id = "redis_prefix", value_parser = redis_prefix)]
    pub prefix: String,
}

fn redis_prefix(text: &str) -> Result<String, &'static str> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=100).contains(&text.len()) && text.bytes().all(legal) {
        Ok(text.to_owned())
    } else {
        Err("a redis prefix is 1 to 100 characters of A-Z a-z 0-9 . _ -")
    }
}
