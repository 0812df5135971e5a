//! One lane of a projection.
//!
//! ```text
//! beginning ──checkpoint read, sought there──► following ──cancelled──► ended
//!     ▲                                            │
//!     ├──────── moved or emptied (short pause) ────┤
//!     └── stopped (told once; growing pauses) ◄────┘
//! ```
//!
//! A crash at any point, a panic of the fold included, loses nothing: where the lane is, the store says.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use kernel::{Sequence, View};
use messaging::{ConsumerHandle, IncomingRecord, Topics};
use read_store::{Checkpoint, RowStore, StoreError};
use service_runtime::Backoff;
use tokio_util::sync::CancellationToken;

use crate::apply::{Applying, Interrupted};
use crate::inbox::{Inbox, Taken};
use crate::intake::{Admitted, Intake, Next, Refused};
use crate::standing::{Meters, Part, Standing};
use crate::stop::Stop;

/// How often a lane that is stopped is tried again, at first and at last.
const STOPPED_PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// How long a lane that was overtaken lets the other writer go on, at first and at last.
const OVERTAKEN_PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// A lane's task.
pub(crate) struct LaneTask<V: View, S> {
    pub(crate) view: &'static str,
    pub(crate) lane: kernel::Lane,
    pub(crate) topic: String,
    pub(crate) store: S,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) consumer: Arc<ConsumerHandle>,
    pub(crate) topics: Topics,
    pub(crate) intake: Intake<V::Event>,
    pub(crate) applying: Applying<S>,
    pub(crate) standing: Arc<Standing>,
    pub(crate) meters: Meters,
    pub(crate) token: CancellationToken,
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
    /// A hole that is being looked for behind what follows it: until `target`, records after it are passed over.
    hole: Option<Stop>,
    searching: bool,
    /// The lane has been where the partition ended since it was begun.
    reached: bool,
}

impl Place {
    pub(crate) fn new(checkpoint: Checkpoint, serving: bool) -> Self {
        let read = checkpoint.offset;
        Self { checkpoint, serving, read, target: None, hole: None, searching: false, reached: false }
    }
}

/// Why a lane stopped following.
enum End {
    Cancelled,
    Moved,
    Emptied,
    Stop(Stop),
}

/// From where a lane reads on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Checkpoint,
    Beginning,
}

impl<V: View, S: RowStore> LaneTask<V, S> {
    /// Follows the lane until its token is cancelled. `begun` is where it is, where that is known and is what the
    /// consumer was told.
    pub(crate) async fn run(mut self, mut begun: Option<Place>) {
        let mut pauses = Pauses::new();
        let mut from = From::Checkpoint;
        loop {
            let place = match begun.take() {
                Some(place) => Some(place),
                None => self.begin(from).await,
            };
            let Some(mut place) = place else { break };
            place.searching = pauses.searching();
            if !place.serving || place.searching {
                place.target = self.end_of_partition().await;
            }
            from = From::Checkpoint;
            let follow = self.follow(&mut place, &mut pauses);
            let end = AssertUnwindSafe(follow).catch_unwind().await;
            match end.unwrap_or(End::Stop(Stop::Panicked { after: place.checkpoint.sequence })) {
                End::Cancelled => break,
                End::Moved | End::Emptied => {
                    self.inbox.close();
                    self.meters.overtaken.increment(1);
                    let lane = self.lane.number();
                    tracing::info!(view = self.view, lane, "the lane's checkpoint is not where it was");
                    if !self.pause_for(pauses.overtaken.next_delay()).await {
                        break;
                    }
                }
                End::Stop(Stop::Hole { expected, .. }) if pauses.may_reread(expected, &mut from) => {
                    self.inbox.close();
                }
                End::Stop(stop) => {
                    self.stopped(&stop, &mut pauses);
                    if !self.pause_for(pauses.stopped.next_delay()).await {
                        break;
                    }
                }
            }
        }
        self.standing.forget(self.lane);
    }

    /// Tells what stopped the lane: the first time as an error, afterwards in readiness and metrics only.
    fn stopped(&self, stop: &Stop, pauses: &mut Pauses) {
        self.inbox.close();
        self.consumer.pause(self.partition());
        self.meters.stopped(stop);
        self.meters.retries.increment(1);
        self.standing.trouble(Part::Lane(self.lane), stop.to_string());
        if pauses.told.as_ref() != Some(stop) {
            tracing::error!(view = self.view, lane = self.lane.number(), why = %stop, "a lane is stopped");
            pauses.told = Some(stop.clone());
        }
    }

    /// Waits for the store, reads where the lane is and has the consumer read on from there.
    async fn begin(&mut self, from: From) -> Option<Place> {
        self.inbox.close();
        // Whatever the store lost, which tenants live here may be among it.
        self.applying.forget_tenants();
        let mut backoff = Backoff::default();
        loop {
            if self.token.is_cancelled() {
                return None;
            }
            let error = match self.store.begin(self.lane).await {
                Ok((checkpoint, serving)) => {
                    self.standing.fine(Part::Store(self.lane));
                    let offset = if from == From::Beginning { 0 } else { checkpoint.offset };
                    self.inbox.open_at(offset);
                    self.consumer.seek(self.partition(), offset);
                    self.consumer.resume(self.partition());
                    return Some(Place { read: offset, ..Place::new(checkpoint, serving) });
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
    async fn end_of_partition(&self) -> Option<i64> {
        let range = self.topics.offsets(&self.topic, vec![self.partition()]).await.ok()?;
        range.first().map(|range| range.end)
    }

    async fn follow(&mut self, place: &mut Place, pauses: &mut Pauses) -> End {
        self.meters.reading(place.read, 0);
        loop {
            let taken = tokio::select! {
                biased;
                () = self.token.cancelled() => return End::Cancelled,
                taken = self.inbox.take() => taken,
                () = tokio::time::sleep(S::LOOK_EVERY) => {
                    match self.look(place).await {
                        Ok(()) => continue,
                        Err(end) => return end,
                    }
                }
            };
            if let Err(end) = self.deal_with(taken, place, pauses).await {
                return end;
            }
        }
    }

    async fn deal_with(&mut self, taken: Taken, place: &mut Place, pauses: &mut Pauses) -> Result<(), End> {
        if taken.resume {
            self.consumer.resume(self.partition());
        }
        if let Some(first) = taken.records.first() {
            self.meters.reading(first.offset, first.timestamp_ms.max(1));
        }
        let (events, stop) = self.admit(&taken.records, place).await?;
        self.apply(place, &events, pauses).await?;
        if let Some(stop) = stop {
            return Err(End::Stop(stop));
        }
        if let Some(last) = taken.records.last() {
            place.read = last.offset + 1;
            self.meters.reading(place.read, 0);
            self.consumer.applied(self.partition(), place.read);
        }
        place.reached |= taken.end.is_some() || place.target.is_some_and(|target| place.read >= target);
        if let Some(hole) = place.hole.take_if(|_| place.reached) {
            return Err(End::Stop(hole));
        }
        if place.reached && !place.serving {
            self.say_caught_up(place).await?;
        }
        Ok(())
    }

    /// The events among the records that come next, and what stops the lane behind them.
    async fn admit(
        &mut self,
        records: &[IncomingRecord],
        place: &mut Place,
    ) -> Result<(Vec<Next<V::Event>>, Option<Stop>), End> {
        let mut events = Vec::with_capacity(records.len());
        let mut last = place.checkpoint;
        let mut repeats = 0;
        let mut backoff = Backoff::default();
        for record in records {
            loop {
                match self.intake.admit(record, &last).await {
                    Ok(Admitted::Repeat) => repeats += 1,
                    Ok(Admitted::Next(next)) => {
                        last = next.after;
                        place.hole = None;
                        events.push(*next);
                    }
                    Err(Refused::Stop(hole @ Stop::Hole { .. })) if place.searching => {
                        place.hole.get_or_insert(hole);
                    }
                    Err(Refused::Stop(stop)) => return Ok((events, Some(stop))),
                    Err(Refused::RegistryAway(why)) => {
                        self.meters.retries.increment(1);
                        self.standing.trouble(Part::Registry(self.lane), why);
                        if !self.pause_for(backoff.next_delay()).await {
                            return Err(End::Cancelled);
                        }
                        continue;
                    }
                }
                break;
            }
        }
        self.standing.fine(Part::Registry(self.lane));
        self.meters.repeats.increment(repeats);
        Ok((events, None))
    }

    /// Applies the events, waiting for the store as long as it takes.
    async fn apply(
        &mut self,
        place: &mut Place,
        events: &[Next<V::Event>],
        pauses: &mut Pauses,
    ) -> Result<(), End> {
        let mut rest = events;
        let mut backoff = Backoff::default();
        while let Some(last) = rest.last() {
            let started = Instant::now();
            let outcome = self.applying.apply::<V>(place.checkpoint, rest).await;
            let applied = outcome.as_ref().map_or_else(|interrupted| interrupted.applied, |()| rest.len());
            if applied > 0 {
                let written = &rest[applied - 1];
                place.checkpoint = written.after;
                self.meters.written(applied, started.elapsed(), written.event.recorded_at);
                self.went_on(pauses);
            }
            rest = &rest[applied..];
            let Err(Interrupted { why, .. }) = outcome else {
                debug_assert_eq!(place.checkpoint, last.after, "everything was applied");
                return Ok(());
            };
            rest = self.recover(place, rest, why, &mut backoff).await?;
        }
        Ok(())
    }

    /// After a write that failed, or whose answer was lost: what is still to be applied, once the store answers.
    async fn recover<'a>(
        &mut self,
        place: &mut Place,
        rest: &'a [Next<V::Event>],
        why: StoreError,
        backoff: &mut Backoff,
    ) -> Result<&'a [Next<V::Event>], End> {
        if why.is_retryable() && !self.wait_for_store(&why, backoff).await {
            return Err(End::Cancelled);
        }
        let found = loop {
            match self.store.checkpoint(self.lane).await {
                Ok(Some(found)) => break found,
                Ok(None) | Err(StoreError::Emptied(_)) => return Err(End::Emptied),
                Err(error) if !self.wait_for_store(&error, backoff).await => return Err(End::Cancelled),
                Err(_) => {}
            }
        };
        self.standing.fine(Part::Store(self.lane));
        if found != place.checkpoint {
            // It was written after all, or somebody else wrote the same: the rows are the same fold.
            let written = rest.iter().position(|next| next.after == found).ok_or(End::Moved)?;
            place.checkpoint = found;
            return Ok(&rest[written + 1..]);
        }
        match why {
            StoreError::Unavailable(_) | StoreError::Misconfigured(_) => Ok(rest),
            StoreError::Moved => Err(End::Moved),
            StoreError::Emptied(_) => Err(End::Emptied),
            StoreError::Refused(_) | StoreError::Corrupt(_) | StoreError::Unfoldable(_) => {
                let offset = rest.first().map_or(place.checkpoint.offset, |next| next.after.offset - 1);
                Err(End::Stop(Stop::Inapplicable { offset, why: why.to_string() }))
            }
        }
    }

    fn went_on(&self, pauses: &mut Pauses) {
        self.standing.fine(Part::Store(self.lane));
        if pauses.went_on() {
            self.meters.going_on();
            self.standing.fine(Part::Lane(self.lane));
            tracing::info!(view = self.view, lane = self.lane.number(), "a lane that was stopped goes on");
        }
    }

    /// While nothing comes: is the checkpoint still there, and does anything keep the lane from serving?
    async fn look(&self, place: &mut Place) -> Result<(), End> {
        match self.store.begin(self.lane).await {
            Ok((found, _)) if found != place.checkpoint => Err(End::Moved),
            Ok((_, serving)) => {
                self.standing.fine(Part::Store(self.lane));
                place.serving = serving;
                if place.reached && !serving { self.say_caught_up(place).await } else { Ok(()) }
            }
            Err(StoreError::Emptied(_)) => Err(End::Emptied),
            Err(error) => {
                self.standing.trouble(Part::Store(self.lane), error.to_string());
                Ok(())
            }
        }
    }

    async fn say_caught_up(&self, place: &mut Place) -> Result<(), End> {
        match self.store.caught_up(self.lane, &place.checkpoint).await {
            Ok(serving) => {
                place.serving = serving;
                if serving {
                    let (view, lane) = (self.view, self.lane.number());
                    tracing::debug!(view, lane, sequence = %place.checkpoint.sequence, "a lane serves");
                }
                Ok(())
            }
            Err(StoreError::Moved) => Err(End::Moved),
            Err(StoreError::Emptied(_)) => Err(End::Emptied),
            // Said again with the next look.
            Err(_) => Ok(()),
        }
    }

    /// False when the lane is to end.
    async fn wait_for_store(&self, error: &StoreError, backoff: &mut Backoff) -> bool {
        self.meters.retries.increment(1);
        self.standing.trouble(Part::Store(self.lane), error.to_string());
        self.pause_for(backoff.next_delay()).await
    }

    async fn pause_for(&self, pause: Duration) -> bool {
        self.token.run_until_cancelled(tokio::time::sleep(pause)).await.is_some()
    }

    fn partition(&self) -> i32 {
        i32::from(self.lane.number())
    }
}

/// How long to wait before what is tried again, and what was told.
struct Pauses {
    stopped: Backoff,
    overtaken: Backoff,
    told: Option<Stop>,
    /// The hole that was read again, and how often.
    hole: Option<(Sequence, u32)>,
}

impl Pauses {
    fn new() -> Self {
        Self {
            stopped: Backoff::between(STOPPED_PAUSE.0, STOPPED_PAUSE.1),
            overtaken: Backoff::between(OVERTAKEN_PAUSE.0, OVERTAKEN_PAUSE.1),
            told: None,
            hole: None,
        }
    }

    /// The lane went on; says whether it had been stopped.
    fn went_on(&mut self) -> bool {
        let stopped = self.told.is_some();
        if stopped || self.hole.is_some() {
            *self = Self::new();
        }
        stopped
    }

    /// Whether what is missing is looked for behind what follows it: it was published again.
    fn searching(&self) -> bool {
        self.hole.is_some_and(|(_, tried)| tried > 1)
    }

    /// Whether to read again before a hole is believed: once from the checkpoint, for records that were lost on
    /// the way here; once from the beginning, for a topic that was made anew and has other offsets.
    fn may_reread(&mut self, expected: Sequence, from: &mut From) -> bool {
        let tried = self.hole.filter(|(hole, _)| *hole == expected).map_or(0, |(_, tried)| tried);
        self.hole = Some((expected, tried + 1));
        *from = if tried == 1 { From::Beginning } else { From::Checkpoint };
        tried < 2
    }
}
