//! How fast a build beside the one that is read may go.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use read_store::BuildOptions;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::standing::Standing;

/// What the live projection may lag before a build steps aside, and for how long at a time: it goes on, slowly,
/// whatever happens.
const LIVE_LAG_SECONDS: f64 = 1.0;
const STEP_ASIDE: Duration = Duration::from_millis(250);

/// Shared by the lanes of a build.
#[derive(Default)]
pub(crate) struct Pace {
    per_second: Option<u32>,
    /// Whom it yields to.
    live: Option<Arc<Standing>>,
    /// Nothing holds it back any more: it is the one that is read.
    free: AtomicBool,
    next: Mutex<Option<Instant>>,
    /// How many lanes may be fed at once until each has caught up, where not all may.
    turns: Option<Arc<Semaphore>>,
}

impl Pace {
    pub(crate) fn beside(live: Option<Arc<Standing>>, options: BuildOptions) -> Self {
        let turns = options.parallel.map(|lanes| Arc::new(Semaphore::new(usize::from(lanes.get()))));
        Self { per_second: options.throttle.map(NonZeroU32::get), live, turns, ..Self::default() }
    }

    /// What lanes take turns by, where they do.
    pub(crate) fn turns(&self) -> Option<Arc<Semaphore>> {
        self.turns.clone()
    }

    pub(crate) fn set_free(&self) {
        self.free.store(true, Ordering::Relaxed);
    }

    /// Returns when so many more events may follow. Safe to drop.
    pub(crate) async fn after(&self, events: usize) {
        if events == 0 || self.free.load(Ordering::Relaxed) {
            return;
        }
        if let Some(per_second) = self.per_second {
            tokio::time::sleep_until(self.book(events, per_second)).await;
        }
        let lags =
            |live: &Arc<Standing>| live.lanes().values().any(|lane| lane.waited_seconds() > LIVE_LAG_SECONDS);
        if self.live.as_ref().is_some_and(lags) {
            tokio::time::sleep(STEP_ASIDE).await;
        }
    }

    /// Until when these take up the rate.
    fn book(&self, events: usize, per_second: u32) -> Instant {
        let share = Duration::from_secs(1).mul_f64(f64::from(u32::try_from(events).unwrap_or(u32::MAX)))
            / per_second.max(1);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let until = next.unwrap_or_else(Instant::now).max(Instant::now()) + share;
        *next = Some(until);
        until
    }
}

#[cfg(test)]
mod tests;
