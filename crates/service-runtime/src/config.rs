//! Configuration pieces, one struct per concern; a service flattens those that it uses.
//!
//! Every value has an environment variable and a flag. Values that do not parse and values that are missing stop the
//! process, with a sentence about each of them. Secrets are [`SecretString`]s: no `Debug` output shows them, and neither
//! does such a sentence.

use std::net::SocketAddr;

use clap::Args;

mod databases;
mod kafka;
mod kafka_security;
mod mistakes;
mod parking;
mod parse;
mod printed;
pub(crate) mod tls;
mod traces;
pub mod url;
mod views;

pub use databases::{LogDatabaseConfig, LogServiceConfig, RedisConfig, ViewsDatabaseConfig};
pub use kafka::{KafkaConfig, RegistryConfig};
pub use kafka_security::{KafkaSecurityConfig, KafkaSecurityError, SaslMechanism, SecurityProtocol};
pub use parking::ParkingConfig;
pub use parse::parse;
pub use secrecy::{ExposeSecret, SecretString};
pub use tls::{TlsConfig, TrustConfig, TrustError};
pub use traces::{SamplerName, TracesConfig};
pub use views::{ChangedViewsConfig, OnChangedView};

/// Where a service listens.
#[derive(Debug, Clone, Args)]
pub struct ListenConfig {
    /// Address and port of this service's HTTP. A port that is taken stops the start.
    #[arg(long, env = "TWOFOLD_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// What whoever asks is shown.
    #[command(flatten)]
    pub tls: TlsConfig,
}

impl ListenConfig {
    /// Plain HTTP at this address.
    pub fn at(listen: SocketAddr) -> Self {
        Self { listen, tls: TlsConfig::default() }
    }
}

/// What a service says about itself while it runs.
#[derive(Debug, Clone, Args)]
pub struct TelemetryConfig {
    /// Which log lines are written, as `level` or `target=level,…`. `debug` costs throughput; above `warn`,
    /// refusals to start and lost dependencies go unseen.
    #[arg(long = "log", env = "TWOFOLD_LOG", default_value = "info", value_name = "FILTER")]
    pub filter: String,
    /// How log lines look: `text` for people, `json` for collectors.
    #[arg(long = "log-format", env = "TWOFOLD_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub format: LogFormat,
    /// Whether and where spans are sent.
    #[command(flatten)]
    pub traces: TracesConfig,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text, traces: TracesConfig::default() }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One line for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// How many lanes new tenants are spread over.
#[derive(Debug, Clone, Copy, Args)]
pub struct LanesConfig {
    /// Lanes per context, and so partitions per topic. May grow, never shrink: tenants stay where they are.
    /// More lanes spread tenants over more projectors; each costs a head row, a partition and a lease.
    #[arg(long, env = "TWOFOLD_LANES", default_value_t = 12, value_name = "COUNT",
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub lanes: u16,
}

impl Default for LanesConfig {
    fn default() -> Self {
        Self { lanes: 12 }
    }
}

#[cfg(test)]
mod tests;
