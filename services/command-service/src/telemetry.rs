//! The names of this service's own metrics; those of commands are `dispatch`'s, those of the log `event-log`'s.

/// Counter, label `outcome` (`accepted`, `refused`, `forbidden`): entries written to the audit.
pub(crate) const AUDIT_ENTRIES: &str = "twofold_audit_entries_total";
/// Counter: audit entries given up because the log's database took none for too long.
pub(crate) const AUDIT_UNRECORDED: &str = "twofold_audit_unrecorded_total";
