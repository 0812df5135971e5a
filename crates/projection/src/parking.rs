//! What a lane does with a record that cannot be applied: it tries again a few times, parks what the record touches,
//! and goes on.

use std::time::Duration;

use messaging::IncomingRecord;
use read_store::{Advance, Checkpoint, Reason, RowStore, StoreError, Subject};
use service_runtime::Backoff;

use crate::intake::{Next, Unreadable};
use crate::lane::{End, LaneTask, Place};
use crate::parked::{Failure, letter};
use crate::standing::Part;
use crate::stop::{RecordAt, Stop};

/// Between two attempts at a record, at first and at last. The lane waits meanwhile.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// How often a record was tried.
#[derive(Debug)]
pub(crate) struct Tries {
    at: Option<RecordAt>,
    attempts: u32,
    pause: Backoff,
}

impl Default for Tries {
    fn default() -> Self {
        Self { at: None, attempts: 0, pause: Backoff::between(PAUSE.0, PAUSE.1) }
    }
}

impl Tries {
    /// One more.
    fn failed(&mut self, at: RecordAt) -> u32 {
        if self.at != Some(at) {
            *self = Self { at: Some(at), ..Self::default() };
        }
        self.attempts += 1;
        self.attempts
    }
}

/// A record that is not an event to this program.
#[derive(Debug)]
pub(crate) enum NoEvent {
    Unreadable(Box<Unreadable>),
    Foreign(String),
}

impl NoEvent {
    fn why(&self) -> &str {
        match self {
            Self::Unreadable(unreadable) => &unreadable.why,
            Self::Foreign(why) => why,
        }
    }
}

impl<S: RowStore> LaneTask<S> {
    /// Whether to try the record once more, after a pause.
    async fn tries_again(&mut self, at: RecordAt, why: &str) -> Result<bool, End> {
        if self.tries.failed(at) >= self.park_after {
            return Ok(false);
        }
        self.standing.trouble(Part::Lane(self.lane), format!("the record at {at} is tried again: {why}"));
        self.meters.retries.increment(1);
        let pause = self.tries.pause.next_delay();
        if self.pause_for(pause).await { Ok(true) } else { Err(End::Cancelled) }
    }

    /// What was tried again was applied.
    pub(crate) fn tried(&mut self) {
        if self.tries.at.take().is_some() {
            self.standing.fine(Part::Lane(self.lane));
        }
    }

    /// The next event cannot be applied.
    pub(crate) async fn after_failure(
        &mut self,
        place: &mut Place,
        next: &Next,
        failure: Failure,
    ) -> Result<Parking, End> {
        if self.tries_again(next.at, &failure.why).await? {
            return Ok(Parking::TryAgain);
        }
        self.refuse_when_full(next.at, &failure.why)?;
        let attempts = self.tries.attempts;
        match self.applying.park(place.checkpoint, next, &failure, attempts).await {
            Ok(()) => {
                place.moved_to(next.after);
                self.tell_parked(next, failure.reason.as_str());
                let (event, id) = (&next.event, &next.event.metadata());
                tracing::warn!(
                    view = self.view,
                    lane = self.lane.number(),
                    at = %next.at,
                    stream = %event.stream(),
                    sequence = %event.sequence(),
                    command_id = %id.command_id,
                    correlation_id = %id.correlation_id,
                    trace_id = traces::trace_id(id.traceparent.as_deref()),
                    reason = failure.reason.as_str(),
                    why = failure.why,
                    "an event was parked"
                );
                self.parked();
                Ok(Parking::Parked)
            }
            Err(error) => Ok(Parking::StoreFailed(error)),
        }
    }

    /// Tries, then goes on past a record that is no event. False where it is to be tried again.
    pub(crate) async fn pass_over(
        &mut self,
        place: &mut Place,
        record: &IncomingRecord,
        at: RecordAt,
        what: NoEvent,
    ) -> Result<bool, End> {
        if self.tries_again(at, what.why()).await? {
            return Ok(false);
        }
        let (subject, after, failure) = match what {
            NoEvent::Unreadable(unreadable) => {
                let Unreadable { tenant, stream, after, why } = *unreadable;
                let subject = Subject::Stream { tenant, stream };
                (subject, after, Failure::new(Reason::UnreadableEvent, why))
            }
            NoEvent::Foreign(why) => {
                let after = Checkpoint { offset: record.offset + 1, ..place.checkpoint };
                (Subject::Record { offset: record.offset }, after, Failure::new(Reason::Foreign, why))
            }
        };
        self.refuse_when_full(at, &failure.why)?;
        let attempts = self.tries.attempts;
        let letter = letter(self.lane, subject, after.sequence, failure.clone(), record, attempts);
        let advance = Advance { from: place.checkpoint, to: after };
        match self.applying.pass_over(&advance, letter).await {
            Ok(()) => {
                place.moved_to(after);
                let (view, lane, reason) = (self.view, self.lane.number(), failure.reason.as_str());
                tracing::warn!(view, lane, %at, reason, why = failure.why, "a record was parked");
                self.parked();
                Ok(true)
            }
            Err(StoreError::Moved) => Err(End::Moved),
            Err(StoreError::Emptied(_)) => Err(End::Emptied),
            Err(error) if error.is_retryable() => {
                // Where it was written all the same, the lane begins anew behind it.
                let mut backoff = Backoff::default();
                if self.wait_for_store(&error, &mut backoff).await {
                    Err(End::Moved)
                } else {
                    Err(End::Cancelled)
                }
            }
            Err(error) => Err(End::Stop(Stop::Inapplicable { at, why: error.to_string() })),
        }
    }

    fn refuse_when_full(&self, at: RecordAt, why: &str) -> Result<(), End> {
        if !self.applying.is_full() {
            return Ok(());
        }
        let parked = self.applying.parked_subjects();
        Err(End::Stop(Stop::TooMuchParked { at, parked, why: why.to_owned() }))
    }

    fn parked(&self) {
        self.standing.fine(Part::Lane(self.lane));
        self.meters.parked(self.applying.parked_subjects());
        self.meters.letters.increment(1);
    }
}

/// What became of an event that could not be applied.
pub(crate) enum Parking {
    TryAgain,
    Parked,
    StoreFailed(StoreError),
}
