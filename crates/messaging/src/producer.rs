//! The producer: idempotent, bounded, and honest about what was acknowledged.

mod context;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, PurgeConfig, ThreadedProducer};

pub use writer::{Delivered, Deliveries, DeliveryFailure, PartitionWriter};

use crate::producer::context::{Context, Ticket};
use crate::{Connection, MessagingError, OutgoingRecord, telemetry};

/// A producer's bounds and tuning.
#[derive(Debug, Clone)]
pub struct ProducerOptions {
    /// How long a record may wait for others to share its request, in milliseconds. Default 1. Adds to every
    /// record's way when there are few; saves requests when there are many.
    pub linger_ms: u32,
    /// Most records taken and not yet acknowledged, of all partitions. Default 20,000, some 40 MiB of records
    /// with a dozen headers.
    pub in_flight_records: u32,
    /// Most bytes taken and not yet acknowledged, in KiB. Default 16384.
    pub in_flight_kbytes: u32,
    /// Most bytes of one request, in KiB. Default 512.
    pub batch_kbytes: u32,
    /// `none`, `lz4`, `snappy` or `gzip`. Default lz4: headers repeat themselves, and topics are kept for ever.
    pub compression: String,
}

impl Default for ProducerOptions {
    fn default() -> Self {
        Self {
            linger_ms: 1,
            in_flight_records: 20_000,
            in_flight_kbytes: 16_384,
            batch_kbytes: 512,
            compression: "lz4".to_owned(),
        }
    }
}

/// Why a record was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// As much is in flight as may be; see [`Producer::room`].
    #[error("as much is in flight as may be")]
    Full,
    /// The record cannot be sent, or the producer cannot go on.
    #[error(transparent)]
    Failed(#[from] MessagingError),
}

/// Sends records, shared by any number of [`PartitionWriter`]s.
///
/// While Kafka is away, what is in flight waits for it, without a limit of time: a record is never given up
/// while later ones of its partition could still arrive. Dropping the last handle abandons what is in flight;
/// whether it arrived is then unknown.
#[derive(Clone)]
pub struct Producer {
    native: Arc<ThreadedProducer<Context>>,
}

impl Producer {
    /// Makes a producer. Kafka need not be up.
    pub fn start(connection: &Connection, options: &ProducerOptions) -> Result<Self, MessagingError> {
        let config = connection.client_config(
            &[
                ("linger.ms", &options.linger_ms.to_string()),
                ("batch.size", &(u64::from(options.batch_kbytes) * 1024).to_string()),
                ("batch.num.messages", "10000"),
                ("compression.type", &options.compression),
                ("message.max.bytes", "10485760"),
                ("queue.buffering.max.messages", &options.in_flight_records.to_string()),
                ("queue.buffering.max.kbytes", &options.in_flight_kbytes.to_string()),
                ("retry.backoff.ms", "50"),
                ("socket.timeout.ms", "30000"),
                ("topic.metadata.refresh.interval.ms", "10000"),
                // How long a topic that has just been made may be unknown before its records fail.
                ("topic.metadata.propagation.max.ms", "5000"),
            ],
            &[
                ("enable.idempotence", "true"),
                ("acks", "all"),
                // A hole in the middle stops the producer instead of being sent past.
                ("enable.gapless.guarantee", "true"),
                // Records do not time out: one that did would let its successors arrive without it.
                ("message.timeout.ms", "0"),
            ],
        );
        let native = ThreadedProducer::from_config_and_context(&config, Context::default())?;
        Ok(Self { native: Arc::new(native) })
    }

    /// A writer of one partition. Records of one writer are acknowledged in the order in which it sent them.
    pub fn writer(&self, topic: impl Into<Arc<str>>, partition: i32) -> PartitionWriter {
        PartitionWriter::new(self.clone(), topic.into(), partition)
    }

    /// Sends one record and waits until it is acknowledged; answers its offset.
    pub async fn send(
        &self,
        topic: &str,
        partition: i32,
        record: &OutgoingRecord<'_>,
    ) -> Result<Option<i64>, MessagingError> {
        let mut writer = self.writer(topic, partition);
        let ticket = writer.send_when_room(record).await?;
        let deliveries = writer.deliveries();
        loop {
            let delivered = deliveries.changed().await;
            if let Some(failure) = delivered.failure {
                return Err(failure.into());
            }
            if delivered.through >= ticket {
                return Ok(delivered.located.map(|(_, offset)| offset));
            }
        }
    }

    fn context(&self) -> &Context {
        self.native.context()
    }

    /// Returns when it is worth trying again after [`SendError::Full`].
    pub async fn room(&self) {
        metrics::counter!(telemetry::PRODUCER_FULL).increment(1);
        // The limit only covers an acknowledgement that came between the refusal and this call.
        let _ = tokio::time::timeout(Duration::from_millis(20), self.context().room.notified()).await;
    }

    /// Why this producer cannot go on; then a new one is needed, and a look at what the partitions really hold.
    pub fn fatal_error(&self) -> Option<MessagingError> {
        self.native.client().fatal_error().map(|(code, _)| MessagingError::Fatal(code.to_string()))
    }

    /// The last trouble that the client had in reaching Kafka, if it had any since the last call. It goes on
    /// trying by itself; this is for readiness and logs.
    pub fn trouble(&self) -> Option<MessagingError> {
        self.context().take_trouble()
    }

    /// Gives up what is in flight: every writer is told that it failed. Some of it may have arrived.
    pub fn abandon(&self) {
        self.native.purge(PurgeConfig::default().queue().inflight());
    }

    /// Lets go of this handle off the runtime's threads: the last one to go waits for the client's own.
    pub async fn close(self) {
        let closed = tokio::task::spawn_blocking(move || drop(self));
        if let Err(error) = closed.await {
            tracing::error!(%error, "closing the producer failed");
        }
    }

    fn take(
        &self,
        topic: &str,
        partition: i32,
        record: &OutgoingRecord<'_>,
        ticket: Ticket,
    ) -> Result<(), SendError> {
        let mut native = BaseRecord::with_opaque_to(topic, ticket.pack()).partition(partition);
        native.key = record.key;
        native.payload = record.value;
        native.timestamp = record.timestamp_ms;
        if !record.headers.is_empty() {
            let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
            for (name, value) in record.headers {
                headers = headers.insert(Header { key: name, value: Some(&value[..]) });
            }
            native.headers = Some(headers);
        }
        self.native.send::<[u8], [u8]>(native).map_err(|(error, _)| match error {
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => SendError::Full,
            other => SendError::Failed(other.into()),
        })
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Producer").field("queued", &self.native.in_flight_count()).finish()
    }
}
