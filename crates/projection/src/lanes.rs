//! The lanes that the group has given this projector.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use kernel::{Lane, LogId};
use messaging::{ConsumerHandle, IncomingRecord, MessagingError, Position, Topics};
use read_store::RowStore;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::apply::Applying;
use crate::check::Check;
use crate::inbox::Inbox;
use crate::intake::Intake;
use crate::lane::{BulkPart, LaneTask, Place};
use crate::log_source::{Heads, LogSource};
use crate::parking::Tries;
use crate::projector::Projector;
use crate::standing::{Meters, Part, Standing};
use crate::tending::Tending;

/// How long the store may take to say where lanes are before they begin without being told.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a lane may take to finish its batch when it is to end. Less than the group waits for a member.
const FINISH_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a full lane may hold up the others. Less than the consumer waits before it pauses all of them.
const ROOM_TIMEOUT: Duration = Duration::from_millis(200);
/// How often Kafka is asked what each partition holds.
const WATCH_EVERY: Duration = Duration::from_secs(5);
/// How often the log is asked where it ends.
const ASK_LOG_EVERY: Duration = Duration::from_secs(2);

/// Lanes by partition.
pub(crate) struct Lanes<'a, S> {
    projector: &'a Projector<S>,
    topic: String,
    consumer: Arc<ConsumerHandle>,
    running: HashMap<i32, Running>,
    heads: watch::Receiver<Option<Heads>>,
    watch: JoinHandle<()>,
}

struct Running {
    inbox: Arc<Inbox>,
    token: CancellationToken,
    task: JoinHandle<()>,
}

impl<'a, S: RowStore> Lanes<'a, S> {
    pub(crate) fn new(projector: &'a Projector<S>, consumer: Arc<ConsumerHandle>) -> Self {
        let topic = projector.topic();
        let watch = Watch {
            topics: projector.source.topics.clone(),
            topic: topic.clone(),
            standing: Arc::clone(&projector.standing),
        };
        let (ends, heads) = watch::channel(None);
        let log = projector.source.log.clone();
        let watch = tokio::spawn(async { tokio::join!(watch.run(), watch_logs(log, ends)).0 });
        Self { projector, topic, consumer, running: HashMap::new(), heads, watch }
    }

    /// Begins these lanes; answers where each is read on. A store that does not answer in time is waited for by the
    /// lanes themselves, whose partitions are paused until then.
    pub(crate) async fn assign(&mut self, partitions: &[i32]) -> Vec<(i32, Position)> {
        let lanes: Vec<(i32, Lane)> = partitions
            .iter()
            .filter_map(|partition| u16::try_from(*partition).ok().map(|lane| (*partition, Lane::new(lane))))
            .collect();
        self.revoke(partitions).await;
        let store = &self.projector.store;
        let places = join_all(lanes.iter().map(|(_, lane)| async {
            let begun = tokio::time::timeout(BEGIN_TIMEOUT, store.begin(*lane)).await;
            begun.ok()?.ok().map(|(checkpoint, serving)| Place::new(checkpoint, serving))
        }))
        .await;
        let mut positions = Vec::with_capacity(lanes.len());
        for ((partition, lane), place) in lanes.into_iter().zip(places) {
            positions.push((partition, position(place.as_ref())));
            self.start(partition, lane, place);
        }
        positions
    }

    /// Ends these lanes, each after the batch that it has in work.
    pub(crate) async fn revoke(&mut self, partitions: &[i32]) {
        let ending: Vec<Running> =
            partitions.iter().filter_map(|partition| self.running.remove(partition)).collect();
        for lane in partitions.iter().filter_map(|partition| u16::try_from(*partition).ok()) {
            self.projector.standing.end(Lane::new(lane));
        }
        join_all(ending.into_iter().map(Running::end)).await;
    }

    /// Hands records to their lane. A full lane holds the others up for a moment, in which the consumer's own
    /// bounds hold Kafka back; a lane that is slower than that is paused.
    pub(crate) async fn records(&self, partition: i32, records: Vec<IncomingRecord>) {
        let Some(lane) = self.running.get(&partition) else { return };
        if lane.inbox.put(records)
            && tokio::time::timeout(ROOM_TIMEOUT, lane.inbox.room()).await.is_err()
            && lane.inbox.pause()
        {
            self.consumer.pause(partition);
        }
    }

    pub(crate) fn end(&self, partition: i32, offset: i64) {
        if let Some(lane) = self.running.get(&partition) {
            lane.inbox.put_end(offset);
        }
    }

    pub(crate) async fn stop(mut self) {
        let all: Vec<i32> = self.running.keys().copied().collect();
        self.revoke(&all).await;
        self.watch.abort();
    }

    fn start(&mut self, partition: i32, lane: Lane, place: Option<Place>) {
        let Projector { source, store, any_view, standing, view, telling, pace, is_checked } = self.projector;
        // One that waits for its turn begins when it has it.
        let place = place.filter(|_| pace.turns().is_none());
        let inbox = Arc::new(Inbox::new(source.limits));
        if place.is_none() {
            inbox.close();
            self.consumer.pause(partition);
        }
        let meters = Meters::new(*view, S::NAME, lane);
        standing.begin(lane, meters.progress());
        let token = CancellationToken::new();
        let log = LogId::new(view.context, lane);
        let task = LaneTask {
            view: view.view,
            lane,
            topic: self.topic.clone(),
            store: store.clone(),
            inbox: Arc::clone(&inbox),
            consumer: Arc::clone(&self.consumer),
            topics: source.topics.clone(),
            log: source.log.clone(),
            heads: self.heads.clone(),
            intake: Intake::new(log.clone(), any_view.clone(), source.registry.clone()),
            applying: Applying::new(any_view.clone(), store.clone(), lane),
            standing: Arc::clone(standing),
            park_after: source.park_after,
            tries: Tries::default(),
            gathers_until: Instant::now(),
            tending: Tending::new(source.log.clone(), log, any_view.clone(), Arc::clone(telling)),
            meters,
            pace: Arc::clone(pace),
            building: source.building.clone(),
            bulk: BulkPart::default(),
            check: is_checked.then(|| Check {
                source: source.clone(),
                store: store.clone(),
                topic: self.topic.clone(),
                log: LogId::new(view.context, lane),
                view: any_view.clone(),
                alongside: Check::<S>::alongside(any_view),
                running: None,
            }),
            token: token.clone(),
        };
        let task = tokio::spawn(task.run(place));
        self.running.insert(partition, Running { inbox, token, task });
    }
}

impl<S> Drop for Lanes<'_, S> {
    fn drop(&mut self) {
        self.watch.abort();
        // Not stopped but dropped: whoever dropped it wants nothing to go on behind their back.
        for lane in self.running.values() {
            lane.task.abort();
        }
    }
}

impl Running {
    /// Cut off, it loses nothing: what was not written is read again by whoever has the lane next.
    async fn end(mut self) {
        self.token.cancel();
        if tokio::time::timeout(FINISH_TIMEOUT, &mut self.task).await.is_err() {
            self.task.abort();
            let _ = self.task.await;
        }
    }
}

/// A lane whose place is not known yet is paused and sought to its place later.
fn position(place: Option<&Place>) -> Position {
    match place {
        Some(place) if place.checkpoint.offset > 0 => Position::Offset(place.checkpoint.offset),
        Some(_) | None => Position::Beginning,
    }
}

/// Asks where the logs end. A log's service that is away is not a projection's trouble: it is needed when something is
/// missing, and then its absence shows.
async fn watch_logs(log: LogSource, ends: watch::Sender<Option<Heads>>) {
    let mut tick = tokio::time::interval(ASK_LOG_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        // The other projections of the process ask too: an answer from within the interval does for all.
        let since = tick.tick().await.into_std().checked_sub(ASK_LOG_EVERY / 2);
        match log.heads_since(since.unwrap_or_else(Instant::now)).await {
            Ok(heads) => drop(ends.send_replace(Some(heads))),
            Err(error) => tracing::debug!(%error, "the log was not asked where it ends"),
        }
    }
}

/// Tells how far behind the lanes are, and whether Kafka is there: while nothing is published, nothing else would
/// say that it has come back.
struct Watch {
    topics: Topics,
    topic: String,
    standing: Arc<Standing>,
}

impl Watch {
    async fn run(self) {
        let mut tick = tokio::time::interval(WATCH_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match self.look().await {
                Ok(()) => self.standing.fine(Part::Kafka),
                Err(error) => self.standing.trouble(Part::Kafka, error.to_string()),
            }
        }
    }

    async fn look(&self) -> Result<(), MessagingError> {
        let lanes = self.standing.lanes();
        if lanes.is_empty() {
            self.topics.describe(&self.topic).await?;
            return Ok(());
        }
        let partitions = lanes.keys().map(|lane| i32::from(lane.number())).collect();
        let ranges = self.topics.offsets(&self.topic, partitions).await?;
        for (progress, range) in lanes.values().zip(ranges) {
            progress.lag(range.end);
        }
        Ok(())
    }
}
