//! Reading what a partition really holds, without a group.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{Message, config::FromClientConfigAndContext};

use crate::topics::{Quiet, blocking};
use crate::{Connection, IncomingRecord, MessagingError, OffsetRange};

/// Reads single records and stretches of a partition. Not a member of any group; commits nothing.
pub struct PartitionReader {
    consumer: BaseConsumer<Quiet>,
    timeout: Duration,
}

impl PartitionReader {
    /// Kafka need not be up; a read fails when nothing comes for `timeout`.
    pub fn new(connection: &Connection, timeout: Duration) -> Result<Self, MessagingError> {
        let config = connection.client_config(
            &[
                ("fetch.wait.max.ms", "10"),
                ("queued.max.messages.kbytes", "4096"),
                ("fetch.message.max.bytes", "1048576"),
            ],
            &[
                // Without a group the library reads nothing; as no topic is subscribed to, none is joined.
                ("group.id", "twofold-reader"),
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("enable.partition.eof", "true"),
                ("auto.offset.reset", "error"),
                ("allow.auto.create.topics", "false"),
            ],
        );
        Ok(Self { consumer: BaseConsumer::from_config_and_context(&config, Quiet::default())?, timeout })
    }

    /// The offsets that the partition holds. Blocks.
    pub fn range(&self, topic: &str, partition: i32) -> Result<OffsetRange, MessagingError> {
        offset_range(&self.consumer, topic, partition, self.timeout)
    }

    /// Reads the records at `from` and after it, up to the end that the partition has when it gets there, until
    /// `each` breaks. Offsets without a record are passed over. Blocks.
    pub fn read(
        &self,
        topic: &str,
        partition: i32,
        from: i64,
        mut each: impl FnMut(IncomingRecord) -> ControlFlow<()>,
    ) -> Result<(), MessagingError> {
        let mut place = TopicPartitionList::new();
        place.add_partition_offset(topic, partition, Offset::Offset(from))?;
        self.consumer.assign(&place)?;
        let outcome = self.poll_to_end(&mut each);
        self.consumer.unassign()?;
        outcome
    }

    fn poll_to_end(
        &self,
        each: &mut impl FnMut(IncomingRecord) -> ControlFlow<()>,
    ) -> Result<(), MessagingError> {
        let mut heard = Instant::now();
        let mut trouble = None;
        while heard.elapsed() < self.timeout {
            match self.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    debug_assert!(message.offset() >= 0, "a record has its place");
                    if each(IncomingRecord::copy_of(&message)).is_break() {
                        return Ok(());
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                // The library tries again by itself until the time is up.
                Some(Err(error)) => match MessagingError::from(error) {
                    error if error.is_retryable() => trouble = Some(error),
                    error => return Err(error),
                },
                None => {}
            }
        }
        Err(trouble.unwrap_or_else(|| MessagingError::Unavailable("no records came in time".to_owned())))
    }

    /// The first record at `offset` or after it. Blocks.
    pub fn first_from(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<Option<IncomingRecord>, MessagingError> {
        let mut found = None;
        self.read(topic, partition, offset, |record| {
            found = Some(record);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// The last record of the partition; the very last places need not hold one. Blocks.
    pub fn last(&self, topic: &str, partition: i32) -> Result<Option<IncomingRecord>, MessagingError> {
        let range = self.range(topic, partition)?;
        if range.end <= range.start {
            return Ok(None);
        }
        let mut back = 1;
        loop {
            let from = (range.end - back).max(range.start);
            let mut found = None;
            self.read(topic, partition, from, |record| {
                found = Some(record);
                ControlFlow::Continue(())
            })?;
            if found.is_some() || from == range.start {
                return Ok(found);
            }
            back *= 8;
        }
    }
}

/// The offsets that a partition holds. Blocks.
///
/// The library remembers for a long time that a topic or a partition was not there; only when it is asked for the
/// topic itself does it look again. And a partition that was just made, or that changes its leader, has none for a
/// moment, which is waited for.
pub(crate) fn offset_range(
    consumer: &BaseConsumer<Quiet>,
    topic: &str,
    partition: i32,
    timeout: Duration,
) -> Result<OffsetRange, MessagingError> {
    let began = Instant::now();
    loop {
        let error = match consumer.fetch_watermarks(topic, partition, timeout) {
            Ok((start, end)) => return Ok(OffsetRange { start, end }),
            Err(error) => error,
        };
        let leaderless = has_no_leader(&error);
        let error = MessagingError::from(error);
        let absent = error == MessagingError::UnknownTopic;
        if !(leaderless || absent) || began.elapsed() >= timeout {
            return Err(error);
        }
        if absent && !is_there(consumer, topic, partition, timeout)? {
            return Err(error);
        }
        std::thread::sleep(LEADER_WAIT);
    }
}

fn is_there(
    consumer: &BaseConsumer<Quiet>,
    topic: &str,
    partition: i32,
    timeout: Duration,
) -> Result<bool, MessagingError> {
    let metadata = consumer.fetch_metadata(Some(topic), timeout)?;
    let mut partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    Ok(partitions.any(|found| found.id() == partition))
}

const LEADER_WAIT: Duration = Duration::from_millis(20);

fn has_no_leader(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(Code::NotLeaderForPartition | Code::LeaderNotAvailable | Code::ReplicaNotAvailable)
    )
}

impl std::fmt::Debug for PartitionReader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("PartitionReader").finish_non_exhaustive()
    }
}

/// The last record that a partition holds.
pub async fn read_last(
    connection: &Connection,
    topic: &str,
    partition: i32,
) -> Result<Option<IncomingRecord>, MessagingError> {
    let (connection, topic) = (connection.clone(), topic.to_owned());
    blocking(move || PartitionReader::new(&connection, READ_TIMEOUT)?.last(&topic, partition)).await
}

/// The record at `offset`; none where the partition holds none there.
pub async fn read_at(
    connection: &Connection,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<Option<IncomingRecord>, MessagingError> {
    let (connection, topic) = (connection.clone(), topic.to_owned());
    blocking(move || {
        let reader = PartitionReader::new(&connection, READ_TIMEOUT)?;
        let range = reader.range(&topic, partition)?;
        if offset < range.start || offset >= range.end {
            return Ok(None);
        }
        let found = reader.first_from(&topic, partition, offset)?;
        Ok(found.filter(|record| record.offset == offset))
    })
    .await
}

const READ_TIMEOUT: Duration = Duration::from_secs(15);
