//! Where the topics and their schemas are.

use std::fmt;

use clap::Args;
use secrecy::SecretString;

use super::kafka_security::{KafkaSecurityConfig, KafkaSecurityError};

/// The Kafka that carries the events.
#[derive(Clone, Args)]
pub struct KafkaConfig {
    /// `host:port[,host:port…]` of brokers to start from.
    #[arg(long = "kafka", env = "TWOFOLD_KAFKA", value_name = "BROKERS")]
    pub brokers: String,
    /// What every topic's name begins with. Another prefix is another system: its topics start empty.
    #[arg(long, env = "TWOFOLD_TOPIC_PREFIX", default_value = "twofold", value_name = "PREFIX",
        value_parser = topic_prefix)]
    pub topic_prefix: String,
    /// Copies of each partition, for topics that are created from now on. 1 loses the topic with its broker (the
    /// log still has the events); 3 needs three brokers.
    #[arg(long = "topic-replication", env = "TWOFOLD_TOPIC_REPLICATION", default_value_t = 1,
        value_name = "COUNT", value_parser = clap::value_parser!(i16).range(1..=32))]
    pub replication: i16,
    /// How it is spoken to.
    #[command(flatten)]
    pub security: KafkaSecurityConfig,
    /// Further librdkafka properties, `name=value[,name=value…]`. They override what the services set, except what
    /// order and durability rest on.
    #[arg(long = "kafka-properties", env = "TWOFOLD_KAFKA_PROPERTIES", hide_env_values = true,
        value_name = "NAME=VALUE", value_delimiter = ',', value_parser = property)]
    pub properties: Vec<(String, String)>,
}

impl KafkaConfig {
    /// All that librdkafka is told beside where the brokers are. The operator's own properties come last, and win.
    pub fn all_properties(&self) -> Result<Vec<(String, String)>, KafkaSecurityError> {
        let mut properties = self.security.properties()?;
        properties.extend(self.properties.iter().cloned());
        Ok(properties)
    }
}

/// Shows the names of the properties only: `sasl.password` is one.
impl fmt::Debug for KafkaConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.properties.iter().map(|(name, _)| name.as_str()).collect();
        out.debug_struct("KafkaConfig")
            .field("brokers", &self.brokers)
            .field("topic_prefix", &self.topic_prefix)
            .field("replication", &self.replication)
            .field("security", &self.security)
            .field("properties", &names)
            .finish()
    }
}

/// The schema registry, with the Confluent REST interface.
#[derive(Debug, Clone, Args)]
pub struct RegistryConfig {
    /// `http(s)://[user:password@]host:port`.
    #[arg(
        long = "registry-url",
        env = "TWOFOLD_REGISTRY_URL",
        hide_env_values = true,
        value_name = "URL",
        id = "registry_url",
        value_parser = super::url::http
    )]
    pub url: SecretString,
}

/// `name=value`; the value is not repeated when it is wrong, it may be a password.
fn property(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected name=value"),
    }
}

fn topic_prefix(text: &str) -> Result<String, &'static str> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=100).contains(&text.len()) && text.bytes().all(legal) {
        Ok(text.to_owned())
    } else {
        Err("a topic prefix is 1 to 100 characters of A-Z a-z 0-9 . _ -")
    }
}
