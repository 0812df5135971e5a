//! How Kafka is reached.

use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

/// Where Kafka is and how to speak to it.
#[derive(Clone)]
pub struct Connection {
    /// Bootstrap brokers, `host:port` separated by commas.
    pub brokers: String,
    /// Further settings of librdkafka, such as `security.protocol` and `sasl.*`. They win over this crate's own,
    /// apart from those that its promises rest on (idempotence, acknowledgements, positions).
    pub properties: Vec<(String, String)>,
}

impl Connection {
    /// A plain connection to these brokers.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self { brokers: brokers.into(), properties: Vec::new() }
    }

    /// `tuning`, then the operator's properties, then `required`, which nothing overrides.
    pub(crate) fn client_config(&self, tuning: &[(&str, &str)], required: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("client.id", "twofold")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "2000")
            .set_log_level(RDKafkaLogLevel::Info);
        for (name, value) in tuning {
            config.set(*name, *value);
        }
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.brokers);
        for (name, value) in required {
            config.set(*name, *value);
        }
        config
    }
}

impl fmt::Debug for Connection {
    /// Properties may hold passwords: their names are shown, their values are not.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.properties.iter().map(|(name, _)| name.as_str()).collect();
        out.debug_struct("Connection").field("brokers", &self.brokers).field("properties", &names).finish()
    }
}
