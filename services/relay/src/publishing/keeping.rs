//! From Kafka's acknowledgements into the cursor.

use std::sync::Arc;
use std::time::Duration;

use event_log::Cursor;
use messaging::{Delivered, Deliveries, Producer};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Sent, Session, traced};
use crate::error::{Blame, Stop};
use crate::looking::Start;
use crate::telemetry::seconds_since;

/// How long records may be without acknowledgement before `/readyz` says so.
const STALLED_AFTER: Duration = Duration::from_secs(3);
/// How long, when told to stop, to wait for the acknowledgement of what was sent.
const DRAIN_AT_MOST: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How far this session has come.
struct Progress {
    topic: Arc<str>,
    cursor: Cursor,
    /// Whether the cursor in the log is behind.
    dirty: bool,
    /// Tickets that are done with.
    done: u64,
    delivered: Delivered,
    noted_at: Instant,
    heard_at: Instant,
    checked_at: Instant,
}

impl Session<'_> {
    /// Follows the acknowledgements until `fed` and everything is acknowledged.
    pub(super) async fn keep(
        &self,
        start: &Start,
        producer: &Producer,
        deliveries: &Deliveries,
        fed: &CancellationToken,
    ) -> Result<(), Stop> {
        let now = Instant::now();
        let mut progress = Progress {
            topic: start.topic.name.clone(),
            cursor: start.cursor,
            dirty: false,
            done: 0,
            delivered: Delivered::default(),
            noted_at: now,
            heard_at: now,
            checked_at: now,
        };
        let mut tick = interval(LOOK_EVERY.min(self.shared.config.check()));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deadline = None;
        while !(fed.is_cancelled() && self.sent().is_empty()) {
            let note_at = progress.noted_at + self.shared.config.cursor();
            tokio::select! {
                delivered = deliveries.changed() => self.hear(&mut progress, delivered)?,
                () = sleep_until(note_at), if progress.dirty => self.note(&mut progress).await?,
                () = fed.cancelled(), if deadline.is_none() => deadline = Some(Instant::now() + DRAIN_AT_MOST),
                () = sleep_until(deadline.unwrap_or(now)), if deadline.is_some() => break,
                _ = tick.tick() => self.look_around(start, producer, &mut progress).await?,
            }
        }
        if progress.dirty { self.note(&mut progress).await } else { Ok(()) }
    }

    fn hear(&self, progress: &mut Progress, delivered: Delivered) -> Result<(), Stop> {
        progress.heard_at = Instant::now();
        if let Some((ticket, offset)) = delivered.located
            && ticket > progress.done
        {
            let count = ticket - progress.done;
            let (last, traced) = {
                let mut sent = self.sent();
                let through = usize::try_from(count).unwrap_or(usize::MAX).min(sent.len());
                let mut acknowledged = sent.drain(..through);
                let mut last = acknowledged.next_back();
                let traced = last.as_mut().and_then(|last| traced::all_of(acknowledged, last));
                (last, traced)
            };
            progress.done = ticket;
            if let Some(traced) = traced {
                traced::tell(self.log, &progress.topic, count, &traced);
            }
            if let Some(last) = last {
                self.acknowledged(progress, count, &last, offset);
            }
        }
        progress.delivered = delivered;
        match &progress.delivered.failure {
            Some(failure) => Err(failure.clone().into()),
            None => Ok(()),
        }
    }

    fn acknowledged(&self, progress: &mut Progress, count: u64, last: &Sent, offset: i64) {
        progress.cursor = Cursor {
            published_through: last.sequence,
            chain: Some(last.chain),
            topic_id: progress.cursor.topic_id,
            offset: Some(offset),
        };
        progress.dirty = true;
        self.metrics.published.increment(count);
        self.metrics.publish_seconds.record(seconds_since(last.recorded_at));
        self.metrics.acknowledged(last.sequence);
        self.shared.readiness.fine(Blame::Kafka, Some(self.log));
        self.shared.readiness.fine(Blame::Topics, Some(self.log));
    }

    /// A lost lease shows here at the latest: a relay that has lost it writes no cursor.
    async fn note(&self, progress: &mut Progress) -> Result<(), Stop> {
        self.shared.outbox.advance(self.lease, progress.cursor).await?;
        progress.dirty = false;
        progress.noted_at = Instant::now();
        Ok(())
    }

    async fn look_around(
        &self,
        start: &Start,
        producer: &Producer,
        progress: &mut Progress,
    ) -> Result<(), Stop> {
        let waiting = self.sent().len() as u64;
        if waiting > 0 && progress.delivered.through == progress.done + waiting {
            // Kafka has everything and did not say where: it had got it before. Only looking tells.
            return Err(Stop::TopicChanged("records went to places that are not known"));
        }
        if waiting > 0 && progress.heard_at.elapsed() >= STALLED_AFTER {
            let trouble = producer.trouble().map_or_else(String::new, |trouble| format!(": {trouble}"));
            let why = format!("{waiting} records are not acknowledged{trouble}");
            self.shared.readiness.trouble(Blame::Kafka, Some(self.log), &why);
        }
        // While acknowledgements come, their places show whether the topic is still the same.
        let quiet_since = progress.heard_at.max(progress.checked_at);
        if quiet_since.elapsed() >= self.shared.config.check() {
            self.shared.topics.check(&start.topic, self.log, progress.cursor.offset).await?;
            progress.checked_at = Instant::now();
            if waiting == 0 {
                self.shared.readiness.fine(Blame::Kafka, Some(self.log));
            }
        }
        Ok(())
    }
}
