//! States of recently used streams, so that most decisions need no read.
//!
//! Invariant: nothing is answered on the strength of what is here. An acceptance stands on it only because the
//! append checks the version of every stream that was decided on; a refusal is decided again on a state that was
//! read from the log after the command came.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use kernel::{EventId, StreamName, StreamVersion, TenantId};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// A folded state whose type only the stream's kind knows.
pub(crate) type State = Arc<dyn Any + Send + Sync>;

/// A stream among all of a command-service's. The tenant is part of it: no state ever serves another tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StreamKey {
    pub(crate) context: &'static str,
    pub(crate) tenant: TenantId,
    pub(crate) stream: StreamName,
}

/// A stream's state at a version.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) version: StreamVersion,
    pub(crate) state: State,
    /// The event at `version`: were history ever exchanged under a running service (a restored backup), a catch-up
    /// read would notice that another event stands there. `None` before the first event.
    pub(crate) last: Option<EventId>,
    /// The version of the latest snapshot that is known of.
    pub(crate) snapshot: StreamVersion,
    /// About how many bytes the state takes.
    pub(crate) weight: u64,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Loaded").field("version", &self.version).finish_non_exhaustive()
    }
}

/// A bounded cache of states; what is not used for long goes.
pub(crate) struct WarmStates(Cache<StreamKey, Loaded, Weight>);

#[derive(Clone)]
struct Weight;

impl Weight {
    /// What an entry costs besides its state: the key's texts, the cache's own bookkeeping.
    const ENTRY: u64 = 256;
}

impl Weighter<StreamKey, Loaded> for Weight {
    fn weight(&self, _: &StreamKey, loaded: &Loaded) -> u64 {
        Self::ENTRY + loaded.weight
    }
}

impl WarmStates {
    /// At most about `bytes` of states.
    pub(crate) fn new(bytes: u64) -> Self {
        let entries = usize::try_from(bytes / (Weight::ENTRY * 2)).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(entries, bytes, Weight))
    }

    pub(crate) fn get(&self, key: &StreamKey) -> Option<Loaded> {
        self.0.get(key)
    }

    /// Keeps a state, unless a later one is there already.
    pub(crate) fn put(&self, key: StreamKey, loaded: Loaded) {
        // Two that put at once may still leave the earlier one: it costs a retry, no more.
        if self.0.peek(&key).is_none_or(|kept| kept.version <= loaded.version) {
            self.0.insert(key, loaded);
        }
    }

    /// Forgets a state, so that whoever holds it alone may change it in place.
    pub(crate) fn forget(&self, key: &StreamKey) {
        self.0.remove(key);
    }

    #[cfg(test)]
    pub(crate) fn weight(&self) -> u64 {
        self.0.weight()
    }
}

impl fmt::Debug for WarmStates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WarmStates").field("streams", &self.0.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
