//! The names of this crate's metrics, and where the client library's own lines go.

use rdkafka::config::RDKafkaLogLevel;

/// Counter: how often a producer was full and its caller had to wait. Rising steadily, it says that Kafka is slower
/// than what feeds it.
pub const PRODUCER_FULL: &str = "twofold_producer_full_total";
/// Counter, label `topic`: how often a consumer stopped fetching because its receiver was slow.
pub const CONSUMER_HELD_BACK: &str = "twofold_consumer_held_back_total";
/// Counter, label `topic`: records handed to the receiver.
pub const CONSUMER_RECORDS: &str = "twofold_consumer_records_total";

/// Passes a line of the client library on. Connection trouble is told by the loops, once; the library's own
/// repetition of it is for debugging.
pub(crate) fn client_log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(target: "librdkafka", facility, message, "kafka client");
        }
        RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning
        | RDKafkaLogLevel::Notice
        | RDKafkaLogLevel::Info
        | RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, message, "kafka client"),
    }
}
