//! The names of this service's metrics; what processes hear of their topics is told by `twofold_projection_*`, with the
//! process as `view`. Gauges count what is in the database: each manager says the same.

/// Counter, label `process`: steps, each of one instance by all that it had to hear.
pub(crate) const STEPS: &str = "twofold_process_steps_total";
/// Counter, labels `process`, `outcome` (`done`, `refused`, `impossible`, `not-done`, `unknown`): attempts at commands.
pub(crate) const ATTEMPTS: &str = "twofold_process_attempts_total";
/// Histogram, label `process`: from a command's being sent to its answer.
pub(crate) const ATTEMPT_SECONDS: &str = "twofold_process_attempt_seconds";
/// Gauge, labels `process`, `phase` (`running`, `compensating`): instances that have not ended.
pub(crate) const INSTANCES: &str = "twofold_process_instances";
/// Gauge, label `process`: instances that an operator has to look at. Alarm above 0.
pub(crate) const STUCK: &str = "twofold_process_stuck";
/// Gauge, label `process`: timers that are set.
pub(crate) const TIMERS: &str = "twofold_process_timers";
/// Gauge, label `process`: timers whose time has come and that were not heard yet. Grows where the service does not
/// keep up.
pub(crate) const TIMERS_DUE: &str = "twofold_process_timers_due";
/// Gauge, label `process`: commands without a definite outcome.
pub(crate) const COMMANDS: &str = "twofold_process_commands_open";
/// Gauge, label `process`: of these, those of which an attempt may have been carried out.
pub(crate) const COMMANDS_IN_DOUBT: &str = "twofold_process_commands_in_doubt";
