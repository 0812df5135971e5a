//! The bounds that a log is used within.

use std::time::Duration;

/// Bounds and lifetimes. The defaults are what a service should run with.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many lanes new tenants are spread over. May grow: tenants stay where they are.
    pub lanes: u16,
    /// Commands that wait for one log; one more is answered with `Busy`.
    pub queue_commands_max: usize,
    /// Bytes that wait for one log, about; beyond it a command is answered with `Busy`.
    pub queue_bytes_max: usize,
    /// Commands in one batch: what one transaction commits, and how long the head is held by one.
    pub batch_commands_max: usize,
    /// Bytes in one batch, about. A single command that is larger goes alone.
    pub batch_bytes_max: usize,
    /// How long an append waits in the database for a head that another client holds.
    pub head_wait_max: Duration,
    /// How long one round trip of a batch may take before its connection is given up.
    pub batch_time_max: Duration,
    /// How long a batch whose outcome is not known is repeated before its callers are told so.
    pub repeat_time_max: Duration,
    /// How long a once-only key is remembered that is not kept for ever.
    pub once_lifetime: Duration,
    /// The least time between two announcements of new events.
    pub announce_interval: Duration,
    /// Tenants whose lane is remembered in memory.
    pub tenants_cached_max: usize,
    /// Bytes of payload in one answer of a reading call, about; at least one event is always answered.
    pub read_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lanes: 12,
            queue_commands_max: 4096,
            queue_bytes_max: 64 << 20,
            batch_commands_max: 512,
            batch_bytes_max: 4 << 20,
            head_wait_max: Duration::from_secs(8),
            batch_time_max: Duration::from_secs(20),
            repeat_time_max: Duration::from_secs(5),
            once_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
            announce_interval: Duration::from_millis(3),
            tenants_cached_max: 100_000,
            read_bytes_max: 16 << 20,
        }
    }
}
