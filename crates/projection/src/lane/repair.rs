//! What a topic lacks, from the log; and whether the log is still the one that the rows were folded from.
//!
//! The topic is read where it is read: what comes from the log does not move the offset in the checkpoint.

use std::time::{Duration, Instant};

use kernel::{LogId, Sequence};
use messaging::IncomingRecord;
use read_store::{Checkpoint, RowStore};
use service_runtime::Backoff;
use wire::Received;

use super::{End, Halt, LaneTask, Pauses, Place};
use crate::intake::{Next, Unreadable, follow};
use crate::log_source::{Heads, LOG_PAGE_MOST, LogHead, LogRecord, LogSourceError};
use crate::parking::NoEvent;
use crate::standing::Part;
use crate::stop::{RecordAt, Stop};

/// How long the log may take to say where it ends before a lane goes on without knowing.
const BEGIN_PATIENCE: Duration = Duration::from_secs(2);
/// How long nothing may have come of what is published before the partition is taken to have lost it.
const LOST_AFTER: Duration = Duration::from_secs(3);
/// How often, while nothing comes, an event of the log is compared with the checkpoint.
const COMPARE_EVERY: Duration = Duration::from_secs(60);

/// What a lane remembers of its looks at the log.
#[derive(Debug)]
pub(super) struct Watched {
    /// When the checkpoint was last found in the log's history.
    compared: Option<Instant>,
    /// Published events wait behind this sequence, since then.
    behind: Option<(Sequence, Instant)>,
    /// When the checkpoint was last moved: the log's end is compared with what is known later.
    pub(super) moved: Instant,
}

impl Watched {
    pub(super) fn new() -> Self {
        Self { compared: None, behind: None, moved: Instant::now() }
    }
}

impl<S: RowStore> LaneTask<S> {
    fn log_id(&self) -> LogId {
        self.intake.log().clone()
    }

    /// Before anything is read: is the log the one that the rows were folded from? A log that does not answer in
    /// time is asked again later; views go on without it. Says whether it was found to be.
    pub(super) async fn compare_at_begin(&self, place: &mut Place) -> Result<bool, End> {
        let heads = self.log.heads_since(place.watched.moved);
        match tokio::time::timeout(BEGIN_PATIENCE, heads).await {
            Ok(Ok(heads)) => self.compare(place, &heads).await,
            Ok(Err(_)) | Err(_) => Ok(false),
        }
    }

    /// Now and then: is it still that log, and has everything arrived that its relay has published?
    pub(super) async fn look_at_log(&mut self, place: &mut Place, pauses: &mut Pauses) -> Result<(), End> {
        let Some(heads) = self.heads.borrow().clone().filter(|heads| heads.asked >= place.watched.moved)
        else {
            return Ok(());
        };
        self.compare(place, &heads).await?;
        let at = place.checkpoint.sequence;
        let published = heads.of(&self.log_id()).map_or(Sequence::ZERO, |head| head.published_through);
        if published <= at {
            place.watched.behind = None;
            return Ok(());
        }
        match place.watched.behind.filter(|(behind, _)| *behind == at) {
            Some((_, since)) if since.elapsed() < LOST_AFTER => Ok(()),
            Some(_) => {
                // Kafka that does not answer has lost nothing yet; what it holds is on its way.
                match self.partition_range().await {
                    Some(range) if range.end <= place.read.max(range.start) => {}
                    Some(_) | None => return Ok(()),
                }
                self.repair(place, &Stop::LostTail { expected: at.next(), published }, published, pauses)
                    .await
            }
            None => {
                place.watched.behind = Some((at, Instant::now()));
                Ok(())
            }
        }
    }

    /// Whether the checkpoint is a place in the log's history; false where that was not found out. A log in which it
    /// is none is refused.
    async fn compare(&self, place: &mut Place, heads: &Heads) -> Result<bool, End> {
        let Checkpoint { sequence, epoch, chain, .. } = place.checkpoint;
        let Some(expected) = epoch else { return Ok(true) };
        let Some(LogHead { epoch: found, sequence: end, chain: last, .. }) = heads.of(&self.log_id()) else {
            return Err(End::Refused(Stop::AheadOfLog { rows: sequence, log: Sequence::ZERO }));
        };
        if found != expected {
            return Err(End::Refused(Stop::OtherEpoch { of: "log", expected, found }));
        }
        if sequence > end {
            return Err(End::Refused(Stop::AheadOfLog { rows: sequence, log: end }));
        }
        let logged = if sequence == end {
            last
        } else if place.watched.compared.is_some_and(|at| at.elapsed() < COMPARE_EVERY) {
            return Ok(true);
        } else {
            let before = Sequence::new(sequence.number().saturating_sub(1));
            let (log, view) = (self.log_id(), self.intake.view());
            let asked = tokio::time::timeout(BEGIN_PATIENCE, self.log.records(&log, before, 1, view)).await;
            let Ok(Ok(records)) = asked else { return Ok(false) };
            let Some(record) = records.first() else { return Ok(false) };
            record.received.event.chain
        };
        place.watched.compared = Some(Instant::now());
        if logged == chain { Ok(true) } else { Err(End::Refused(Stop::OtherHistory { sequence })) }
    }

    /// Applies what the topic lacks up to and with `through`. This lane waits meanwhile, the others do not; a log
    /// that is away is waited for.
    pub(super) async fn repair(
        &mut self,
        place: &mut Place,
        why: &Stop,
        through: Sequence,
        pauses: &mut Pauses,
    ) -> Result<(), End> {
        self.tell(why, pauses);
        let (view, lane) = (self.view, self.lane.number());
        let from = place.checkpoint.sequence;
        let mut backoff = Backoff::default();
        while place.checkpoint.sequence < through {
            let missing = through.since(place.checkpoint.sequence);
            self.meters.missing(missing);
            let limit = usize::try_from(missing).unwrap_or(usize::MAX).min(LOG_PAGE_MOST);
            let (log, after) = (self.log_id(), place.checkpoint.sequence);
            let fetch = self.log.records(&log, after, limit, self.intake.view());
            let Some(fetched) = self.token.run_until_cancelled(fetch).await else {
                return Err(End::Cancelled);
            };
            let records = match fetched {
                Ok(records) if records.is_empty() => {
                    return Err(End::Stop(Stop::NotInLog { published: through, log: after }));
                }
                Ok(records) => records,
                Err(LogSourceError::UnknownLog(_)) => {
                    return Err(End::Stop(Stop::NotInLog { published: through, log: Sequence::ZERO }));
                }
                Err(error) => {
                    self.meters.retries.increment(1);
                    self.standing.trouble(Part::Lane(self.lane), format!("{why}: {error}"));
                    if !self.pause_for(backoff.next_delay()).await {
                        return Err(End::Cancelled);
                    }
                    continue;
                }
            };
            backoff = Backoff::default();
            let (events, halt) = admit(records, &place.checkpoint);
            self.apply(place, &events).await?;
            self.meters.repaired.increment(events.len() as u64);
            match halt {
                None => {}
                Some((_, Halt::Stop(stop))) => return Err(End::Stop(stop)),
                Some((received, Halt::Record(what))) => {
                    let at = RecordAt::Sequence(received.event.sequence);
                    let record = as_on_topic(&received, &place.checkpoint);
                    // Tried again, it is fetched again.
                    self.pass_over(place, &record, at, what).await?;
                }
            }
        }
        place.watched.behind = None;
        let events = place.checkpoint.sequence.since(from);
        tracing::info!(view, lane, events, "what the topic lacked was taken from the log");
        self.went_on(pauses);
        Ok(())
    }
}

/// The events that follow, each checked as if it had come from the topic, and what is the matter with the record
/// behind them.
fn admit(records: Vec<LogRecord>, last: &Checkpoint) -> (Vec<Next>, Option<(Received, Halt)>) {
    let mut events = Vec::with_capacity(records.len());
    let mut last = *last;
    for LogRecord { received, event } in records {
        let at = RecordAt::Sequence(received.event.sequence);
        let after = match follow(&received, at, last.offset, &last) {
            Ok(after) => after,
            Err(stop) => return (events, Some((received, Halt::Stop(stop)))),
        };
        match event {
            Ok(event) => {
                let record = as_on_topic(&received, &last);
                events.push(Next { event, after, at, record });
            }
            Err(error) => {
                let (tenant, stream) = (received.event.tenant.clone(), received.event.event.stream.clone());
                let unreadable = Unreadable { tenant, stream, after, why: error.to_string() };
                return (events, Some((received, Halt::Record(NoEvent::Unreadable(Box::new(unreadable))))));
            }
        }
        last = after;
    }
    (events, None)
}

/// The record as the topic would hold it, but for the frame of its value, which names a registry's schema.
fn as_on_topic(received: &Received, last: &Checkpoint) -> IncomingRecord {
    let logged = &received.event;
    IncomingRecord {
        partition: i32::from(logged.log.lane.number()),
        offset: last.offset,
        timestamp_ms: logged.recorded_at.micros() / 1000,
        key: Some(wire::record_key(&logged.tenant, &logged.event.stream).into()),
        headers: wire::headers::encode(logged, &received.epoch).into_iter().collect(),
        value: Some(logged.event.payload.clone()),
    }
}
