//! What a projection tells of itself: readiness and metrics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kernel::{Lane, Timestamp};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use service_runtime::Dependency;

use crate::stop::Stop;
use crate::telemetry;

/// What can keep a projection from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// It has not begun yet.
    Start,
    /// Kafka.
    Kafka,
    /// The store, as a lane sees it.
    Store(Lane),
    /// The registry, as a lane sees it.
    Registry(Lane),
    /// A lane that is stopped.
    Lane(Lane),
}

/// A projection's readiness: ready when nothing is the matter with any part.
#[derive(Debug)]
pub(crate) struct Standing {
    dependency: Dependency,
    troubles: Mutex<BTreeMap<Part, String>>,
}

impl Standing {
    pub(crate) fn new(dependency: Dependency) -> Self {
        let standing = Self { dependency, troubles: Mutex::default() };
        standing.trouble(Part::Start, "not begun yet".to_owned());
        standing
    }

    pub(crate) fn trouble(&self, part: Part, why: String) {
        self.change(|troubles| troubles.insert(part, why).is_none());
    }

    pub(crate) fn fine(&self, part: Part) {
        self.change(|troubles| troubles.remove(&part).is_some());
    }

    /// The lane is another projector's now, and so are its troubles.
    pub(crate) fn forget(&self, lane: Lane) {
        for part in [Part::Store(lane), Part::Registry(lane), Part::Lane(lane)] {
            self.fine(part);
        }
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<Part, String>) -> bool) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut troubles);
        if troubles.is_empty() {
            self.dependency.ready();
        } else if changed || !self.dependency.is_ready() {
            self.dependency.waiting(describe(&troubles));
        }
    }
}

/// At most three of them: a store that is away is the same news for every lane.
fn describe(troubles: &BTreeMap<Part, String>) -> String {
    let mut told: Vec<String> = Vec::new();
    for (part, why) in troubles.iter().take(3) {
        told.push(match part {
            Part::Start | Part::Kafka => why.clone(),
            Part::Store(lane) | Part::Registry(lane) => format!("lane {lane} waits: {why}"),
            Part::Lane(lane) => format!("lane {lane} is stopped: {why}"),
        });
    }
    if troubles.len() > told.len() {
        told.push(format!("and {} more", troubles.len() - told.len()));
    }
    told.join("; ")
}

/// The numbers of one lane.
pub(crate) struct Meters {
    pub(crate) applied: Counter,
    pub(crate) repeats: Counter,
    pub(crate) retries: Counter,
    pub(crate) overtaken: Counter,
    batch: Histogram,
    batch_seconds: Histogram,
    delay_seconds: Histogram,
    missing: Gauge,
    stopped: Gauge,
    progress: Arc<Progress>,
}

/// How far a lane is, for whoever computes its lag.
pub(crate) struct Progress {
    next_offset: AtomicI64,
    /// When the oldest event that waits was recorded, in milliseconds since 1970; 0 where none waits.
    waiting_since: AtomicI64,
    lag_events: Gauge,
    lag_seconds: Gauge,
}

impl Meters {
    pub(crate) fn new(view: &'static str, store: &'static str, lane: Lane) -> Self {
        let lane = lane.to_string();
        macro_rules! of {
            ($kind:ident, $name:expr) => {
                $kind!($name, "view" => view, "store" => store, "lane" => lane.clone())
            };
        }
        let progress = Arc::new(Progress {
            next_offset: AtomicI64::new(0),
            waiting_since: AtomicI64::new(0),
            lag_events: of!(gauge, telemetry::LAG_EVENTS),
            lag_seconds: of!(gauge, telemetry::LAG_SECONDS),
        });
        let meters = Self {
            applied: of!(counter, telemetry::APPLIED),
            repeats: of!(counter, telemetry::REPEATS),
            retries: of!(counter, telemetry::RETRIES),
            overtaken: of!(counter, telemetry::OVERTAKEN),
            batch: of!(histogram, telemetry::BATCH),
            batch_seconds: of!(histogram, telemetry::BATCH_SECONDS),
            delay_seconds: of!(histogram, telemetry::DELAY_SECONDS),
            missing: of!(gauge, telemetry::MISSING),
            stopped: of!(gauge, telemetry::STOPPED),
            progress,
        };
        meters.going_on();
        meters
    }

    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// A batch was written.
    pub(crate) fn written(&self, events: usize, took: Duration, recorded_at: Timestamp) {
        self.applied.increment(u64::try_from(events).unwrap_or(u64::MAX));
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        self.batch.record(events as f64);
        self.batch_seconds.record(took.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a delay of centuries needs no microseconds")]
        let delay = (now_micros() - recorded_at.micros()).max(0) as f64 / 1e6;
        self.delay_seconds.record(delay);
    }

    /// The lane's next record is at `offset`, and the oldest that waits was recorded then.
    pub(crate) fn reading(&self, offset: i64, waiting_since_ms: i64) {
        self.progress.next_offset.store(offset, Ordering::Relaxed);
        self.progress.waiting_since.store(waiting_since_ms, Ordering::Relaxed);
    }

    pub(crate) fn stopped(&self, stop: &Stop) {
        self.stopped.set(1.0);
        if let Stop::Hole { expected, found, .. } = stop {
            #[expect(clippy::cast_precision_loss, reason = "an alarm needs no last digit")]
            self.missing.set(found.since(*expected) as f64);
        }
    }

    pub(crate) fn going_on(&self) {
        self.stopped.set(0.0);
        self.missing.set(0.0);
    }
}

impl Progress {
    /// The partition's next record would be at `end`.
    #[expect(clippy::cast_precision_loss, reason = "a lag needs no last digit")]
    pub(crate) fn lag(&self, end: i64) {
        self.lag_events.set((end - self.next_offset.load(Ordering::Relaxed)).max(0) as f64);
        let since = self.waiting_since.load(Ordering::Relaxed);
        let waited = if since == 0 { 0 } else { (now_micros() / 1000 - since).max(0) };
        self.lag_seconds.set(waited as f64 / 1e3);
    }

    /// The lane is no longer this projector's.
    pub(crate) fn none(&self) {
        self.lag_events.set(0.0);
        self.lag_seconds.set(0.0);
    }
}

fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
