//! Publishing a stretch of a log once more, beside the relay that runs.
//!
//! Readers know repeats by their sequence, and a partition that had lost records has them again. Nothing else changes:
//! the cursor stays the relay's, which goes on as it did.

use std::sync::Arc;
use std::time::Duration;

use event_log::EventLog;
use kernel::{LogId, LoggedEvent, Sequence};
use messaging::{Connection, Deliveries, MessagingError, PartitionWriter, Producer};
use service_runtime::config::{ExposeSecret, KafkaConfig, RegistryConfig, TrustConfig};
use tokio::time::timeout;
use wire::RegistryClient;

use crate::config::RelayConfig;
use crate::error::Stop;
use crate::looking::{check_chain, holding};
use crate::publishing::check_size;
use crate::records::Record;
use crate::schemas::Schemas;
use crate::topics::{Topic, TopicKeeper, partition};

/// How long nothing may be acknowledged before a replay is given up.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// Publishes stretches of logs again.
pub struct Replay {
    log: EventLog,
    connection: Connection,
    topics: TopicKeeper,
    producer: Producer,
    registry: RegistryClient,
    config: RelayConfig,
}

/// A replay that was not done, or not to its end. What it had published by then are repeats; it can be begun again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The relay makes it.
    #[error("the topic {0} does not exist: the relay makes it")]
    NoTopic(String),
    /// The partition would hold later events without the earlier ones.
    #[error(
        "the topic holds {log} up to sequence {through}: from {from} on there would be a hole. Begin at {} or before",
        through.next()
    )]
    Hole {
        /// Which log.
        log: LogId,
        /// Up to where its partition holds everything.
        through: Sequence,
        /// What was asked for.
        from: Sequence,
    },
    /// Something that it needs is away, or refused.
    #[error("{0}")]
    Failed(String),
}

impl From<Stop> for ReplayError {
    fn from(stop: Stop) -> Self {
        Self::Failed(stop.to_string())
    }
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Replay").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl Replay {
    /// From a log to the topics of this Kafka, with a producer of its own.
    pub fn new(
        log: EventLog,
        kafka: &KafkaConfig,
        registry: &RegistryConfig,
        trust: &TrustConfig,
    ) -> Result<Self, ReplayError> {
        let config = RelayConfig::default();
        let told = |error: &dyn std::error::Error| ReplayError::Failed(error.to_string());
        let properties = kafka.all_properties().map_err(|error| told(&error))?;
        let connection = Connection { brokers: kafka.brokers.clone(), properties };
        let (prefix, replication) = (kafka.topic_prefix.clone(), kafka.replication);
        let topics = TopicKeeper::new(&connection, config.kafka_timeout(), prefix, replication, 1);
        let producer = Producer::start(&connection, &config.producer());
        let http = trust.http_client().map_err(|error| told(&error))?;
        let registry = RegistryClient::over(http, registry.url.expose_secret());
        Ok(Self {
            log,
            topics: topics.map_err(Stop::from)?,
            producer: producer.map_err(Stop::from)?,
            registry: registry.map_err(Stop::from)?,
            connection,
            config,
        })
    }

    /// Publishes the events of a log from one sequence to another, and answers how many; `progress` hears how far
    /// it is. Returns when Kafka has acknowledged all of them.
    ///
    /// Like any writer of a partition it sends consecutive sequences that begin at most one after what the partition
    /// holds: the relay rests on that.
    pub async fn run(
        &self,
        log: &LogId,
        from: Sequence,
        to: Sequence,
        mut progress: impl FnMut(Sequence),
    ) -> Result<u64, ReplayError> {
        let from = from.max(Sequence::new(1));
        let head = self.log.head(log).await.map_err(Stop::from)?;
        let topic = self.topics.find(&log.context).await.map_err(Stop::from)?;
        let topic = topic.ok_or_else(|| ReplayError::NoTopic(self.topics.name(&log.context).to_string()))?;
        let cursor = self.log.outbox().cursor(log).await.map_err(Stop::from)?;
        let timeout = self.config.kafka_timeout();
        let held = holding(self.connection.clone(), timeout, log, &topic, cursor, head.epoch).await?;
        check_chain(&self.log, log, &topic, &held).await?;
        if from > held.through.next() {
            return Err(ReplayError::Hole { log: log.clone(), through: held.through, from });
        }
        let writer = self.producer.writer(topic.name.clone(), partition(log.lane)).behind(held.last_offset);
        let mut sending = Sending {
            deliveries: writer.deliveries(),
            schemas: Schemas::new(self.log.clone(), self.registry.clone(), Arc::clone(&topic.name)),
            replay: self,
            topic,
            writer,
        };
        let mut last = Sequence::new(from.number() - 1);
        while last < to.min(head.sequence) {
            let page = usize::try_from(self.config.page_events).unwrap_or(usize::MAX);
            let page = self.log.read_log(log, last, page).await.map_err(Stop::from)?;
            for event in page.iter().take_while(|event| event.sequence <= to) {
                sending.send(event, &head.epoch).await?;
                last = event.sequence;
            }
            if page.is_empty() {
                break;
            }
            progress(last);
        }
        sending.until_acknowledged().await?;
        Ok(last.next().since(from))
    }

    /// Ends the producer.
    pub async fn close(self) {
        self.producer.close().await;
    }
}

/// One log on its way.
struct Sending<'a> {
    replay: &'a Replay,
    topic: Topic,
    schemas: Schemas,
    writer: PartitionWriter,
    deliveries: Deliveries,
}

impl Sending<'_> {
    async fn send(&mut self, event: &LoggedEvent, epoch: &kernel::Epoch) -> Result<(), Stop> {
        let schema_id = match self.schemas.known(event.event.schema) {
            Some(id) => id,
            None => self.schemas.learn(event).await?,
        };
        let record = Record::of(event, epoch, schema_id);
        check_size(&self.topic, event, &record)?;
        match timeout(STALLED_AFTER, self.writer.send_when_room(&record.outgoing())).await {
            Ok(taken) => Ok(taken.map(drop)?),
            Err(_) => Err(self.stalled()),
        }
    }

    async fn until_acknowledged(&self) -> Result<(), Stop> {
        let mut delivered = self.writer.delivered();
        while delivered.through < self.writer.sent() {
            if let Some(failure) = delivered.failure {
                return Err(failure.into());
            }
            delivered = match timeout(STALLED_AFTER, self.deliveries.changed()).await {
                Ok(delivered) => delivered,
                Err(_) => return Err(self.stalled()),
            };
        }
        Ok(())
    }

    fn stalled(&self) -> Stop {
        let trouble =
            self.replay.producer.trouble().map_or_else(String::new, |trouble| format!(": {trouble}"));
        let why = format!("nothing was acknowledged for {} s{trouble}", STALLED_AFTER.as_secs());
        Stop::Kafka(MessagingError::Unavailable(why))
    }
}
