//! The names of this service's metrics. Labels `context` and `lane` name the log.

use kernel::LogId;
use metrics::{Counter, Gauge, Histogram};

/// Gauge: events recorded and not yet acknowledged by Kafka, for each log that this relay publishes.
pub const BACKLOG: &str = "twofold_relay_backlog_events";
/// Gauge: up to which sequence Kafka has acknowledged, for each log that this relay publishes.
pub const PUBLISHED_THROUGH: &str = "twofold_relay_published_through";
/// Counter: records that Kafka has acknowledged, repeats included.
pub const PUBLISHED: &str = "twofold_relay_published_total";
/// Histogram: from an event's recording to Kafka's acknowledgement, of the last event of each acknowledgement.
pub const PUBLISH_SECONDS: &str = "twofold_relay_publish_seconds";
/// Gauge: 1 where this relay holds the log's lease.
pub const LEASED: &str = "twofold_relay_leased";
/// Counter: events sent again because their partition did not have them any more.
pub const REPUBLISHED: &str = "twofold_relay_republished_total";
/// Counter: how often publishing stopped and had to look at the topic again.
pub const INTERRUPTIONS: &str = "twofold_relay_interruptions_total";

/// The metrics of one log, looked up once.
pub(crate) struct LogMetrics {
    pub(crate) backlog: Gauge,
    pub(crate) published_through: Gauge,
    pub(crate) published: Counter,
    pub(crate) publish_seconds: Histogram,
    pub(crate) leased: Gauge,
    pub(crate) republished: Counter,
    pub(crate) interruptions: Counter,
}

impl LogMetrics {
    pub(crate) fn of(log: &LogId) -> Self {
        let labels = [("context", log.context.to_string()), ("lane", log.lane.to_string())];
        Self {
            backlog: metrics::gauge!(BACKLOG, &labels),
            published_through: metrics::gauge!(PUBLISHED_THROUGH, &labels),
            published: metrics::counter!(PUBLISHED, &labels),
            publish_seconds: metrics::histogram!(PUBLISH_SECONDS, "context" => log.context.to_string()),
            leased: metrics::gauge!(LEASED, &labels),
            republished: metrics::counter!(REPUBLISHED, &labels),
            interruptions: metrics::counter!(INTERRUPTIONS, &labels),
        }
    }
}
