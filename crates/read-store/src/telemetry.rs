//! The names of this crate's metrics.

/// Counter, label `store`: how often somebody's wait for a sequence began.
pub const WAITS: &str = "twofold_read_waits_total";
/// Counter, label `store`: how often the stores were polled on behalf of those who wait.
pub const WAIT_POLLS: &str = "twofold_read_wait_polls_total";
