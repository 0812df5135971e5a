//! The names of this service's metrics. Labels `context` and `lane` name the log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use kernel::{LogId, Sequence, Timestamp};
use metrics::{Counter, Gauge, Histogram};

/// Gauge, labels `context`, `lane`: events recorded and not yet acknowledged by Kafka, for each log whose lease this
/// relay holds.
pub const BACKLOG: &str = "twofold_relay_backlog_events";
/// Gauge, labels `context`, `lane`: the age of the oldest event that is not yet acknowledged by Kafka; 0 where none is.
pub const BACKLOG_SECONDS: &str = "twofold_relay_backlog_seconds";
/// Gauge, labels `context`, `lane`: up to which sequence Kafka has acknowledged.
pub const PUBLISHED_THROUGH: &str = "twofold_relay_published_through";
/// Counter, labels `context`, `lane`: records that Kafka has acknowledged, repeats included.
pub const PUBLISHED: &str = "twofold_relay_published_total";
/// Histogram, label `context`: from an event's recording to Kafka's acknowledgement, for the last event of each
/// acknowledgement.
pub const PUBLISH_SECONDS: &str = "twofold_relay_publish_seconds";
/// Gauge, labels `context`, `lane`: 1 where this relay holds the log's lease.
pub const LEASED: &str = "twofold_relay_leased";
/// Counter, labels `context`, `lane`: events sent again because their partition did not have them any more.
pub const REPUBLISHED: &str = "twofold_relay_republished_total";
/// Counter, labels `context`, `lane`: how often publishing stopped and had to look at the topic again.
pub const INTERRUPTIONS: &str = "twofold_relay_interruptions_total";

/// The metrics of one log, looked up once.
pub(crate) struct LogMetrics {
    pub(crate) backlog: Gauge,
    pub(crate) backlog_seconds: Gauge,
    pub(crate) published: Counter,
    pub(crate) publish_seconds: Histogram,
    pub(crate) leased: Gauge,
    pub(crate) republished: Counter,
    pub(crate) interruptions: Counter,
    published_through: Gauge,
    through: AtomicU64,
}

impl LogMetrics {
    pub(crate) fn of(log: &LogId) -> Self {
        let labels = [("context", log.context.to_string()), ("lane", log.lane.to_string())];
        Self {
            backlog: metrics::gauge!(BACKLOG, &labels),
            backlog_seconds: metrics::gauge!(BACKLOG_SECONDS, &labels),
            published: metrics::counter!(PUBLISHED, &labels),
            publish_seconds: metrics::histogram!(PUBLISH_SECONDS, "context" => log.context.to_string()),
            leased: metrics::gauge!(LEASED, &labels),
            republished: metrics::counter!(REPUBLISHED, &labels),
            interruptions: metrics::counter!(INTERRUPTIONS, &labels),
            published_through: metrics::gauge!(PUBLISHED_THROUGH, &labels),
            through: AtomicU64::new(0),
        }
    }

    /// Kafka has acknowledged up to here.
    pub(crate) fn acknowledged(&self, through: Sequence) {
        self.through.store(through.number(), Ordering::Relaxed);
        self.published_through.set(gauge(through.number()));
    }

    /// Up to where Kafka has acknowledged, as far as it was heard here.
    pub(crate) fn published_through(&self) -> Sequence {
        Sequence::new(self.through.load(Ordering::Relaxed))
    }

    /// The log is another relay's now.
    pub(crate) fn lost(&self) {
        for gauge in [&self.leased, &self.backlog, &self.backlog_seconds] {
            gauge.set(0.0);
        }
        self.through.store(0, Ordering::Relaxed);
    }
}

pub(crate) fn seconds_since(moment: Timestamp) -> f64 {
    let moment = Duration::from_micros(u64::try_from(moment.micros()).unwrap_or(0));
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + moment);
    since.map_or(0.0, |since| since.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; a log is far from 2^52 events")]
pub(crate) fn gauge(number: u64) -> f64 {
    number as f64
}
