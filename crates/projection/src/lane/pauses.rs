//! A lane that stopped, or was overtaken: when it is tried again, and what is told of it.

use std::time::Duration;

use read_store::RowStore;
use service_runtime::Backoff;

use super::LaneTask;
use crate::standing::Part;
use crate::stop::Stop;

/// How often a lane that is stopped is tried again, at first and at last.
const STOPPED_PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// How long a lane that was overtaken lets the other writer go on, at first and at last.
const OVERTAKEN_PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// What stopped a lane is told once, as long as it was among the last so many reasons.
const STOPS_REMEMBERED: usize = 8;

/// How long to wait before what is tried again, and what was told.
pub(super) struct Pauses {
    pub(super) stopped: Backoff,
    pub(super) overtaken: Backoff,
    /// What stopped the lane since it last went on.
    told: Vec<Stop>,
    /// The last of it was the log being another one.
    pub(super) refused: bool,
}

impl Pauses {
    pub(super) fn new() -> Self {
        Self {
            stopped: Backoff::between(STOPPED_PAUSE.0, STOPPED_PAUSE.1),
            overtaken: Backoff::between(OVERTAKEN_PAUSE.0, OVERTAKEN_PAUSE.1),
            told: Vec::new(),
            refused: false,
        }
    }

    /// The lane went on; says whether it had been stopped.
    fn went_on(&mut self) -> bool {
        let stopped = !self.told.is_empty();
        if stopped {
            *self = Self::new();
        }
        stopped
    }

    /// Whether it has not been told yet.
    fn is_news(&mut self, stop: &Stop) -> bool {
        let news = !self.told.contains(stop);
        if news {
            self.told.truncate(STOPS_REMEMBERED - 1);
            self.told.insert(0, stop.clone());
        }
        news
    }
}

impl<S: RowStore> LaneTask<S> {
    /// Reads nothing for a while, longer each time; false when the lane is to end.
    pub(super) async fn stay_stopped(&self, stop: &Stop, pauses: &mut Pauses) -> bool {
        self.inbox.close();
        self.consumer.pause(self.partition());
        self.meters.retries.increment(1);
        self.tell(stop, pauses);
        self.pause_for(pauses.stopped.next_delay()).await
    }

    /// Tells what stops the lane: the first time as an error, afterwards in readiness and metrics only.
    pub(super) fn tell(&self, stop: &Stop, pauses: &mut Pauses) {
        self.meters.stopped();
        self.standing.trouble(Part::Lane(self.lane), stop.to_string());
        if pauses.is_news(stop) {
            tracing::error!(view = self.view, lane = self.lane.number(), why = %stop, "a lane is stopped");
        }
    }

    pub(super) fn went_on(&self, pauses: &mut Pauses) {
        self.standing.fine(Part::Store(self.lane));
        if pauses.went_on() {
            self.meters.going_on();
            self.standing.fine(Part::Lane(self.lane));
            tracing::info!(view = self.view, lane = self.lane.number(), "a lane that was stopped goes on");
        }
    }
}
