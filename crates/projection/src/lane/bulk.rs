//! A lane that is far from its end and not read yet, at bulk speed: records are read on several threads, folded in
//! memory one after the other, and written once in a while.
//!
//! What is not a plain event that follows — a gap, a value that does not read, an event that cannot be folded — is left
//! to the lane's ordinary way, behind everything before it. A crash loses what was not written: where the lane is, the
//! store says.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use kernel::Sequence;
use messaging::IncomingRecord;
use read_store::{RowStore, StoreError};
use service_runtime::Backoff;
use tokio::task::JoinHandle;

use super::{End, LaneTask, Pauses, Place};
use crate::apply::traceable;
use crate::bulk::{Bulk, Following, Taken};
use crate::inbox;
use crate::reading::{Follows, Readied};
use crate::standing::Part;

/// Records that are read by one thread in one go.
const READ_AT_ONCE: usize = 1_000;
/// Such stretches of a lane that are being read, or wait to be folded.
const READING_MOST: usize = 4;
/// How far behind a lane goes in bulk that queries read.
const FAR: i64 = 20_000;
/// How often such a lane is written.
const READ_EVERY: Duration = Duration::from_secs(1);

/// Events that the lane applies in its ordinary way, whatever it does otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Plain {
    /// One that cannot be folded.
    event: Sequence,
    /// And everything up to here: somewhere in it is what the store refuses.
    through: Sequence,
}

impl Plain {
    fn has(self, sequence: Sequence) -> bool {
        sequence == self.event || sequence <= self.through
    }
}

/// A stretch of records on its way.
struct Reading {
    records: JoinHandle<Vec<Readied>>,
    /// Behind it.
    next_offset: i64,
    /// The oldest of them.
    first: (i64, i64),
    /// The partition ends behind it.
    is_last: bool,
}

impl<S: RowStore> LaneTask<S> {
    /// Whether there is much to come; where queries read the lane, very much.
    pub(super) fn goes_in_bulk(&self, place: &Place) -> bool {
        if place.reached {
            return false;
        }
        match place.target {
            Some(target) if place.serving => S::WRITES_MANY_AT_ONCE && target - place.read >= FAR,
            Some(target) => place.read < target,
            None => !place.serving,
        }
    }

    /// Follows the lane up to where its partition ended when it was begun.
    pub(super) async fn follow_in_bulk(&mut self, place: &mut Place, pauses: &mut Pauses) -> Result<(), End> {
        let outcome = self.fold_on(place, pauses).await;
        // Others may have their turn.
        self.bulk.turn = None;
        outcome
    }

    async fn fold_on(&mut self, place: &mut Place, pauses: &mut Pauses) -> Result<(), End> {
        let mut bulk = self.bulk_at(place);
        let mut reading: VecDeque<Reading> = VecDeque::new();
        loop {
            self.read_on(&mut reading).await;
            let mut stretch = match reading.pop_front() {
                Some(stretch) => stretch,
                None => match self.next_stretch().await {
                    Some(stretch) => stretch,
                    None => {
                        self.write(&mut bulk, place).await?;
                        return Err(End::Cancelled);
                    }
                },
            };
            self.meters.reading(stretch.first.0, stretch.first.1);
            let readied = match (&mut stretch.records).await {
                Ok(readied) => readied,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => return Err(End::Cancelled),
            };
            let started = Instant::now();
            let from = bulk.at;
            let rest = self.fold_stretch(&mut bulk, readied, place).await?;
            let events = usize::try_from(bulk.at.sequence.since(from.sequence)).unwrap_or(usize::MAX);
            if let Some(recorded_at) = rest.recorded_at {
                self.meters.written(events, started.elapsed(), recorded_at);
            }
            if rest.records.is_empty() {
                self.went_past(place, &stretch, &mut bulk);
                if bulk.is_due() {
                    self.write(&mut bulk, place).await?;
                    self.went_on(pauses);
                }
            } else {
                self.write(&mut bulk, place).await?;
                let end = stretch.is_last.then_some(stretch.next_offset);
                let taken = inbox::Taken { records: rest.records, end, resume: false };
                self.deal_with(taken, place, pauses).await?;
                bulk = self.bulk_at(place);
            }
            if !self.goes_in_bulk(place) {
                self.write(&mut bulk, place).await?;
                self.went_on(pauses);
                self.deal_with_rest(reading, place, pauses).await?;
                return if place.reached && !place.serving {
                    self.say_caught_up(place).await
                } else {
                    Ok(())
                };
            }
            if self.token.run_until_cancelled(self.pace.after(events)).await.is_none() {
                self.write(&mut bulk, place).await?;
                return Err(End::Cancelled);
            }
        }
    }

    fn bulk_at(&self, place: &Place) -> Bulk {
        let every = self.building.written_every;
        let every = if place.serving { every.min(READ_EVERY) } else { every };
        Bulk::new(self.applying.view.clone(), place.checkpoint, &self.building.room, every)
    }

    /// What had been read ahead, in the ordinary way.
    async fn deal_with_rest(
        &mut self,
        reading: VecDeque<Reading>,
        place: &mut Place,
        pauses: &mut Pauses,
    ) -> Result<(), End> {
        for stretch in reading {
            let Ok(readied) = stretch.records.await else { return Err(End::Moved) };
            let records = readied.into_iter().map(|readied| readied.record).collect();
            let end = stretch.is_last.then_some(stretch.next_offset);
            self.deal_with(inbox::Taken { records, end, resume: false }, place, pauses).await?;
        }
        Ok(())
    }

    /// Has as much read as may be, of what is there.
    async fn read_on(&mut self, reading: &mut VecDeque<Reading>) {
        while reading.len() < READING_MOST {
            let Some(taken) = self.inbox.try_take(READ_AT_ONCE) else { break };
            let stretch = self.read(taken).await;
            reading.push_back(stretch);
        }
    }

    /// Waits for records; none when the lane is to end.
    async fn next_stretch(&mut self) -> Option<Reading> {
        let taken = self.token.run_until_cancelled(self.inbox.take_most(READ_AT_ONCE)).await?;
        Some(self.read(taken).await)
    }

    async fn read(&mut self, taken: inbox::Taken) -> Reading {
        if taken.resume {
            self.consumer.resume(self.partition());
        }
        let inbox::Taken { records, end, .. } = taken;
        self.intake.learn(&records).await;
        let next_offset = records.last().map_or(0, |last| last.offset + 1).max(end.unwrap_or(0));
        let first =
            records.first().map_or((next_offset, 0), |first| (first.offset, first.timestamp_ms.max(1)));
        let reader = self.intake.reader();
        let records = tokio::task::spawn_blocking(move || reader.read_all(records));
        Reading { records, next_offset, first, is_last: end.is_some() }
    }

    /// Folds what follows; answers the records from the first on that has to be looked at by itself.
    async fn fold_stretch(
        &mut self,
        bulk: &mut Bulk,
        readied: Vec<Readied>,
        place: &mut Place,
    ) -> Result<Rest, End> {
        let mut following: Vec<Following<'_>> = Vec::with_capacity(readied.len());
        let (mut at, mut repeats, mut plain_from) = (bulk.at, 0, readied.len());
        let mut places = Vec::with_capacity(readied.len());
        for (place, readied) in readied.iter().enumerate() {
            match readied.follows(&at) {
                Follows::Repeat => repeats += 1,
                Follows::Next(event, after) if !self.bulk.plain.has(event.sequence()) => {
                    following.push((&readied.record, event, after));
                    places.push(place);
                    at = after;
                }
                Follows::Next(..) | Follows::Unclear => {
                    plain_from = place;
                    break;
                }
            }
        }
        self.meters.repeats.increment(repeats);
        let recorded_at = following.last().map(|(_, event, _)| event.recorded_at());
        let mut backoff = Backoff::default();
        loop {
            match self.applying.fold_in(bulk, &following).await {
                Ok(Taken::All) => {
                    self.hear(following.iter().map(|(_, event, after)| (*event, *after)));
                    break;
                }
                Ok(Taken::Before(before)) => {
                    self.hear(following[..before].iter().map(|(_, event, after)| (*event, *after)));
                    plain_from = places[before];
                    break;
                }
                Ok(Taken::Spoilt(at)) => {
                    self.bulk.plain.event = following[at].1.sequence();
                    return Err(End::Anew);
                }
                Err(StoreError::Emptied(_)) => return Err(End::Emptied),
                Err(StoreError::Moved) => return Err(End::Moved),
                Err(error) if error.is_retryable() => {
                    if !self.wait_for_store(&error, &mut backoff).await {
                        return Err(End::Cancelled);
                    }
                }
                Err(_) => {
                    self.bulk.plain.through = at.sequence.max(place.checkpoint.sequence.next());
                    return Err(End::Anew);
                }
            }
        }
        drop(following);
        let records = readied.into_iter().skip(plain_from).map(|readied| readied.record).collect();
        Ok(Rest { records, recorded_at })
    }

    /// A whole stretch was folded.
    fn went_past(&self, place: &mut Place, stretch: &Reading, bulk: &mut Bulk) {
        place.read = place.read.max(stretch.next_offset);
        // Repeats at the end of a stretch need not be read again either.
        bulk.at.offset = bulk.at.offset.max(place.read);
        place.reached |= stretch.is_last || place.target.is_some_and(|target| place.read >= target);
        self.meters.reading(place.read, 0);
    }

    /// Writes what was folded, waiting for the store as long as it takes.
    async fn write(&mut self, bulk: &mut Bulk, place: &mut Place) -> Result<(), End> {
        let mut backoff = Backoff::default();
        while bulk.at != place.checkpoint {
            let Err(why) = self.applying.write_bulk(bulk, place.checkpoint).await else {
                place.moved_to(bulk.at);
                break;
            };
            if traceable(&why) {
                self.bulk.plain.through = bulk.at.sequence;
                tracing::debug!(view = self.view, lane = self.lane.number(), %why, "what the store refused is looked for");
                return Err(End::Anew);
            }
            if why.is_retryable() && !self.wait_for_store(&why, &mut backoff).await {
                return Err(End::Cancelled);
            }
            match self.store.checkpoint(self.lane).await {
                // It was written after all.
                Ok(Some(found)) if found == bulk.at => {
                    place.moved_to(found);
                    *bulk = self.bulk_at(place);
                }
                Ok(Some(found)) if found == place.checkpoint && why.is_retryable() => {}
                Ok(Some(_)) => return Err(End::Moved),
                Ok(None) | Err(StoreError::Emptied(_)) => return Err(End::Emptied),
                Err(error) if !self.wait_for_store(&error, &mut backoff).await => return Err(End::Cancelled),
                Err(_) => {}
            }
        }
        self.standing.fine(Part::Store(self.lane));
        self.meters.parked(self.applying.parked_subjects());
        self.consumer.applied(self.partition(), place.read);
        Ok(())
    }
}

/// What is left of a stretch.
struct Rest {
    records: Vec<IncomingRecord>,
    /// When the last event of it was recorded that was folded.
    recorded_at: Option<kernel::Timestamp>,
}
