//! The Kafka whose topics a command is about.

use service_runtime::config::{KafkaConfig, KafkaSecurityConfig};

use crate::home::HomeArgs;

/// Which Kafka, and which topics of it.
#[derive(Debug, clap::Args)]
pub(crate) struct KafkaArgs {
    /// Kafka, `host:port[,host:port…]`. Without it, the local system's.
    #[arg(long, env = "TWOFOLD_KAFKA", value_name = "BROKERS")]
    kafka: Option<String>,
    /// What topics begin with. Without it, the local system's.
    #[arg(long, env = "TWOFOLD_TOPIC_PREFIX", value_name = "PREFIX")]
    topic_prefix: Option<String>,
    /// How Kafka is spoken to.
    #[command(flatten)]
    security: KafkaSecurityConfig,
    /// Further librdkafka properties, `name=value[,name=value…]`.
    #[arg(long, env = "TWOFOLD_KAFKA_PROPERTIES", hide_env_values = true, value_name = "NAME=VALUE",
        value_delimiter = ',', value_parser = property)]
    kafka_properties: Vec<(String, String)>,
}

impl KafkaArgs {
    pub(crate) fn config(&self, home: &HomeArgs) -> anyhow::Result<KafkaConfig> {
        let (brokers, topic_prefix) = match (&self.kafka, &self.topic_prefix) {
            (Some(brokers), prefix) => {
                (brokers.clone(), prefix.clone().unwrap_or_else(|| "twofold".to_owned()))
            }
            (None, prefix) => {
                let system = home.system()?;
                (system.kafka, prefix.clone().unwrap_or(system.topic_prefix))
            }
        };
        Ok(KafkaConfig {
            brokers,
            topic_prefix,
            replication: 1,
            security: self.security.clone(),
            properties: self.kafka_properties.clone(),
        })
    }
}

/// The value is not repeated when it is wrong, it may be a password.
fn property(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}
