//! One lane of a projection.
//!
//! ```text
//! beginning ──checkpoint read, sought there──► following ──cancelled──► ended
//!     ▲                                            │
//!     ├──────── moved or emptied (short pause) ────┤
//!     └── stopped (told once; growing pauses) ◄────┘
//! ```
//!
//! What is missing on the topic is no reason to begin again: it is taken from the log in between.
//!
//! A crash at any point, a panic of the fold included, loses nothing: where the lane is, the store says.

mod applying;
mod bulk;
mod pauses;
mod repair;
mod serving;
mod told;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use kernel::Sequence;
use messaging::{ConsumerHandle, IncomingRecord, OffsetRange, Topics};
use read_store::{Checkpoint, RowStore, StoreError};
use service_runtime::Backoff;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

use crate::apply::Applying;
use crate::check::Check;
use crate::inbox::{Inbox, Taken};
use crate::intake::{Admitted, Intake, Next, Refused};
use crate::log_source::{Heads, LogSource};
use crate::pace::Pace;
use crate::parking::{NoEvent, Tries};
use crate::projector::Building;
use crate::standing::{Meters, Part, Standing};
use crate::stop::{RecordAt, Stop};
use crate::tending::Tending;
use bulk::Plain;
use pauses::Pauses;
use repair::Watched;

/// Fewer events than this were hardly worth a write of their own.
const FEW: usize = 100;

/// A lane's task.
pub(crate) struct LaneTask<S> {
    pub(crate) view: &'static str,
    pub(crate) lane: kernel::Lane,
    pub(crate) topic: String,
    pub(crate) store: S,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) consumer: Arc<ConsumerHandle>,
    pub(crate) topics: Topics,
    pub(crate) log: LogSource,
    /// Where the logs end, asked for now and then.
    pub(crate) heads: watch::Receiver<Option<Heads>>,
    pub(crate) intake: Intake,
    pub(crate) applying: Applying<S>,
    pub(crate) standing: Arc<Standing>,
    pub(crate) park_after: u32,
    pub(crate) tries: Tries,
    pub(crate) tending: Tending,
    pub(crate) meters: Meters,
    pub(crate) pace: Arc<Pace>,
    pub(crate) building: Building,
    pub(crate) bulk: BulkPart,
    /// What has to be found right before queries may read these rows; none where they may, or where it was.
    pub(crate) check: Option<Check<S>>,
    /// Until when a few events more are waited for, after a few were written.
    pub(crate) gathers_until: Instant,
    pub(crate) token: CancellationToken,
}

/// What a lane remembers of going in bulk.
#[derive(Debug, Default)]
pub(crate) struct BulkPart {
    plain: Plain,
    /// Its turn, where lanes take turns.
    turn: Option<OwnedSemaphorePermit>,
}

/// Where a lane is.
#[derive(Debug)]
pub(crate) struct Place {
    /// As the store has it.
    pub(crate) checkpoint: Checkpoint,
    /// Whether queries read this version of the lane.
    pub(crate) serving: bool,
    /// The offset behind the last record that was read and dealt with.
    read: i64,
    /// What the partition held when the lane was begun; unknown where it was not asked for or not answered.
    target: Option<i64>,
    /// The lane has been where the partition ended since it was begun.
    reached: bool,
    watched: Watched,
}

impl Place {
    pub(crate) fn new(checkpoint: Checkpoint, serving: bool) -> Self {
        let read = checkpoint.offset;
        Self { checkpoint, serving, read, target: None, reached: false, watched: Watched::new() }
    }

    pub(crate) fn moved_to(&mut self, checkpoint: Checkpoint) {
        self.checkpoint = checkpoint;
        self.watched.moved = Instant::now();
    }
}

/// What is the matter with a record.
pub(crate) enum Halt {
    Stop(Stop),
    Record(NoEvent),
}

/// Why a lane stopped following.
pub(crate) enum End {
    Cancelled,
    Moved,
    Emptied,
    /// What was folded in memory is given up.
    Anew,
    Stop(Stop),
    /// The log is not the one that the rows were folded from. Nothing was read.
    Refused(Stop),
}

impl<S: RowStore> LaneTask<S> {
    /// Follows the lane until its token is cancelled. `begun` is where it is, where that is known and is what the
    /// consumer was told.
    pub(crate) async fn run(mut self, mut begun: Option<Place>) {
        let mut pauses = Pauses::new();
        if self.take_turn().await.is_none() {
            return;
        }
        loop {
            let place = match begun.take() {
                Some(place) => Some(place),
                None => self.begin().await,
            };
            let Some(mut place) = place else { break };
            self.meters.serving(place.serving);
            if !place.serving || S::WRITES_MANY_AT_ONCE {
                place.target = self.partition_range().await.map(|range| range.end);
            }
            let follow = self.follow(&mut place, &mut pauses);
            let end = AssertUnwindSafe(follow).catch_unwind().await;
            match end.unwrap_or(End::Stop(Stop::Panicked { after: place.checkpoint.sequence })) {
                End::Cancelled => break,
                End::Anew => self.inbox.close(),
                End::Moved | End::Emptied => {
                    self.inbox.close();
                    self.meters.overtaken.increment(1);
                    let lane = self.lane.number();
                    tracing::info!(view = self.view, lane, "the lane's checkpoint is not where it was");
                    if !self.pause_for(pauses.overtaken.next_delay()).await {
                        break;
                    }
                }
                End::Stop(stop) => {
                    pauses.refused = false;
                    if !self.stay_stopped(&stop, &mut pauses).await {
                        break;
                    }
                }
                End::Refused(stop) => {
                    pauses.refused = true;
                    if !self.stay_stopped(&stop, &mut pauses).await {
                        break;
                    }
                }
            }
        }
        self.standing.forget(self.lane);
        // Whoever has the lane now tells what is parked in it.
        self.meters.parked(0);
    }

    /// Waits for its turn, where not all lanes of a build are fed at once. None when the lane is to end.
    async fn take_turn(&mut self) -> Option<()> {
        if let Some(turns) = self.pace.turns() {
            let turn = self.token.run_until_cancelled(turns.acquire_owned()).await?;
            // Only its own end would close it.
            self.bulk.turn = turn.ok();
        }
        Some(())
    }

    /// Waits for the store, reads where the lane is and has the consumer read on from there.
    async fn begin(&mut self) -> Option<Place> {
        self.inbox.close();
        // Whatever the store lost, which tenants live here and what is parked may be among it.
        self.applying.forget();
        let mut backoff = Backoff::default();
        loop {
            if self.token.is_cancelled() {
                return None;
            }
            let error = match self.store.begin(self.lane).await {
                Ok((checkpoint, serving)) => {
                    self.standing.fine(Part::Store(self.lane));
                    self.inbox.open_at(checkpoint.offset);
                    self.consumer.seek(self.partition(), checkpoint.offset);
                    self.consumer.resume(self.partition());
                    return Some(Place::new(checkpoint, serving));
                }
                Err(StoreError::Emptied(why)) => match self.store.prepare().await {
                    Ok(()) => StoreError::Emptied(why),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if !self.wait_for_store(&error, &mut backoff).await {
                return None;
            }
        }
    }

    /// What the partition holds now; none where Kafka does not say.
    async fn partition_range(&self) -> Option<OffsetRange> {
        let ranges = self.topics.offsets(&self.topic, vec![self.partition()]).await.ok()?;
        ranges.into_iter().next()
    }

    async fn follow(&mut self, place: &mut Place, pauses: &mut Pauses) -> End {
        self.meters.reading(place.read, 0);
        match self.compare_at_begin(place).await {
            Ok(true) if pauses.refused => self.went_on(pauses),
            Ok(_) => {}
            Err(end) => return end,
        }
        // What is heard of the log meanwhile says nothing of the store: it does not put the look at that off.
        let mut quiet_since = tokio::time::Instant::now();
        loop {
            if self.goes_in_bulk(place)
                && let Err(end) = self.follow_in_bulk(place, pauses).await
            {
                return end;
            }
            // A lane with nothing to build has had its turn.
            self.bulk.turn = None;
            if let Err(end) = self.tend(place).await {
                return end;
            }
            let look_at = quiet_since + self.look_after();
            let taken = tokio::select! {
                biased;
                () = self.token.cancelled() => return End::Cancelled,
                taken = self.inbox.take_from(self.gathers_until) => taken,
                // Only its own end would end the watch.
                Ok(()) = self.heads.changed() => {
                    match self.look_at_log(place, pauses).await {
                        Ok(()) => continue,
                        Err(end) => return end,
                    }
                }
                () = tokio::time::sleep_until(look_at) => {
                    quiet_since = tokio::time::Instant::now();
                    match self.look(place).await {
                        Ok(()) => continue,
                        Err(end) => return end,
                    }
                }
            };
            if let Err(end) = self.deal_with(taken, place, pauses).await {
                return end;
            }
            quiet_since = tokio::time::Instant::now();
        }
    }

    async fn deal_with(&mut self, taken: Taken, place: &mut Place, pauses: &mut Pauses) -> Result<(), End> {
        if taken.resume {
            self.consumer.resume(self.partition());
        }
        if let Some(first) = taken.records.first() {
            self.meters.reading(first.offset, first.timestamp_ms.max(1));
        }
        let mut rest = taken.records.as_slice();
        loop {
            let (events, halt) = self.admit(&mut rest, &place.checkpoint).await?;
            self.apply(place, &events).await?;
            if self.token.run_until_cancelled(self.pace.after(events.len())).await.is_none() {
                return Err(End::Cancelled);
            }
            if !events.is_empty() {
                self.went_on(pauses);
                if events.len() < FEW {
                    self.gathers_until = Instant::now() + S::GATHER;
                }
            }
            match halt {
                None => break,
                Some(Halt::Stop(hole @ Stop::Hole { found, .. })) => {
                    let through = Sequence::new(found.number() - 1);
                    self.repair(place, &hole, through, pauses).await?;
                }
                Some(Halt::Stop(stop)) => return Err(End::Stop(stop)),
                Some(Halt::Record(what)) => {
                    let Some((record, behind)) = rest.split_first() else { break };
                    if self.pass_over(place, record, RecordAt::Offset(record.offset), what).await? {
                        rest = behind;
                        self.went_on(pauses);
                    }
                }
            }
        }
        let read = taken.records.last().map(|last| last.offset + 1);
        // The end is further than the last record where the partition has forgotten what was asked for.
        if let Some(read) = read.max(taken.end.filter(|end| *end > place.read)) {
            place.read = read;
            self.meters.reading(place.read, 0);
            self.consumer.applied(self.partition(), place.read);
        }
        place.reached |= taken.end.is_some() || place.target.is_some_and(|target| place.read >= target);
        if place.reached && !place.serving {
            self.say_caught_up(place).await?;
        }
        Ok(())
    }

    /// The events among the records that come next, and what is the matter with the record behind them; from there on, `rest`
    /// is left.
    async fn admit(
        &mut self,
        rest: &mut &[IncomingRecord],
        last: &Checkpoint,
    ) -> Result<(Vec<Next>, Option<Halt>), End> {
        let mut events = Vec::with_capacity(rest.len());
        let mut last = *last;
        let mut repeats = 0;
        let mut backoff = Backoff::default();
        while let Some((record, behind)) = rest.split_first() {
            match self.intake.admit(record, &last).await {
                Ok(Admitted::Repeat) => repeats += 1,
                Ok(Admitted::Next(next)) => {
                    last = next.after;
                    events.push(*next);
                }
                Err(Refused::Stop(stop)) => return Ok((events, Some(Halt::Stop(stop)))),
                Err(Refused::Unreadable(record)) => {
                    return Ok((events, Some(Halt::Record(NoEvent::Unreadable(record)))));
                }
                Err(Refused::Foreign(why)) => {
                    return Ok((events, Some(Halt::Record(NoEvent::Foreign(why)))));
                }
                Err(Refused::RegistryAway(why)) => {
                    self.meters.retries.increment(1);
                    self.standing.trouble(Part::Registry(self.lane), why);
                    if !self.pause_for(backoff.next_delay()).await {
                        return Err(End::Cancelled);
                    }
                    continue;
                }
            }
            *rest = behind;
        }
        self.standing.fine(Part::Registry(self.lane));
        self.meters.repeats.increment(repeats);
        Ok((events, None))
    }

    /// False when the lane is to end.
    pub(crate) async fn wait_for_store(&self, error: &StoreError, backoff: &mut Backoff) -> bool {
        self.meters.retries.increment(1);
        self.standing.trouble(Part::Store(self.lane), error.to_string());
        self.pause_for(backoff.next_delay()).await
    }

    pub(crate) async fn pause_for(&self, pause: Duration) -> bool {
        self.token.run_until_cancelled(tokio::time::sleep(pause)).await.is_some()
    }

    fn partition(&self) -> i32 {
        i32::from(self.lane.number())
    }
}
