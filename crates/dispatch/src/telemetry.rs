//! What is counted and timed of commands. The names are an interface: dashboards and alerts stand on them.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

/// Counter, labels `context`, `command`, `outcome` (`accepted`, `replayed`, `dry-run`, `invalid`, `refused`, `stale`,
/// `key-reused`, `contended`, `unavailable`, `unknown`, `failed`): commands answered.
pub const COMMANDS_TOTAL: &str = "twofold_commands_total";
/// Histogram, labels `context`, `command`: from the body's last byte to the answer.
pub const COMMAND_SECONDS: &str = "twofold_command_duration_seconds";
/// Counter, labels `context`, `command`: conflicts, which are decisions that the log turned down because a stream had
/// moved on.
pub const CONFLICTS_TOTAL: &str = "twofold_command_conflicts_total";
/// Counter, labels `context`, `command`: commands decided or appended once more, whatever for.
pub const RETRIES_TOTAL: &str = "twofold_command_retries_total";
/// Counter, labels `context`, `command`: streams whose state had to be read from the log.
pub const LOADS_TOTAL: &str = "twofold_stream_loads_total";

/// How a command ended, as a metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Recorded.
    Accepted,
    /// Had been recorded before.
    Replayed,
    /// Only asked, not recorded.
    DryRun,
    /// The body is wrong.
    Invalid,
    /// A rule says no.
    Refused,
    /// The client's version is not the stream's.
    Stale,
    /// The once-only key belongs to another body.
    KeyReused,
    /// Gave up after too many conflicts.
    Contended,
    /// Too much to do, or the log is away.
    Unavailable,
    /// Recorded or not: the log's answer was lost.
    Unknown,
    /// A fault of ours.
    Failed,
}

impl Outcome {
    const ALL: [Self; 11] = [
        Self::Accepted,
        Self::Replayed,
        Self::DryRun,
        Self::Invalid,
        Self::Refused,
        Self::Stale,
        Self::KeyReused,
        Self::Contended,
        Self::Unavailable,
        Self::Unknown,
        Self::Failed,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Replayed => "replayed",
            Self::DryRun => "dry-run",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::KeyReused => "key-reused",
            Self::Contended => "contended",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }
}

/// One command's meters. They bind to the process's recorder at first use, so that it may be installed after the
/// commands are registered.
#[derive(Debug)]
pub(crate) struct CommandMeters {
    context: &'static str,
    command: &'static str,
    bound: OnceLock<Bound>,
}

struct Bound {
    outcomes: [Counter; Outcome::ALL.len()],
    seconds: Histogram,
    conflicts: Counter,
    retries: Counter,
    loads: Counter,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Bound")
    }
}

impl CommandMeters {
    pub(crate) const fn new(context: &'static str, command: &'static str) -> Self {
        Self { context, command, bound: OnceLock::new() }
    }

    pub(crate) fn ended(&self, outcome: Outcome, took: Duration) {
        let bound = self.bound();
        bound.outcomes[outcome as usize].increment(1);
        bound.seconds.record(took);
    }

    pub(crate) fn conflicted(&self) {
        self.bound().conflicts.increment(1);
    }

    pub(crate) fn retried(&self) {
        self.bound().retries.increment(1);
    }

    pub(crate) fn loaded(&self) {
        self.bound().loads.increment(1);
    }

    fn bound(&self) -> &Bound {
        self.bound.get_or_init(|| {
            let Self { context, command, .. } = *self;
            let outcome = |outcome: Outcome| {
                counter!(COMMANDS_TOTAL, "context" => context, "command" => command, "outcome" => outcome.label())
            };
            Bound {
                outcomes: Outcome::ALL.map(outcome),
                seconds: histogram!(COMMAND_SECONDS, "context" => context, "command" => command),
                conflicts: counter!(CONFLICTS_TOTAL, "context" => context, "command" => command),
                retries: counter!(RETRIES_TOTAL, "context" => context, "command" => command),
                loads: counter!(LOADS_TOTAL, "context" => context, "command" => command),
            }
        })
    }
}
