//! The names of this crate's metrics.

/// Gauge, labels `service`, `version`: always 1; says what runs here.
pub(super) const INFO: &str = "service_info";
/// Counter, label `outcome` (`sent`, `lost`): spans that a collector took, and those that it did not.
pub(super) const SPANS: &str = "twofold_trace_spans_total";
