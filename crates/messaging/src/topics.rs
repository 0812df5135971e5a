//! Topics: made, described, and removed by tests.

mod native;

use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use uuid::Uuid;

use crate::reader::offset_range;
use crate::trouble::Trouble;
use crate::{Connection, MessagingError};

/// How long it is tried to connect only to hear why that fails, and how long is listened for it then.
const TRY_TO_CONNECT: Duration = Duration::from_secs(1);
const LISTEN: Duration = Duration::from_millis(20);

/// How a topic is made.
#[derive(Debug, Clone)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions it has at least.
    pub partitions: i32,
    /// On how many brokers each record is kept.
    pub replication: i32,
    /// Settings of the topic, `retention.ms` and the like; used when it is made, never to change one.
    pub config: Vec<(String, String)>,
}

/// What Kafka says of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its identity: a topic that was deleted and made again has another. Not every broker tells it.
    pub id: Option<Uuid>,
    /// How many partitions it has.
    pub partitions: i32,
}

/// The offsets that a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRange {
    /// The first record's.
    pub start: i64,
    /// Where the next record will be.
    pub end: i64,
}

/// Looks after topics.
#[derive(Clone)]
pub struct Topics {
    admin: Arc<AdminClient<Quiet>>,
    lookup: Arc<BaseConsumer<Quiet>>,
    timeout: Duration,
    trouble: Trouble,
}

/// The client's own lines go where the other clients' go.
#[derive(Default)]
pub(crate) struct Quiet(Trouble);

impl Quiet {
    /// Tells `trouble` how connections fail.
    pub(crate) fn telling(trouble: &Trouble) -> Self {
        Self(trouble.clone())
    }
}

impl rdkafka::ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.hear(facility, message);
        crate::telemetry::client_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, _reason: &str) {
        tracing::debug!(%error, "kafka client");
    }
}

impl rdkafka::consumer::ConsumerContext for Quiet {}

impl Topics {
    /// Kafka need not be up; each call waits at most `timeout` for it.
    pub fn new(connection: &Connection, timeout: Duration) -> Result<Self, MessagingError> {
        let config = connection.client_config(&[], &[("allow.auto.create.topics", "false")]);
        let trouble = Trouble::default();
        let admin = AdminClient::from_config_and_context(&config, Quiet::telling(&trouble))?;
        let lookup = BaseConsumer::from_config_and_context(&config, Quiet::telling(&trouble))?;
        Ok(Self { admin: Arc::new(admin), lookup: Arc::new(lookup), timeout, trouble })
    }

    /// Makes the topic where there is none, and adds partitions where it has too few. Safe when several do it at
    /// once. Answers how the topic is.
    pub async fn ensure(&self, topic: &TopicSpec) -> Result<TopicDescription, MessagingError> {
        let found = self.describe(&topic.name).await?;
        match found {
            Some(found) if found.partitions >= topic.partitions => return Ok(found),
            Some(found) => self.add_partitions(topic, found.partitions).await?,
            None => self.create(topic).await?,
        }
        // What was made shows a moment later; the caller's retry covers a longer one.
        let mut wait = Duration::from_millis(5);
        loop {
            if let Some(found) = self.describe(&topic.name).await?
                && found.partitions >= topic.partitions
            {
                return Ok(found);
            }
            if wait > Duration::from_secs(1) {
                return Err(MessagingError::Unavailable(
                    "the topic was made and does not show yet".to_owned(),
                ));
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    async fn create(&self, topic: &TopicSpec) -> Result<(), MessagingError> {
        let replication = TopicReplication::Fixed(topic.replication);
        let mut new = NewTopic::new(&topic.name, topic.partitions, replication);
        for (name, value) in &topic.config {
            new = new.set(name, value);
        }
        let answers = self.admin.create_topics([&new], &self.options()).await?;
        match answers.into_iter().next() {
            None | Some(Ok(_)) => {
                tracing::info!(topic = topic.name, partitions = topic.partitions, "made a topic");
                Ok(())
            }
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
            Some(Err((_, code))) => Err(MessagingError::from_code(code)),
        }
    }

    async fn add_partitions(&self, topic: &TopicSpec, has: i32) -> Result<(), MessagingError> {
        let wanted = usize::try_from(topic.partitions).unwrap_or(0);
        let answers =
            self.admin.create_partitions([&NewPartitions::new(&topic.name, wanted)], &self.options()).await;
        let outcome = match answers {
            Ok(answers) => answers.into_iter().next().map_or(Ok(()), |answer| {
                answer.map(drop).map_err(|(_, code)| MessagingError::from_code(code))
            }),
            Err(error) => Err(error.into()),
        };
        match outcome {
            Ok(()) => {
                tracing::info!(
                    topic = topic.name,
                    from = has,
                    to = topic.partitions,
                    "added partitions to a topic"
                );
                Ok(())
            }
            Err(error) if error.is_retryable() => Err(error),
            Err(error) => Err(MessagingError::Refused(format!(
                "the topic {} has {has} partitions where {} are needed, and adding them failed: {error}",
                topic.name, topic.partitions
            ))),
        }
    }

    /// How the topic is; none where there is no such topic.
    pub async fn describe(&self, topic: &str) -> Result<Option<TopicDescription>, MessagingError> {
        let (admin, name, timeout) = (Arc::clone(&self.admin), topic.to_owned(), self.timeout);
        let described = blocking(move || native::describe(admin.inner(), &name, timeout)).await;
        self.explained(described).await
    }

    /// The offsets that each of these partitions holds, in the order asked.
    pub async fn offsets(
        &self,
        topic: &str,
        partitions: Vec<i32>,
    ) -> Result<Vec<OffsetRange>, MessagingError> {
        let (lookup, name, timeout) = (Arc::clone(&self.lookup), topic.to_owned(), self.timeout);
        let asked = blocking(move || {
            partitions.into_iter().map(|partition| offset_range(&lookup, &name, partition, timeout)).collect()
        });
        self.explained(asked.await).await
    }

    /// What the topic's setting of this name is, where the broker tells.
    pub async fn setting(&self, topic: &str, name: &str) -> Result<Option<String>, MessagingError> {
        let asked = [ResourceSpecifier::Topic(topic)];
        let answers = self.admin.describe_configs(&asked, &self.options()).await?;
        let found = answers.into_iter().flatten().next();
        Ok(found.and_then(|resource| resource.get(name).and_then(|entry| entry.value.clone())))
    }

    /// Removes the topic and everything in it; a topic that is not there is no error.
    pub async fn delete(&self, topic: &str) -> Result<(), MessagingError> {
        let answers = self.admin.delete_topics(&[topic], &self.options()).await?;
        match answers.into_iter().next() {
            None
            | Some(Ok(_))
            | Some(Err((_, RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic))) => {
                Ok(())
            }
            Some(Err((_, code))) => Err(MessagingError::from_code(code)),
        }
    }

    /// What a call gave, and where it gave nothing why: whoever waited in vain was not told. The other client, which can
    /// be listened to, tries to connect for a moment and says what became of it.
    async fn explained<T>(&self, outcome: Result<T, MessagingError>) -> Result<T, MessagingError> {
        if matches!(outcome, Err(MessagingError::Unavailable(_))) {
            let lookup = Arc::clone(&self.lookup);
            let listened = blocking(move || {
                let _ = lookup.client().fetch_cluster_id(TRY_TO_CONNECT);
                drop(lookup.poll(LISTEN));
                Ok(())
            });
            listened.await?;
        }
        self.trouble.explain(outcome)
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.timeout)).operation_timeout(Some(self.timeout))
    }
}

impl std::fmt::Debug for Topics {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Topics").finish_non_exhaustive()
    }
}

/// The client library's lookups block their thread.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MessagingError> + Send + 'static,
) -> Result<T, MessagingError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(MessagingError::Unavailable(error.to_string())),
    }
}
