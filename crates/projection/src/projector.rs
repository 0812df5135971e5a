//! A projection: one view at one version in one store, kept for as long as it runs.

use std::sync::Arc;
use std::time::Duration;

use messaging::{Connection, Consumer, ConsumerEvent, ConsumerOptions, MessagingError, Topics};
use read_store::{RowStore, ViewVersion};
use service_runtime::{Backoff, Health};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wire::RegistryClient;

use crate::lanes::Lanes;
use crate::log_source::LogSource;
use crate::pace::Pace;
use crate::projections::OnChangedView;
use crate::room::Room;
use crate::standing::{Part, Standing};
use crate::telling::Telling;
use crate::view::AnyView;

/// Where events come from. Shared by the projections of a process.
#[derive(Debug, Clone)]
pub struct Source {
    /// Kafka.
    pub connection: Connection,
    /// To look at topics; its timeout bounds how long a look takes while Kafka is away.
    pub topics: Topics,
    /// What explains schemas that this program does not have.
    pub registry: RegistryClient,
    /// What has the events that a topic lost.
    pub log: LogSource,
    /// What topics begin with.
    pub prefix: String,
    /// What consumer groups begin with. The same as the topics, but where another system's topics are read: two
    /// systems that shared a group would each keep some lanes only.
    pub groups: String,
    /// How much is held in memory.
    pub limits: Limits,
    /// How rows are built that are not read yet.
    pub building: Building,
    /// How often a record is tried, with growing pauses, before what it touches is parked. Its lane waits meanwhile.
    pub park_after: u32,
    /// Copies of each partition of topics of dead letters, which are made when there is something to put there.
    pub replication: i16,
}

/// How much a projection holds in memory. Sizes are of keys, values and headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Records of a lane that may wait before its partition is paused. More absorb longer pauses of the store
    /// without fetching again; each lane of each projection may hold this many.
    pub waiting_records: usize,
    /// Bytes of a lane that may wait before its partition is paused.
    pub waiting_bytes: usize,
    /// Most records of one batch. More cost fewer writes when there is a backlog, and a longer wait for the first
    /// of them.
    pub batch_records: usize,
    /// Most bytes of one batch, give or take a record.
    pub batch_bytes: usize,
}

/// How rows are built that are not read yet.
#[derive(Debug, Clone)]
pub struct Building {
    /// The memory that all lanes share which are built.
    pub room: Room,
    /// How often what was folded is written at the latest: as much is lost when the process is killed.
    pub written_every: Duration,
    /// What is done about a fold that changed while its version did not.
    pub on_changed_view: OnChangedView,
}

impl Default for Limits {
    fn default() -> Self {
        Self { waiting_records: 2000, waiting_bytes: 2 << 20, batch_records: 1000, batch_bytes: 1 << 20 }
    }
}

/// Keeps the rows of one build of a view.
pub struct Projector<S> {
    pub(crate) source: Source,
    pub(crate) store: S,
    pub(crate) view: ViewVersion,
    pub(crate) any_view: AnyView,
    pub(crate) standing: Arc<Standing>,
    pub(crate) telling: Arc<Telling>,
    pub(crate) pace: Arc<Pace>,
    /// Whether rows are held against an independent fold before they may be read.
    pub(crate) is_checked: bool,
}

impl<S: RowStore> Projector<S> {
    /// A projector of a view of `context`, into `store`. It shows in `health` under the view's name.
    pub fn new(any_view: AnyView, source: Source, store: S, context: &'static str, health: &Health) -> Self {
        let standing = Arc::new(Standing::new(health.dependency(any_view.name())));
        let view = ViewVersion { context, ..store.view() };
        let telling = Arc::new(Telling::new(&source, view, S::NAME));
        Self { source, store, view, any_view, standing, telling, pace: Arc::default(), is_checked: false }
    }

    /// Runs until the token is cancelled, through whatever is away for a while: Kafka, the store, the registry.
    /// Returns when every lane has finished its batch and the group was left.
    pub async fn run(self, token: CancellationToken) {
        if token.run_until_cancelled(self.make_ready()).await.is_none() {
            return;
        }
        let mut backoff = Backoff::default();
        while !token.is_cancelled() {
            match self.consume(&token).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(view = self.view.view, %error, "consuming is begun anew");
                    self.standing.trouble(Part::Kafka, error.to_string());
                }
            }
            token.run_until_cancelled(tokio::time::sleep(backoff.next_delay())).await;
        }
    }

    pub(crate) fn topic(&self) -> String {
        wire::topic(&self.source.prefix, self.view.context)
    }

    fn group(&self) -> String {
        let ViewVersion { view, version, .. } = self.view;
        format!("{}.projector-{}.{view}.v{version}", self.source.groups, S::NAME)
    }

    /// Waits for the store and for the topic, which the relay makes.
    async fn make_ready(&self) {
        let mut mention = Mention::default();
        let mut backoff = Backoff::default();
        while let Err(error) = self.store.prepare().await {
            mention.of(self.view.view, &error.to_string());
            self.standing.trouble(Part::Start, error.to_string());
            tokio::time::sleep(backoff.next_delay()).await;
        }
        let topic = self.topic();
        let mut backoff = Backoff::between(Duration::from_millis(50), Duration::from_secs(1));
        loop {
            let why = match self.source.topics.describe(&topic).await {
                Ok(Some(_)) => break,
                Ok(None) => format!("the topic {topic} does not exist yet: the relay makes it"),
                Err(error) => error.to_string(),
            };
            mention.of(self.view.view, &why);
            self.standing.trouble(Part::Start, why);
            tokio::time::sleep(backoff.next_delay()).await;
        }
        self.standing.fine(Part::Start);
    }

    /// One life of a consumer: until the token is cancelled, or the consumer cannot go on.
    async fn consume(&self, token: &CancellationToken) -> Result<(), MessagingError> {
        let options = ConsumerOptions::new(self.group(), self.topic());
        let (handle, mut events) = Consumer::start(&self.source.connection, options)?;
        let handle = Arc::new(handle);
        let mut lanes = Lanes::new(self, Arc::clone(&handle));
        let outcome = token.run_until_cancelled(self.pass_on(&mut events, &mut lanes)).await;
        lanes.stop().await;
        // Nothing reads the channel any more; the consumer must not wait for it.
        drop(events);
        if let Some(handle) = Arc::into_inner(handle) {
            handle.stop().await;
        }
        outcome.map_or(Ok(()), Err)
    }

    /// Hands each event of the consumer to its lane, until the consumer fails for good.
    async fn pass_on(
        &self,
        events: &mut mpsc::Receiver<ConsumerEvent>,
        lanes: &mut Lanes<'_, S>,
    ) -> MessagingError {
        while let Some(event) = events.recv().await {
            if !matches!(event, ConsumerEvent::Failed(_)) {
                self.standing.fine(Part::Kafka);
            }
            match event {
                ConsumerEvent::Assigned { partitions, positions } => {
                    tracing::debug!(view = self.view.view, ?partitions, "lanes were assigned");
                    // Nobody to answer: the consumer has ended, which the next event says.
                    let _ = positions.send(lanes.assign(&partitions).await);
                }
                ConsumerEvent::Revoked { partitions, done } => {
                    tracing::debug!(view = self.view.view, ?partitions, "lanes were revoked");
                    lanes.revoke(&partitions).await;
                    let _ = done.send(());
                }
                ConsumerEvent::Records { partition, records } => lanes.records(partition, records).await,
                ConsumerEvent::EndOfPartition { partition, offset } => lanes.end(partition, offset),
                ConsumerEvent::Failed(error) => {
                    if !error.is_retryable() || matches!(error, MessagingError::Fatal(_)) {
                        return error;
                    }
                    self.standing.trouble(Part::Kafka, error.to_string());
                }
            }
        }
        MessagingError::Fatal("the consumer ended".to_owned())
    }
}

/// Says what is waited for: when it changes, not each time.
#[derive(Default)]
struct Mention(String);

impl Mention {
    fn of(&mut self, view: &'static str, why: &str) {
        if self.0 != why {
            tracing::warn!(view, why, "a projection waits");
            why.clone_into(&mut self.0);
        }
    }
}
