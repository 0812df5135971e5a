//! The names of this crate's metrics. Each is told of one build of a view, or of a process's inbox, in one store and lane.

/// Counter, labels `view`, `build`, `store`, `lane`: events whose effect is in the rows.
pub const APPLIED: &str = "twofold_projection_applied_total";
/// Counter, labels `view`, `build`, `store`, `lane`: records passed over because their effect was in the rows already.
pub const REPEATS: &str = "twofold_projection_repeats_total";
/// Histogram, labels `view`, `build`, `store`, `lane`: events in a batch.
pub const BATCH: &str = "twofold_projection_batch_events";
/// Histogram, labels `view`, `build`, `store`, `lane`: from the load of a batch's rows to their being written.
pub const BATCH_SECONDS: &str = "twofold_projection_batch_seconds";
/// Histogram, labels `view`, `build`, `store`, `lane`: from an event's recording to its being visible, for the last
/// event of each batch.
pub const DELAY_SECONDS: &str = "twofold_projection_delay_seconds";
/// Gauge, labels `view`, `build`, `store`, `lane`: records of the partition that are not applied yet. Grows while a
/// lane is stopped.
pub const LAG_EVENTS: &str = "twofold_projection_lag_events";
/// Gauge, labels `view`, `build`, `store`, `lane`: the age of the oldest event that was received and is not applied; 0
/// where none waits.
pub const LAG_SECONDS: &str = "twofold_projection_lag_seconds";
/// Gauge, labels `view`, `build`, `store`, `lane`: how much of the partition is applied, from 0 to 1: the progress of a
/// build that is made beside the one that is read.
pub const PROGRESS: &str = "twofold_projection_progress_ratio";
/// Gauge, labels `view`, `build`, `store`, `lane`: 1 where queries read this build of the lane.
pub const SERVING: &str = "twofold_projection_serving";
/// Counter, labels `view`, `build`, `store`, `lane`: attempts that failed and are made again.
pub const RETRIES: &str = "twofold_projection_retries_total";
/// Counter, labels `view`, `build`, `store`, `lane`: how often another writer had moved the lane's checkpoint.
pub const OVERTAKEN: &str = "twofold_projection_overtaken_total";
/// Counter, labels `view`, `build`, `store`, `lane`: events that were taken from the log because the topic lacks them.
pub const REPAIRED: &str = "twofold_projection_repaired_total";
/// Gauge, labels `view`, `build`, `store`, `lane`: events known to be missing before the next one that is there. Alarm
/// above 0.
pub const MISSING: &str = "twofold_projection_missing";
/// Gauge, labels `view`, `build`, `store`, `lane`: 1 where the lane is stopped. Alarm above 0.
pub const STOPPED: &str = "twofold_projection_stopped";
/// Gauge, labels `view`, `build`, `store`, `lane`: rows and streams that are parked: they lack events, which are dead
/// letters. Alarm above 0.
pub const PARKED: &str = "twofold_projection_parked";
/// Counter, labels `view`, `build`, `store`, `lane`: records that were given up for now, each parking a row, a stream
/// or nothing but itself.
pub const LETTERS: &str = "twofold_projection_parkings_total";
