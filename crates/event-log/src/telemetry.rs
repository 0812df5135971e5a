//! The names under which the log is measured.

use std::time::Duration;

use metrics::{counter, histogram};

/// Histogram: commands in each batch that was committed.
const BATCH_COMMANDS: &str = "twofold_log_batch_commands";
/// Histogram: from sending a batch to knowing its outcome, repeats included.
const BATCH_SECONDS: &str = "twofold_log_batch_seconds";
/// Counter, label `outcome` (`recorded`, `lost`, `failed`): commands of batches. One that lost is decided anew or
/// refused; one that failed was in a batch that was not committed.
const COMMANDS: &str = "twofold_log_commands_total";
/// Counter: batches that were sent again because their connection was lost.
const REPEATS: &str = "twofold_log_batch_repeats_total";

pub(crate) fn submitted(elapsed: Duration) {
    histogram!(BATCH_SECONDS).record(elapsed.as_secs_f64());
}

#[expect(clippy::cast_precision_loss, reason = "a batch is far smaller than 2^52")]
pub(crate) fn committed(commands: usize, lost: usize) {
    histogram!(BATCH_COMMANDS).record(commands as f64);
    counter!(COMMANDS, "outcome" => "recorded").increment((commands - lost) as u64);
    if lost > 0 {
        counter!(COMMANDS, "outcome" => "lost").increment(lost as u64);
    }
}

pub(crate) fn failed(commands: usize) {
    counter!(COMMANDS, "outcome" => "failed").increment(commands as u64);
}

pub(crate) fn repeated() {
    counter!(REPEATS).increment(1);
}
