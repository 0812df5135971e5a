//! The yardstick of the relay: librdkafka's producer, idempotent and acknowledged by all, with nothing around it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext};

use crate::backlog::Ready;

#[derive(Clone, Default)]
struct Failures(Arc<AtomicU64>);

impl ClientContext for Failures {}

impl ProducerContext for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Sends `count` records, going round `records`, and returns when all are acknowledged. Everything that is not said
/// here is librdkafka's own default.
pub(crate) fn send(
    brokers: &str,
    compression: &str,
    topic: &str,
    records: &[Ready],
    count: u32,
) -> anyhow::Result<()> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("compression.type", compression);
    let failures = Failures::default();
    let producer = ThreadedProducer::from_config_and_context(&config, failures.clone())?;
    for record in records.iter().cycle().take(usize::try_from(count)?) {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (name, value) in &record.headers {
            headers = headers.insert(Header { key: name, value: Some(&value[..]) });
        }
        let mut outgoing = BaseRecord::to(topic)
            .partition(0)
            .key(&record.key)
            .payload(&record.value[..])
            .timestamp(record.timestamp_ms)
            .headers(headers);
        loop {
            match producer.send(outgoing) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    outgoing = back;
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(error).context("the bare producer"),
            }
        }
    }
    producer.flush(Duration::from_secs(120))?;
    ensure!(failures.0.load(Ordering::Relaxed) == 0, "the bare producer lost records");
    Ok(())
}
