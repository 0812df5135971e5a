//! A new history: what a log goes on with after its database was restored from a backup that lacks its last events.
//!
//! Readers have seen events that are gone, and others will be recorded under their numbers. A new epoch tells the two
//! histories apart; the topics, which hold the one that was, are made anew from the log by the relay.

use std::sync::Arc;
use std::time::Duration;

use event_log::EventLog;
use kernel::{Epoch, LogId, Sequence};
use messaging::Connection;
use service_runtime::config::KafkaConfig;
use uuid::Uuid;

use crate::config::RelayConfig;
use crate::error::Stop;
use crate::topics::TopicKeeper;

/// How long no relay may begin to publish: longer than all of it takes.
const LEASED_FOR: Duration = Duration::from_secs(60);

/// What was begun.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Anew {
    /// The logs, each with its new epoch and where it ends.
    pub logs: Vec<(LogId, Epoch, Sequence)>,
    /// The topics that were removed.
    pub topics: Vec<Arc<str>>,
}

/// Why no new history was begun, or not everywhere: it can be done again.
#[derive(Debug, thiserror::Error)]
pub enum AnewError {
    /// Somebody publishes the log.
    #[error(
        "a relay is at work on {0}: stop all services first, and wait until its lease has run out (seconds)"
    )]
    AtWork(LogId),
    /// Something that it needs is away, or refused.
    #[error("{0}")]
    Failed(String),
}

impl From<Stop> for AnewError {
    fn from(stop: Stop) -> Self {
        Self::Failed(stop.to_string())
    }
}

/// Begins a new epoch of every log and removes the topics of their contexts. No relay may be at work.
///
/// Topics go first: killed in between, the relay finds logs and topics as they were, or makes a topic anew.
pub async fn begin_anew(log: &EventLog, kafka: &KafkaConfig) -> Result<Anew, AnewError> {
    let properties = kafka.all_properties().map_err(|error| AnewError::Failed(error.to_string()))?;
    let connection = Connection { brokers: kafka.brokers.clone(), properties };
    let (prefix, timeout) = (kafka.topic_prefix.clone(), RelayConfig::default().kafka_timeout());
    let topics = TopicKeeper::new(&connection, timeout, prefix, kafka.replication, 1).map_err(Stop::from)?;
    let mut ids = log.logs().await.map_err(Stop::from)?;
    ids.sort();
    let (outbox, holder) = (log.outbox(), Uuid::now_v7());
    let mut leases = Vec::with_capacity(ids.len());
    for id in &ids {
        match outbox.lease(id, holder, LEASED_FOR).await.map_err(Stop::from)? {
            Some(lease) => leases.push(lease),
            None => {
                for lease in &leases {
                    outbox.release(lease).await.map_err(Stop::from)?;
                }
                return Err(AnewError::AtWork(id.clone()));
            }
        }
    }
    let mut anew = Anew::default();
    for id in &ids {
        let name = topics.name(&id.context);
        if !anew.topics.contains(&name) {
            topics.remove(&id.context).await.map_err(Stop::from)?;
            anew.topics.push(name);
        }
    }
    for id in ids {
        let epoch = log.begin_epoch(&id).await.map_err(Stop::from)?;
        let head = log.head(&id).await.map_err(Stop::from)?;
        anew.logs.push((id, epoch, head.sequence));
    }
    for lease in &leases {
        outbox.release(lease).await.map_err(Stop::from)?;
    }
    Ok(anew)
}
