//! The names of this crate's metrics. Labels of each: `view`, `build`, `store`, `lane`.

/// Counter: events whose effect is in the rows.
pub const APPLIED: &str = "twofold_projection_applied_total";
/// Counter: records passed over because their effect was in the rows already.
pub const REPEATS: &str = "twofold_projection_repeats_total";
/// Histogram: events in a batch.
pub const BATCH: &str = "twofold_projection_batch_count";
/// Histogram, seconds: from the load of a batch's rows to their being written.
pub const BATCH_SECONDS: &str = "twofold_projection_batch_seconds";
/// Histogram, seconds: from an event's recording to its being visible, for the last event of each batch.
pub const DELAY_SECONDS: &str = "twofold_projection_delay_seconds";
/// Gauge: records of the partition that are not applied yet. Grows while a lane is stopped.
pub const LAG_EVENTS: &str = "twofold_projection_lag_events";
/// Gauge, seconds: the age of the oldest event that was received and is not applied; 0 where none waits.
pub const LAG_SECONDS: &str = "twofold_projection_lag_seconds";
/// Counter: attempts that failed and are made again.
pub const RETRIES: &str = "twofold_projection_retries_total";
/// Counter: how often another writer had moved the lane's checkpoint.
pub const OVERTAKEN: &str = "twofold_projection_overtaken_total";
/// Counter: events that were taken from the log because the topic lacks them.
pub const REPAIRED: &str = "twofold_projection_repaired_total";
/// Gauge: events known to be missing before the next one that is there. Alarm above 0.
pub const MISSING: &str = "twofold_projection_missing";
/// Gauge: 1 where the lane is stopped. Alarm above 0.
pub const STOPPED: &str = "twofold_projection_stopped";
/// Gauge: rows and streams that are parked: they lack events, which are dead letters. Alarm above 0.
pub const PARKED: &str = "twofold_projection_parked";
/// Counter: records that were given up for now, each parking a row, a stream or nothing but itself.
pub const LETTERS: &str = "twofold_projection_parkings_total";
