//! What the relay can be told. Environment: `TWOFOLD_LISTEN`, `TWOFOLD_LOG`, `TWOFOLD_LOG_FORMAT`,
//! `TWOFOLD_LOG_URL`, `TWOFOLD_LOG_POOL_MAX`, `TWOFOLD_KAFKA`, `TWOFOLD_TOPIC_PREFIX`,
//! `TWOFOLD_TOPIC_REPLICATION`, `TWOFOLD_KAFKA_PROPERTIES`, `TWOFOLD_REGISTRY_URL`, `TWOFOLD_LANES` and
//! `TWOFOLD_RELAY_*`.

use std::time::Duration;

use clap::Args;
use messaging::ProducerOptions;
use service_runtime::config::{
    KafkaConfig, LanesConfig, ListenConfig, LogDatabaseConfig, RegistryConfig, TelemetryConfig, TrustConfig,
};

/// Everything that the relay can be told.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where health and metrics are served.
    #[command(flatten)]
    pub listen: ListenConfig,
    /// Whom it believes over `https`.
    #[command(flatten)]
    pub trust: TrustConfig,
    /// What it says about itself.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
    /// The log.
    #[command(flatten)]
    pub log: LogDatabaseConfig,
    /// Where the log goes.
    #[command(flatten)]
    pub kafka: KafkaConfig,
    /// Where schemas get their ids.
    #[command(flatten)]
    pub registry: RegistryConfig,
    /// How many partitions a topic is made with.
    #[command(flatten)]
    pub lanes: LanesConfig,
    /// How the relay works.
    #[command(flatten)]
    pub relay: RelayConfig,
}

/// How the relay works. The defaults suit most.
#[derive(Debug, Clone, Args)]
pub struct RelayConfig {
    /// How long a relay that died keeps others from taking its logs over, in milliseconds. Short takes over
    /// soon and asks Postgres more often; a relay that cannot reach Postgres for this long stops publishing.
    #[arg(long = "relay-lease-ms", env = "TWOFOLD_RELAY_LEASE_MS", default_value_t = 5000,
        value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(200..=600_000))]
    pub lease_ms: u64,
    /// How often a log is looked at although nothing was announced, in milliseconds: the longest that an event
    /// waits when its announcement was lost. Each look is a small query per log.
    #[arg(long = "relay-poll-ms", env = "TWOFOLD_RELAY_POLL_MS", default_value_t = 1000,
        value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(10..=600_000))]
    pub poll_ms: u64,
    /// Most events in one page read from the log. Up to three pages of each busy log are in memory.
    #[arg(long = "relay-page-events", env = "TWOFOLD_RELAY_PAGE_EVENTS", default_value_t = 1000,
        value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub page_events: u32,
    /// Most records sent and not yet acknowledged, of all logs together. Each takes some 2 KiB.
    #[arg(long = "relay-in-flight", env = "TWOFOLD_RELAY_IN_FLIGHT", default_value_t = 10_000,
        value_name = "COUNT", value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub in_flight: u32,
    /// How long a record waits for others to share its request, in milliseconds. Adds to the way of every event
    /// when there are few; spares the broker requests when there are many.
    #[arg(long = "relay-linger-ms", env = "TWOFOLD_RELAY_LINGER_MS", default_value_t = 1,
        value_name = "MILLISECONDS", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub linger_ms: u32,
    /// How records are compressed on their way and on the topic: `none`, `lz4`, `snappy`, `gzip`.
    #[arg(long = "relay-compression", env = "TWOFOLD_RELAY_COMPRESSION", default_value = "lz4",
        value_name = "CODEC", value_parser = ["none", "lz4", "snappy", "gzip"])]
    pub compression: String,
    /// How often the cursor is written, at most, in milliseconds. Rarely means more to read from the topic after
    /// a crash; often means more writes to Postgres.
    #[arg(long = "relay-cursor-ms", env = "TWOFOLD_RELAY_CURSOR_MS", default_value_t = 200,
        value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub cursor_ms: u64,
    /// How often a topic is checked for having lost its end or having been made anew while nothing is sent to
    /// it, in milliseconds. When something is sent it shows at once.
    #[arg(long = "relay-check-ms", env = "TWOFOLD_RELAY_CHECK_MS", default_value_t = 10_000,
        value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    pub check_ms: u64,
    /// How long Kafka may take for a lookup, in milliseconds, before the relay says that it is away.
    #[arg(long = "relay-kafka-timeout-ms", env = "TWOFOLD_RELAY_KAFKA_TIMEOUT_MS", default_value_t = 10_000,
        value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub kafka_timeout_ms: u64,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            lease_ms: 5000,
            poll_ms: 1000,
            page_events: 1000,
            in_flight: 10_000,
            linger_ms: 1,
            compression: "lz4".to_owned(),
            cursor_ms: 200,
            check_ms: 10_000,
            kafka_timeout_ms: 10_000,
        }
    }
}

impl RelayConfig {
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    pub(crate) fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(crate) fn cursor(&self) -> Duration {
        Duration::from_millis(self.cursor_ms)
    }

    pub(crate) fn check(&self) -> Duration {
        Duration::from_millis(self.check_ms)
    }

    pub(crate) fn kafka_timeout(&self) -> Duration {
        Duration::from_millis(self.kafka_timeout_ms)
    }

    pub(crate) fn producer(&self) -> ProducerOptions {
        ProducerOptions {
            linger_ms: self.linger_ms,
            in_flight_records: self.in_flight,
            compression: self.compression.clone(),
            ..ProducerOptions::default()
        }
    }
}
