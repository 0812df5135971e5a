//! The yardstick of a rebuild: librdkafka's consumer, each value decoded and counted, with nothing around it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use catalog::CatalogEvent;
use kernel::SchemaFingerprint;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Headers as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{Message as _, error::KafkaError};
use wire::Codec;

/// Nothing comes any more that was to come.
const SILENCE: Duration = Duration::from_secs(30);

/// Reads `expected` records of all partitions and answers how long that took, from the consumer's start and from the
/// first record. Everything that is not said here is librdkafka's own default.
pub(crate) fn count(
    brokers: &str,
    topic: &str,
    partitions: u16,
    expected: u64,
    schemas: &HashMap<u32, SchemaFingerprint>,
) -> anyhow::Result<(Duration, Duration)> {
    let codec = Codec::<CatalogEvent>::new()?;
    let start = Instant::now();
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "bench-bare")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()?;
    let mut places = TopicPartitionList::new();
    for partition in 0..partitions {
        places.add_partition_offset(topic, i32::from(partition), Offset::Beginning)?;
    }
    consumer.assign(&places)?;
    let (mut counted, mut first) = (0_u64, None);
    while counted < expected {
        let message = match consumer.poll(SILENCE) {
            Some(Ok(message)) => message,
            Some(Err(KafkaError::PartitionEOF(_))) => continue,
            Some(Err(error)) => return Err(error).context("the bare consumer"),
            None => bail!("{counted} of {expected} records came"),
        };
        first.get_or_insert_with(Instant::now);
        let value = message.payload().context("a record without a value")?;
        let id = value.get(1..5).and_then(|id| id.try_into().ok()).map(u32::from_be_bytes);
        let schema = id.and_then(|id| schemas.get(&id)).context("an unknown schema")?;
        let headers = message.headers().context("a record without headers")?;
        let event_type = headers.iter().find(|header| header.key == wire::headers::CE_TYPE);
        let event_type = event_type.and_then(|header| header.value).context("a record without a type")?;
        let event = codec.decode(std::str::from_utf8(event_type)?, *schema, &value[wire::FRAME_LENGTH..])?;
        std::hint::black_box(&event);
        counted += 1;
    }
    ensure!(counted == expected, "{counted} records came where {expected} were published");
    Ok((start.elapsed(), first.unwrap_or(start).elapsed()))
}
