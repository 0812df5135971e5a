//! Publishing: pages are read while earlier ones are in flight; the cursor follows the acknowledgements.

mod feeding;
mod keeping;
mod traced;

pub(crate) use feeding::check_size;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use event_log::Lease;
use kernel::{ChainHash, LogId, Sequence, Timestamp};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::error::Stop;
use crate::looking::Start;
use crate::relay::Shared;
use crate::telemetry::LogMetrics;
use traced::Traced;

/// One log being published under one lease.
pub(crate) struct Session<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) log: &'a LogId,
    pub(crate) lease: &'a Lease,
    pub(crate) bell: &'a Notify,
    pub(crate) metrics: &'a LogMetrics,
    pub(crate) token: &'a CancellationToken,
    sent: Mutex<VecDeque<Sent>>,
}

/// What is remembered of a record until its acknowledgement.
struct Sent {
    sequence: Sequence,
    chain: ChainHash,
    recorded_at: Timestamp,
    /// Where its trace is sampled.
    traced: Option<Box<Traced>>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        shared: &'a Shared,
        log: &'a LogId,
        lease: &'a Lease,
        bell: &'a Notify,
        metrics: &'a LogMetrics,
        token: &'a CancellationToken,
    ) -> Self {
        Self { shared, log, lease, bell, metrics, token, sent: Mutex::default() }
    }

    /// Publishes from `start` on. Returns when told to stop, with everything that was sent acknowledged and noted
    /// in the cursor if that was possible in time, and at the first trouble.
    pub(crate) async fn publish(&self, start: &Start) -> Result<(), Stop> {
        let (producer, generation) = self.shared.producers.current();
        let partition = crate::topics::partition(self.log.lane);
        let mut writer = producer.writer(start.topic.name.clone(), partition).behind(start.last_offset);
        let deliveries = writer.deliveries();
        // One page waits while one is being sent and one is being read.
        let (pages, to_send) = mpsc::channel(1);
        let fed = CancellationToken::new();
        let feeding = async {
            let fed = fed.clone().drop_guard();
            tokio::try_join!(self.read(start.through, pages), self.send(start, &mut writer, to_send))?;
            drop(fed);
            Ok(())
        };
        let outcome = tokio::try_join!(feeding, self.keep(start, &producer, &deliveries, &fed));
        if outcome.is_err() {
            self.shared.producers.replace_if_finished(generation)?;
        }
        outcome.map(drop)
    }

    fn sent(&self) -> MutexGuard<'_, VecDeque<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
