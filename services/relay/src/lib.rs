//! Moves the log to Kafka, byte for byte and in order.
//!
//! For each log, one relay at a time:
//!
//! ```text
//!           lease got            what the partition holds is known
//! standing by ──────► looking ────────────────────────────────────► publishing
//!      ▲                 ▲                                              │
//!      │                 └── not acknowledged, or the topic is another ─┤
//!      └── lease lost, or Postgres away for longer than it ─────────────┘
//! ```
//!
//! *Looking*: the cursor says what was acknowledged and where; the partition is read from there on, so that nothing
//! is sent twice without need and nothing is missing when the topic has lost its end or was made anew.
//! *Publishing*: pages of the log are read while earlier ones are in flight; the cursor follows the
//! acknowledgements, a little behind.
//!
//! A crash at any point costs repeats, never a hole: a record that is on the topic and not in the cursor is found
//! by looking, and one that nobody can find is sent again with the same sequence. Repeats are harmless because of
//! what each record says.
//!
//! Invariant: every writer of a partition sends consecutive sequences that begin at most one after what the
//! partition holds. So whatever a partition holds up to a record contains all sequences up to that record's, even
//! when a relay that lost its lease still has records under way.

mod anew;
mod backlog;
mod config;
mod error;
mod leased;
mod looking;
mod producers;
mod publishing;
mod readiness;
mod records;
mod relay;
mod replay;
mod schemas;
#[cfg(feature = "seeded-bugs")]
mod seeded_bugs;
mod standby;
mod survey;
pub mod telemetry;
mod topics;
mod waking;

pub use anew::{Anew, AnewError, begin_anew};
pub use config::{Config, RelayConfig};
pub use relay::Relay;
pub use replay::{Replay, ReplayError};
