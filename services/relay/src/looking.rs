//! Looking: what the partition holds, checked against the log, noted in the cursor.

use std::time::Duration;

use event_log::{Cursor, EventLog, Lease, LogError};
use kernel::{Epoch, LogId, Sequence};
use messaging::{Connection, PartitionReader};

use crate::error::Stop;
use crate::relay::Shared;
use crate::survey::{Holding, OnKafka, Unclear, survey};
use crate::telemetry::LogMetrics;
use crate::topics::{Topic, is_another, partition};

/// From where publishing goes on.
pub(crate) struct Start {
    pub(crate) topic: Topic,
    pub(crate) epoch: Epoch,
    pub(crate) through: Sequence,
    /// The last place that the partition has used.
    pub(crate) last_offset: Option<i64>,
    pub(crate) cursor: Cursor,
}

/// Finds out what the partition of a log holds. When this returns, the cursor says so too.
pub(crate) async fn look(
    shared: &Shared,
    log: &LogId,
    lease: &Lease,
    metrics: &LogMetrics,
) -> Result<Start, Stop> {
    let head = shared.log.head(log).await?;
    let before = shared.outbox.cursor(log).await?;
    let topic = shared.topics.ensure(&log.context, log.lane).await?;
    let holding = {
        // Few at once: each has a client of its own for the moment.
        let _permit = shared.surveys.acquire().await;
        let (connection, timeout) = (shared.connection.clone(), shared.config.kafka_timeout());
        holding(connection, timeout, log, &topic, before, head.epoch).await?
    };
    check_chain(&shared.log, log, &topic, &holding).await?;
    let cursor = Cursor {
        published_through: holding.through,
        chain: holding.chain,
        topic_id: topic.id,
        offset: holding.offset,
    };
    if cursor != before {
        let missing = before.published_through.since(holding.through);
        if missing > 0 {
            metrics.republished.increment(missing);
            tracing::warn!(
                %log, topic = %topic.name, missing, from = %holding.through.next(),
                "the topic has lost records, publishing them again"
            );
        }
        shared.outbox.advance(lease, cursor).await?;
    }
    Ok(Start { topic, epoch: head.epoch, through: holding.through, last_offset: holding.last_offset, cursor })
}

/// Up to where the topic holds everything of a log.
pub(crate) async fn holding(
    connection: Connection,
    timeout: Duration,
    log: &LogId,
    topic: &Topic,
    cursor: Cursor,
    epoch: Epoch,
) -> Result<Holding, Stop> {
    let same_topic = !is_another(cursor.topic_id, topic.id);
    let (name, number) = (topic.name.clone(), partition(log.lane));
    let looked = tokio::task::spawn_blocking(move || {
        let reader = PartitionReader::new(&connection, timeout)?;
        survey(&OnKafka { reader: &reader, topic: &name, number }, &cursor, same_topic, epoch)
    });
    match looked.await {
        Ok(Ok(holding)) => Ok(holding),
        Ok(Err(Unclear::Kafka(error))) => Err(error.into()),
        Ok(Err(Unclear::OtherEpoch { offset, epoch: found })) => {
            let what =
                format!("the record at offset {offset} is of epoch {found}, the log's epoch is {epoch}");
            Err(diverged(topic, log, what))
        }
        Err(error) => Err(Stop::Kafka(messaging::MessagingError::Unavailable(error.to_string()))),
    }
}

/// The topic may hold less than the log, never anything else.
pub(crate) async fn check_chain(
    source: &EventLog,
    log: &LogId,
    topic: &Topic,
    holding: &Holding,
) -> Result<(), Stop> {
    let Some(chain) = holding.chain else { return Ok(()) };
    let before = Sequence::new(holding.through.number().saturating_sub(1));
    let events = source.read_log(log, before, 1).await?;
    match events.first() {
        Some(event) if event.sequence == holding.through && event.chain == chain => Ok(()),
        Some(event) if event.sequence == holding.through => {
            let what = format!("the record with sequence {} is not the log's", holding.through);
            Err(diverged(topic, log, what))
        }
        Some(_) => Err(LogError::Corrupt(format!("the log has no event {}", holding.through)).into()),
        None => {
            let what = format!("the topic goes up to sequence {}, which the log has not", holding.through);
            Err(diverged(topic, log, what))
        }
    }
}

fn diverged(topic: &Topic, log: &LogId, what: String) -> Stop {
    Stop::Diverged { topic: topic.name.to_string(), log: log.clone(), what }
}
