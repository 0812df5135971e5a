//! What the tests share: topics of their own, a group member that keeps what it is given.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use messaging::{
    Connection, Consumer, ConsumerEvent, ConsumerHandle, ConsumerOptions, IncomingRecord, MessagingError,
    OutgoingRecord, PartitionWriter, Position, Producer, ProducerOptions, TopicSpec, Topics,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longer than anything takes on a busy machine; only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Kafka {
    pub(crate) connection: Connection,
    pub(crate) topics: Topics,
    prefix: String,
}

impl Kafka {
    pub(crate) fn new() -> Self {
        let kafka = test_servers::kafka();
        let connection = Connection::new(&kafka.brokers);
        let topics = Topics::new(&connection, PATIENCE).unwrap();
        Self { connection, topics, prefix: kafka.prefix }
    }

    pub(crate) fn name(&self, what: &str) -> String {
        format!("{}.{what}", self.prefix)
    }

    pub(crate) fn spec(&self, what: &str, partitions: i32) -> TopicSpec {
        let config = vec![("max.message.bytes".to_owned(), "8388608".to_owned())];
        TopicSpec { name: self.name(what), partitions, replication: 1, config }
    }

    pub(crate) async fn topic(&self, what: &str, partitions: i32) -> String {
        let spec = self.spec(what, partitions);
        within(self.topics.ensure(&spec)).await.unwrap();
        spec.name
    }

    pub(crate) fn producer(&self) -> Producer {
        Producer::start(&self.connection, &ProducerOptions::default()).unwrap()
    }

    /// Sends numbers, each a record's value, and waits for the last.
    pub(crate) async fn send_numbers(&self, topic: &str, partition: i32, numbers: impl Iterator<Item = u64>) {
        let producer = self.producer();
        let mut writer = producer.writer(topic, partition);
        for number in numbers {
            send_number(&mut writer, number).await.unwrap();
        }
        acknowledged(&writer).await;
    }
}

pub(crate) async fn send_number(writer: &mut PartitionWriter, number: u64) -> Result<u64, MessagingError> {
    let value = number.to_string();
    writer
        .send_when_room(&OutgoingRecord { value: Some(value.as_bytes()), ..OutgoingRecord::default() })
        .await
}

pub(crate) async fn acknowledged(writer: &PartitionWriter) {
    until("everything is acknowledged", async || {
        let delivered = writer.delivered();
        assert_eq!(delivered.failure, None);
        delivered.through == writer.sent()
    })
    .await;
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it took too long")
}

pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain: {what}");
}

/// The place that a receiver's store keeps: shared by the members of a group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store(Arc<Mutex<HashMap<i32, i64>>>);

impl Store {
    pub(crate) fn positions(&self, partitions: &[i32]) -> Vec<(i32, Position)> {
        let kept = self.0.lock().unwrap();
        let position = |partition| match kept.get(partition) {
            Some(next) => Position::Offset(*next),
            None => Position::Beginning,
        };
        partitions.iter().map(|partition| (*partition, position(partition))).collect()
    }

    pub(crate) fn keep(&self, partition: i32, next: i64) {
        self.0.lock().unwrap().insert(partition, next);
    }
}

/// What a member has seen so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) assigned: Vec<i32>,
    pub(crate) revoked: Vec<i32>,
    pub(crate) records: HashMap<i32, Vec<IncomingRecord>>,
    pub(crate) ends: HashMap<i32, i64>,
    pub(crate) failures: Vec<MessagingError>,
}

impl Seen {
    pub(crate) fn numbers(&self, partition: i32) -> Vec<u64> {
        self.records.get(&partition).into_iter().flatten().map(number).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }
}

pub(crate) fn number(record: &IncomingRecord) -> u64 {
    text(record.value.as_ref()).parse().unwrap()
}

pub(crate) fn text(bytes: Option<&Bytes>) -> String {
    String::from_utf8(bytes.expect("there is one").to_vec()).unwrap()
}

/// A member of a group that keeps what it is given, and its place in a store.
pub(crate) struct Member {
    pub(crate) handle: ConsumerHandle,
    seen: watch::Receiver<Seen>,
    task: JoinHandle<()>,
}

impl Member {
    pub(crate) fn join(kafka: &Kafka, options: ConsumerOptions, store: &Store) -> Self {
        let (handle, mut events) = Consumer::start(&kafka.connection, options).unwrap();
        let (sender, seen) = watch::channel(Seen::default());
        let store = store.clone();
        let task = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                sender.send_modify(|seen| note(seen, event, &store));
            }
        });
        Self { handle, seen, task }
    }

    pub(crate) async fn sees(&mut self, what: &str, holds: impl FnMut(&Seen) -> bool) -> Seen {
        let seen = tokio::time::timeout(PATIENCE, self.seen.wait_for(holds)).await;
        let seen = seen.ok().map(|seen| seen.unwrap().clone());
        seen.unwrap_or_else(|| panic!("waited in vain: {what}; saw {}", summary(&self.seen.borrow())))
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    pub(crate) async fn leave(self) -> Seen {
        within(self.handle.stop()).await;
        within(self.task).await.unwrap();
        self.seen.borrow().clone()
    }
}

fn summary(seen: &Seen) -> String {
    let counts: HashMap<i32, usize> = seen.records.iter().map(|(of, records)| (*of, records.len())).collect();
    format!("{:?} {:?} {counts:?} {:?} {:?}", seen.assigned, seen.revoked, seen.ends, seen.failures)
}

fn note(seen: &mut Seen, event: ConsumerEvent, store: &Store) {
    match event {
        ConsumerEvent::Assigned { partitions, positions } => {
            positions.send(store.positions(&partitions)).unwrap();
            seen.assigned.extend(partitions);
        }
        ConsumerEvent::Revoked { partitions, done } => {
            seen.revoked.extend(partitions);
            let _ = done.send(());
        }
        ConsumerEvent::Records { partition, records } => {
            store.keep(partition, records.last().expect("never empty").offset + 1);
            seen.records.entry(partition).or_default().extend(records);
        }
        ConsumerEvent::EndOfPartition { partition, offset } => {
            seen.ends.insert(partition, offset);
        }
        ConsumerEvent::Failed(error) => seen.failures.push(error),
    }
}
