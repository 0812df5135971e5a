#![doc = include_str!("../README.md")]

mod announcements;
mod append;
mod append_thread;
mod audit;
mod beside;
mod connecting;
mod directory;
mod errors;
mod group_commit;
mod inline;
mod log;
mod options;
mod outbox;
mod reading;
mod roles;
#[cfg(feature = "seeded-bugs")]
mod seeded_bugs;
mod telemetry;
mod verify;

pub use announcements::{Announced, Announcements};
pub use append::{
    Append, CLAIM_LONGEST, CLAIM_SET_LONGEST, ClaimChange, Guard, ONCE_KEY_LONGEST, OnceKey, Receipt,
};
pub use audit::{
    Asked, AuditBroken, AuditEntry, AuditFilter, AuditHead, AuditOutcome, AuditVerified, Listed,
    VerifyAuditError,
};
pub use beside::Snapshot;
pub use connecting::pool;
pub use errors::{AppendError, Broken, BrokenHow, LogError, VerifyError};
pub use inline::{Beside, CaughtUpRow, InlineCode, InlineRow, InlineView, KeptRow, OpenedView, PasswordHash};
pub use log::EventLog;
pub use options::Options;
pub use outbox::{Cursor, Lease, Outbox};
pub use reading::Head;
pub use verify::Verified;
