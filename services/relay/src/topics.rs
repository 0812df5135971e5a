//! The topics that the relay writes to: there, with a partition for each lane, and forgetting nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::{Lane, LogId};
use messaging::{Connection, MessagingError, TopicSpec, Topics};
use uuid::Uuid;

use crate::error::Stop;

/// Larger than any event that can be recorded, so that none is refused by its topic.
const MAX_MESSAGE_BYTES: usize = 8 << 20;

/// A topic that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    /// Its identity, where the broker tells it.
    pub(crate) id: Option<Uuid>,
    /// The largest batch that it takes, in bytes, where the broker tells it.
    pub(crate) limit: Option<usize>,
}

/// Name and id.
type Identity = (Arc<str>, Option<Uuid>);

/// Makes and describes the topics.
pub(crate) struct TopicKeeper {
    topics: Topics,
    prefix: String,
    replication: i32,
    lanes: u16,
    limits: Mutex<HashMap<Identity, Option<usize>>>,
}

impl TopicKeeper {
    pub(crate) fn new(
        connection: &Connection,
        timeout: Duration,
        prefix: String,
        replication: i16,
        lanes: u16,
    ) -> Result<Self, MessagingError> {
        let topics = Topics::new(connection, timeout)?;
        Ok(Self { topics, prefix, replication: i32::from(replication), lanes, limits: Mutex::default() })
    }

    /// The topic of a context, made now if it is not there, with partitions added if it has too few.
    pub(crate) async fn ensure(&self, context: &str, lane: Lane) -> Result<Topic, MessagingError> {
        let name = self.name(context);
        let spec = TopicSpec {
            name: name.to_string(),
            partitions: i32::from(self.lanes).max(i32::from(lane.number()) + 1),
            replication: self.replication,
            config: settings(),
        };
        let found = self.topics.ensure(&spec).await?;
        let limit = self.limit(&name, found.id).await;
        Ok(Topic { name, id: found.id, limit })
    }

    /// The topic of a context, if it is there.
    pub(crate) async fn find(&self, context: &str) -> Result<Option<Topic>, MessagingError> {
        let name = self.name(context);
        let Some(found) = self.topics.describe(&name).await? else { return Ok(None) };
        let limit = self.limit(&name, found.id).await;
        Ok(Some(Topic { name, id: found.id, limit }))
    }

    /// Removes the topic of a context, if it is there.
    pub(crate) async fn remove(&self, context: &str) -> Result<(), MessagingError> {
        self.topics.delete(&self.name(context)).await
    }

    /// What the topic of a context is called.
    pub(crate) fn name(&self, context: &str) -> Arc<str> {
        wire::topic(&self.prefix, context).into()
    }

    /// Whether the topic is still the one that it was and has not lost what was acknowledged at `offset`.
    pub(crate) async fn check(&self, topic: &Topic, log: &LogId, offset: Option<i64>) -> Result<(), Stop> {
        match self.topics.describe(&topic.name).await? {
            None => return Err(Stop::TopicChanged("it is gone")),
            Some(found) if is_another(topic.id, found.id) => {
                return Err(Stop::TopicChanged("it was made anew"));
            }
            Some(_) => {}
        }
        let Some(offset) = offset else { return Ok(()) };
        let ranges = self.topics.offsets(&topic.name, vec![partition(log.lane)]).await?;
        match ranges.first() {
            Some(range) if range.end <= offset => Err(Stop::TopicChanged("it lost its end")),
            _ => Ok(()),
        }
    }

    /// Asked once for each topic that there ever is; on the way it is said if the topic would forget.
    async fn limit(&self, name: &Arc<str>, id: Option<Uuid>) -> Option<usize> {
        let key = (Arc::clone(name), id);
        if let Some(limit) = self.limits.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return *limit;
        }
        for (setting, wanted) in KEEPS_EVERYTHING {
            if let Ok(Some(found)) = self.topics.setting(name, setting).await
                && found != wanted
            {
                tracing::warn!(
                    topic = %name, setting, found, wanted,
                    "the topic forgets records: read models cannot be rebuilt from it"
                );
            }
        }
        let limit = self.topics.setting(name, "max.message.bytes").await.ok()?;
        let limit = limit.and_then(|bytes| bytes.parse().ok());
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).insert(key, limit);
        limit
    }
}

const KEEPS_EVERYTHING: [(&str, &str); 3] =
    [("retention.ms", "-1"), ("retention.bytes", "-1"), ("cleanup.policy", "delete")];

fn settings() -> Vec<(String, String)> {
    let keeps = KEEPS_EVERYTHING.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    keeps.chain([("max.message.bytes".to_owned(), MAX_MESSAGE_BYTES.to_string())]).collect()
}

/// Brokers that do not tell ids leave it to what the partitions hold.
pub(crate) fn is_another(before: Option<Uuid>, now: Option<Uuid>) -> bool {
    matches!((before, now), (Some(before), Some(now)) if before != now)
}

/// Partition number = lane.
pub(crate) fn partition(lane: Lane) -> i32 {
    i32::from(lane.number())
}
