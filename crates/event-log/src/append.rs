//! What is appended, and what comes of it.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{Epoch, EventId, LogId, NewEvent, Sequence, StreamFamily, StreamName, StreamVersion, Timestamp};

use crate::{AppendError, Beside};

/// The longest value that can be claimed, in bytes; with the rest of the key it must fit an index page.
pub const CLAIM_LONGEST: usize = 1024;
/// The longest name of a set of claims, in bytes.
pub const CLAIM_SET_LONGEST: usize = 64;
/// The longest once-only key, in bytes.
pub const ONCE_KEY_LONGEST: usize = 512;

/// Everything that one command records, or nothing of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// The stream that the events go to.
    pub stream: StreamName,
    /// Every stream that was decided on, the main one included, with the version it was decided at.
    pub guards: Vec<Guard>,
    /// What happened, with versions that follow the main stream's guard. May be empty.
    pub events: Vec<NewEvent>,
    /// Claims to make or give back with it, in order. The holder is the stream.
    pub claims: Vec<ClaimChange>,
    /// The key under which a repeat is recognised.
    pub once: Option<OnceKey>,
    /// What is written with the events.
    pub beside: Beside,
}

/// "This stream was at this version when it was decided on."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The stream; or a family's [`name`](StreamFamily::name), for all of its streams and those that there are not
    /// yet.
    pub stream: StreamName,
    /// Its version; zero for one that has not begun. A family's is how many events its streams have in all.
    pub version: StreamVersion,
}

/// A change to the claims that a stream holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimChange {
    /// Take the value, or fail with [`AppendError::ClaimTaken`] where another stream of the tenant holds it.
    Take {
        /// What must be unique: `sku`.
        set: &'static str,
        /// The value.
        value: String,
    },
    /// Give the value back; one that the stream does not hold is left alone.
    Release {
        /// What must be unique: `sku`.
        set: &'static str,
        /// The value.
        value: String,
    },
}

/// Makes a command that is sent again have its effect once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnceKey {
    /// Chosen by the sender, unique within the tenant and context.
    pub key: String,
    /// The keyed hash of the command's body, to tell a repeat from another command under the same key.
    pub body: [u8; 32],
    /// Kept for ever, not only for [`Options::once_lifetime`](crate::Options::once_lifetime).
    pub forever: bool,
}

/// What an append came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The log that it was recorded in.
    pub log: LogId,
    /// The identity of that log's history.
    pub epoch: Epoch,
    /// The main stream.
    pub stream: StreamName,
    /// The main stream's version after it.
    pub version: StreamVersion,
    /// The place of its last event; where it had none, the log's head at that moment.
    pub sequence: Sequence,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its events: id and type.
    pub events: Vec<(EventId, Arc<str>)>,
    /// Whether the stream began with it.
    pub began_stream: bool,
}

impl ClaimChange {
    pub(crate) fn claim(&self) -> (&'static str, &str) {
        match self {
            Self::Take { set, value } | Self::Release { set, value } => (set, value),
        }
    }
}

/// What becomes of one value by all the changes of one append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NetClaim {
    /// Index of the first `Take`, where there is one: the value must be free or the stream's own.
    pub(crate) taken_at: Option<usize>,
    /// Index of a change that names the value.
    pub(crate) named_at: usize,
    /// Whether the stream holds it in the end.
    pub(crate) held: bool,
}

impl Append {
    /// The version that the main stream was decided at.
    pub(crate) fn version_before(&self) -> StreamVersion {
        let main = self.guards.iter().find(|guard| guard.stream == self.stream);
        main.map_or(StreamVersion::ZERO, |guard| guard.version)
    }

    /// About how many bytes it carries, for the bounds on queues and batches.
    pub(crate) fn weight(&self) -> usize {
        let events = self.events.iter().map(|event| event.payload.len() + 512).sum::<usize>();
        let claims = self.claims.iter().map(|change| change.claim().1.len() + 64).sum::<usize>();
        events + claims + self.beside.weight() + self.guards.len() * 64 + 256
    }

    /// The changes folded to one per value, so that their order does not matter any more.
    pub(crate) fn net_claims(&self) -> Vec<NetClaim> {
        let mut places: HashMap<(&str, &str), usize> = HashMap::with_capacity(self.claims.len());
        let mut net: Vec<NetClaim> = Vec::with_capacity(self.claims.len());
        for (index, change) in self.claims.iter().enumerate() {
            let place = *places.entry(change.claim()).or_insert_with(|| {
                net.push(NetClaim { taken_at: None, named_at: index, held: false });
                net.len() - 1
            });
            net[place].held = matches!(change, ClaimChange::Take { .. });
            if net[place].held && net[place].taken_at.is_none() {
                net[place].taken_at = Some(index);
            }
        }
        net
    }

    /// Refuses what the database would trip over: an error there would take the whole batch with it.
    pub(crate) fn check(&self) -> Result<(), AppendError> {
        let malformed = |what| Err(AppendError::Malformed(what));
        if !self.guards.iter().any(|guard| guard.stream == self.stream) {
            return malformed("the main stream is not guarded");
        }
        if StreamFamily::named(&self.stream).is_some() {
            return malformed("a family of streams is not written as one");
        }
        let mut version = self.version_before();
        for event in &self.events {
            version = version.next();
            if event.stream != self.stream || event.version != version {
                return malformed("the events do not follow the main stream's guard");
            }
            let texts = [Some(&*event.event_type), event.metadata.traceparent.as_deref()];
            let actor = event.metadata.actor.as_str();
            if texts.into_iter().flatten().chain([actor]).any(|text| text.contains('\0')) {
                return malformed("an event's text has a NUL in it");
            }
        }
        for (set, value) in self.claims.iter().map(ClaimChange::claim) {
            let fits = set.len() <= CLAIM_SET_LONGEST && value.len() <= CLAIM_LONGEST;
            if !fits || set.contains('\0') || value.contains('\0') {
                return malformed("a claim is too long or has a NUL in it");
            }
        }
        if self.beside.has_nul() {
            return malformed("a row has a NUL in it");
        }
        match &self.once {
            Some(once) if once.key.len() > ONCE_KEY_LONGEST || once.key.contains('\0') => {
                malformed("the once-only key is too long or has a NUL in it")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
