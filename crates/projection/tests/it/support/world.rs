//! Kafka with a topic, a registry, and projectors that run.

use std::collections::HashMap;
use std::time::Duration;

use catalog::CatalogEvent;
use kernel::{Lane, View};
use messaging::{Connection, OutgoingRecord, PartitionWriter, Producer, ProducerOptions, TopicSpec, Topics};
use projection::{AnyView, Building, Keeper, Limits, OnChangedView, Projector, Room, Source};
use read_store::{RowStore, ViewVersion};
use service_runtime::Health;
use test_servers::TestKafka;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::RegistryClient;

use super::log_service::LogService;
use super::registry::Registry;
use super::{History, Record, until};

pub(crate) struct World {
    kafka: TestKafka,
    connection: Connection,
    topics: Topics,
    producer: Producer,
    pub(crate) registry: Registry,
    pub(crate) log: LogService,
}

impl World {
    /// With a topic of the catalog that has this many lanes.
    pub(crate) async fn new(lanes: i32) -> Self {
        let world = Self::without_topic().await;
        world.make_topic(lanes).await;
        world
    }

    pub(crate) async fn make_topic(&self, lanes: i32) {
        let name = wire::topic(&self.kafka.prefix, "catalog");
        let topic = TopicSpec { name, partitions: lanes, replication: 1, config: Vec::new() };
        self.topics.ensure(&topic).await.unwrap();
    }

    /// The topic is deleted, and another made under its name.
    pub(crate) async fn make_topic_anew(&self, lanes: i32) {
        let name = wire::topic(&self.kafka.prefix, "catalog");
        self.topics.delete(&name).await.unwrap();
        until("the topic is gone", async || self.topics.describe(&name).await.unwrap().is_none()).await;
        self.make_topic(lanes).await;
    }

    pub(crate) async fn without_topic() -> Self {
        let kafka = test_servers::kafka();
        let connection = Connection::new(&kafka.brokers);
        let topics = Topics::new(&connection, Duration::from_secs(30)).unwrap();
        let producer = Producer::start(&connection, &ProducerOptions::default()).unwrap();
        let (registry, log) = (Registry::start().await, LogService::start().await);
        Self { kafka, connection, topics, producer, registry, log }
    }

    pub(crate) fn source(&self) -> Source {
        Source {
            connection: self.connection.clone(),
            topics: self.topics.clone(),
            registry: RegistryClient::new(&self.registry.url).unwrap(),
            log: self.log.source(),
            prefix: self.kafka.prefix.clone(),
            groups: self.kafka.prefix.clone(),
            limits: Limits::default(),
            building: Building {
                room: Room::of_mebibytes(64),
                written_every: Duration::from_millis(100),
                on_changed_view: OnChangedView::Rebuild,
            },
            park_after: 3,
            replication: 1,
        }
    }

    /// The last record of a partition of a topic.
    pub(crate) async fn last_on_topic(
        &self,
        topic: &str,
        partition: i32,
    ) -> Option<messaging::IncomingRecord> {
        let topic = format!("{}.{topic}", self.kafka.prefix);
        messaging::read_last(&self.connection, &topic, partition).await.unwrap()
    }

    /// Publishes records, in order within each lane, and waits until all are on the topic.
    pub(crate) async fn publish(&self, records: &[Record]) {
        let topic = wire::topic(&self.kafka.prefix, "catalog");
        let mut writers = HashMap::new();
        for record in records {
            let partition = i32::from(record.lane.number());
            let writer: &mut PartitionWriter =
                writers.entry(partition).or_insert_with(|| self.producer.writer(topic.as_str(), partition));
            let outgoing = OutgoingRecord {
                key: Some(record.key.as_bytes()),
                value: record.value.as_deref(),
                headers: &record.headers,
                timestamp_ms: None,
            };
            writer.send_when_room(&outgoing).await.unwrap();
        }
        for writer in writers.values() {
            until("records are on the topic", async || writer.delivered().through == writer.sent()).await;
        }
    }

    /// Publishes what a history has recorded since its record `from`.
    pub(crate) async fn publish_from(&self, history: &History, from: usize) {
        self.publish(&history.records[from..]).await;
    }

    pub(crate) fn project<V: View<Event = CatalogEvent>>(&self, store: impl RowStore) -> Running {
        self.project_with::<V>(self.source(), store)
    }

    /// Keeps every build of the view.
    pub(crate) fn keep<V: View<Event = CatalogEvent>>(
        &self,
        store: impl RowStore,
        retention: Duration,
    ) -> Running {
        self.keep_with::<V>(self.source(), store, retention)
    }

    pub(crate) fn keep_with<V: View<Event = CatalogEvent>>(
        &self,
        source: Source,
        store: impl RowStore,
        retention: Duration,
    ) -> Running {
        let health = Health::new();
        let keeper = Keeper::new(AnyView::of::<V>().unwrap(), source, store, &health, retention);
        let token = CancellationToken::new();
        let task = tokio::spawn(keeper.run(token.clone()));
        Running { token, task, health }
    }

    pub(crate) fn project_with<V: View<Event = CatalogEvent>>(
        &self,
        source: Source,
        store: impl RowStore,
    ) -> Running {
        let health = Health::new();
        let projector = Projector::new(AnyView::of::<V>().unwrap(), source, store, "catalog", &health);
        let token = CancellationToken::new();
        let task = tokio::spawn(projector.run(token.clone()));
        Running { token, task, health }
    }
}

/// A projector that runs.
pub(crate) struct Running {
    token: CancellationToken,
    task: JoinHandle<()>,
    health: Health,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.token.cancel();
        self.task.await.unwrap();
    }

    /// Ends it between any two steps, as a crash does.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Why it is not ready; none where it is.
    pub(crate) fn why_not_ready(&self) -> Option<String> {
        self.health.readiness().dependencies.into_iter().find_map(|dependency| dependency.why)
    }

    pub(crate) async fn until_ready(&self) {
        until("the projector is ready", async || self.why_not_ready().is_none()).await;
    }

    pub(crate) async fn until_troubled(&self, by: &str) {
        let what = format!("readiness tells of {by:?}");
        until(&what, async || self.why_not_ready().is_some_and(|why| why.contains(by))).await;
    }
}

/// Waits until the lane's rows reflect the whole history.
pub(crate) async fn until_at_head(store: &impl RowStore, history: &History) {
    until_at(store, history.lane(), history.head()).await;
}

pub(crate) async fn until_at(store: &impl RowStore, lane: Lane, sequence: kernel::Sequence) {
    let what = format!("lane {lane} is at {sequence}");
    until(&what, async || {
        let checkpoint = store.checkpoint(lane).await;
        checkpoint.is_ok_and(|found| found.is_some_and(|found| found.sequence >= sequence))
    })
    .await;
}

pub(crate) fn version_of<V: View>() -> ViewVersion {
    ViewVersion::of::<V>("catalog")
}
