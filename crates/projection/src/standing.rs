//! What a projection tells of itself: readiness and metrics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kernel::{Lane, Timestamp};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use read_store::ViewVersion;
use service_runtime::Dependency;

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
pub(crate) struct Standing {
    dependency: Dependency,
    /// Whether it speaks for the view; of several builds one does.
    speaks: AtomicBool,
    troubles: Mutex<BTreeMap<Part, String>>,
    /// What was the matter last, and when it began.
    last: Mutex<Option<(Timestamp, String)>>,
    /// The lanes that are followed here.
    lanes: Mutex<BTreeMap<Lane, Arc<Progress>>>,
}

impl Standing {
    pub(crate) fn new(dependency: Dependency) -> Self {
        let standing = Self::silent(dependency);
        standing.speak(true);
        standing
    }

    /// Says nothing of itself until it is told to.
    pub(crate) fn silent(dependency: Dependency) -> Self {
        let silent = Self {
            dependency,
            speaks: AtomicBool::new(false),
            troubles: Mutex::default(),
            last: Mutex::default(),
            lanes: Mutex::default(),
        };
        silent.trouble(Part::Start, "not begun yet".to_owned());
        silent
    }

    /// Whether its readiness is the view's.
    pub(crate) fn speak(&self, speaks: bool) {
        if self.speaks.swap(speaks, Ordering::Relaxed) != speaks {
            self.change(|_| true);
        }
    }

    pub(crate) fn trouble(&self, part: Part, why: String) {
        self.change(|troubles| {
            let is_news = troubles.get(&part) != Some(&why);
            if is_news && part != Part::Start {
                let told = Some((Timestamp::from_micros(now_micros()), why.clone()));
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = told;
            }
            troubles.insert(part, why).is_none()
        });
    }

    /// What was the matter last, and when it began.
    pub(crate) fn last_trouble(&self) -> Option<(Timestamp, String)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is the matter with a lane now, or with all of them.
    pub(crate) fn trouble_of(&self, lane: Lane) -> Option<String> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = [Part::Lane(lane), Part::Store(lane), Part::Registry(lane), Part::Kafka, Part::Start];
        parts.iter().find_map(|part| troubles.get(part).cloned())
    }

    /// The lane is followed here from now on.
    pub(crate) fn begin(&self, lane: Lane, progress: Arc<Progress>) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).insert(lane, progress);
    }

    /// The lane is not followed here any more.
    pub(crate) fn end(&self, lane: Lane) {
        let ended = self.lanes.lock().unwrap_or_else(PoisonError::into_inner).remove(&lane);
        if let Some(progress) = ended {
            progress.none();
        }
    }

    /// The lanes that are followed here.
    pub(crate) fn lanes(&self) -> BTreeMap<Lane, Arc<Progress>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        if !self.speaks.load(Ordering::Relaxed) {
            return;
        }
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
    pub(crate) repaired: Counter,
    batch: Histogram,
    batch_seconds: Histogram,
    delay_seconds: Histogram,
    missing: Gauge,
    stopped: Gauge,
    parked: Gauge,
    pub(crate) letters: Counter,
    progress: Arc<Progress>,
}

/// How far a lane is, for whoever computes its lag.
pub(crate) struct Progress {
    next_offset: AtomicI64,
    applied: AtomicU64,
    rate: Mutex<Rate>,
    /// When the oldest event that waits was recorded, in milliseconds since 1970; 0 where none waits.
    waiting_since: AtomicI64,
    lag_events: Gauge,
    lag_seconds: Gauge,
    ratio: Gauge,
    serving: Gauge,
}

/// Events applied a second, as it was last looked at.
struct Rate {
    since: Instant,
    applied: u64,
    per_second: f64,
}

impl Meters {
    pub(crate) fn new(view: ViewVersion, store: &'static str, lane: Lane) -> Self {
        let (lane, build) = (lane.to_string(), view.version.to_string());
        let view = view.view;
        macro_rules! of {
            ($kind:ident, $name:expr) => {
                $kind!($name, "view" => view, "build" => build.clone(), "store" => store, "lane" => lane.clone())
            };
        }
        let progress = Arc::new(Progress {
            next_offset: AtomicI64::new(0),
            applied: AtomicU64::new(0),
            rate: Mutex::new(Rate { since: Instant::now(), applied: 0, per_second: 0.0 }),
            waiting_since: AtomicI64::new(0),
            lag_events: of!(gauge, telemetry::LAG_EVENTS),
            lag_seconds: of!(gauge, telemetry::LAG_SECONDS),
            ratio: of!(gauge, telemetry::PROGRESS),
            serving: of!(gauge, telemetry::SERVING),
        });
        let meters = Self {
            applied: of!(counter, telemetry::APPLIED),
            repeats: of!(counter, telemetry::REPEATS),
            retries: of!(counter, telemetry::RETRIES),
            overtaken: of!(counter, telemetry::OVERTAKEN),
            repaired: of!(counter, telemetry::REPAIRED),
            batch: of!(histogram, telemetry::BATCH),
            batch_seconds: of!(histogram, telemetry::BATCH_SECONDS),
            delay_seconds: of!(histogram, telemetry::DELAY_SECONDS),
            missing: of!(gauge, telemetry::MISSING),
            stopped: of!(gauge, telemetry::STOPPED),
            parked: of!(gauge, telemetry::PARKED),
            letters: of!(counter, telemetry::LETTERS),
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
        self.applied.increment(events as u64);
        self.progress.applied.fetch_add(events as u64, Ordering::Relaxed);
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

    /// So many rows and streams are parked.
    pub(crate) fn parked(&self, subjects: usize) {
        #[expect(clippy::cast_precision_loss, reason = "an alarm needs no last digit")]
        self.parked.set(subjects as f64);
    }

    /// Whether queries read this build of the lane.
    pub(crate) fn serving(&self, serving: bool) {
        self.progress.serving.set(f64::from(u8::from(serving)));
    }

    pub(crate) fn stopped(&self) {
        self.stopped.set(1.0);
    }

    /// So many events are known to be missing.
    #[expect(clippy::cast_precision_loss, reason = "an alarm needs no last digit")]
    pub(crate) fn missing(&self, events: u64) {
        self.missing.set(events as f64);
    }

    pub(crate) fn going_on(&self) {
        self.stopped.set(0.0);
        self.missing.set(0.0);
    }
}

impl Progress {
    /// The partition's next record would be at `end`. Called every few seconds, which is what a rate is taken over.
    #[expect(clippy::cast_precision_loss, reason = "a lag needs no last digit")]
    pub(crate) fn lag(&self, end: i64) {
        let next = self.next_offset();
        self.lag_events.set((end - next).max(0) as f64);
        self.ratio.set(if next >= end { 1.0 } else { next as f64 / end as f64 });
        self.lag_seconds.set(self.waited_seconds());
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let applied = self.applied.load(Ordering::Relaxed);
        let per_second = (applied - rate.applied) as f64 / rate.since.elapsed().as_secs_f64().max(1e-3);
        *rate = Rate { since: Instant::now(), applied, per_second };
    }

    /// The offset behind the last record that was dealt with.
    pub(crate) fn next_offset(&self) -> i64 {
        self.next_offset.load(Ordering::Relaxed)
    }

    /// How long the oldest event that waits has waited since it was recorded; 0 where none waits.
    #[expect(clippy::cast_precision_loss, reason = "a lag needs no last digit")]
    pub(crate) fn waited_seconds(&self) -> f64 {
        let since = self.waiting_since.load(Ordering::Relaxed);
        let waited = if since == 0 { 0 } else { (now_micros() / 1000 - since).max(0) };
        waited as f64 / 1e3
    }

    /// Events applied a second, of late.
    pub(crate) fn rate(&self) -> f64 {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner).per_second
    }

    /// The lane is no longer this projector's.
    pub(crate) fn none(&self) {
        self.lag_events.set(0.0);
        self.lag_seconds.set(0.0);
        self.serving.set(0.0);
    }
}

pub(crate) fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
