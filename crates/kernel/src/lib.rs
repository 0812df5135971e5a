//! The pure vocabulary of Twofold.
//!
//! A write model is a fold of one stream ([`Decider`]), a read model is a fold of the log ([`View`]),
//! a process is a fold of events, answers and timers ([`Process`]). All three are synchronous, total and
//! deterministic: no clock, no randomness, no input or output. Time, ids and facts come in as values.
//!
//! The crate also holds the words that every other part shares: tenants, lanes, streams, positions, the
//! bytes-level [`LoggedEvent`], the hash chain ([`ChainHash`]), money and time.

mod chain;
mod context;
mod day;
mod decider;
mod event;
mod facts;
mod fingerprint;
mod identifiers;
mod lane;
mod logged_event;
mod money;
mod positions;
mod process;
mod rejection;
mod secret;
mod source;
#[cfg(feature = "testing")]
pub mod testing;
mod timestamp;
mod validation;
mod view;

pub use chain::{ChainHash, EventDigest};
pub use context::{Context, ContextVisitor, Registry};
pub use day::{Day, InvalidDay};
pub use decider::{Claim, ClaimChange, Command, Decider, Decision, Verdict};
pub use event::{EventDecoder, EventEncoder, EventSet, Recorded, union_type_count};
pub use facts::{Facts, Read, ReadClaims, ReadFamily, Reads};
pub use fingerprint::{FoldFingerprint, FoldTrace, InvalidFingerprint};
pub use identifiers::{Actor, EventId, InvalidIdentifier, StreamFamily, StreamName, TenantId};
pub use lane::{InvalidToken, Lane, LaneToken, LogId};
pub use logged_event::{EventMetadata, LoggedEvent, NewEvent, SchemaFingerprint};
pub use money::{Currency, Money, UnknownCurrency};
pub use positions::{Epoch, Sequence, StreamVersion};
pub use process::{
    Effect, Effects, Fault, Instance, Outcome, Outgoing, Phase, Process, ProcessFacts, ProcessInput, Reply,
    Route, SentStep, Step, StepKey, Undo, Undoing,
};
pub use rejection::Rejection;
pub use secret::Secret;
/// The body of a command, written as JSON.
pub use serde_json::json;
pub use source::Source;
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use validation::{FieldError, Violations};
pub use view::{Keys, Link, ReadStore, RowKey, Unfoldable, View};
