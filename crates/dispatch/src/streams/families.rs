//! What is read of many streams together: families, and claims. Always from the log: what they hold is decided on
//! rarely, and was perhaps written by another process.

use std::collections::BTreeSet;
use std::sync::Arc;

use event_log::LogError;
use kernel::{LoggedEvent, ReadClaims, StreamFamily, StreamName, StreamVersion};
use uuid::Uuid;

use super::{LoadError, PAGE, SCHEMAS_FETCHED_MAX, Streams};
use crate::kind::{FoldError, StreamKind};
use crate::warm::{State, StreamKey};

/// Events of one family that are read for one command, at most.
const FAMILY_EVENTS_MAX: usize = 50_000;
/// Claims that are read for one prefix, at most.
const CLAIMS_MAX: usize = 50_000;

/// The states of a family's streams.
pub(crate) struct LoadedFamily {
    /// How many events they have in all.
    pub(crate) version: StreamVersion,
    /// By id.
    pub(crate) states: Arc<[(Uuid, State)]>,
}

impl Streams {
    /// Reads all streams of a family of the tenant and context that `of` is of.
    pub(crate) async fn read_family(
        &self,
        kind: &dyn StreamKind,
        of: &StreamKey,
        family: &StreamFamily,
    ) -> Result<LoadedFamily, LoadError> {
        let events = self.events_of(of, family).await?;
        for _ in 0..SCHEMAS_FETCHED_MAX {
            match fold(kind, &events) {
                Err(LoadError::Fold(FoldError::UnknownSchema(fingerprint))) => {
                    self.fetch_schema(kind, fingerprint).await?;
                }
                folded => return folded,
            }
        }
        fold(kind, &events)
    }

    async fn events_of(&self, of: &StreamKey, family: &StreamFamily) -> Result<Vec<LoggedEvent>, LoadError> {
        let mut events: Vec<LoggedEvent> = Vec::new();
        loop {
            let after = events.last().map(|last| (&last.event.stream, last.event.version));
            let page = self.log.read_family(of.context, &of.tenant, family, after, PAGE).await?;
            if page.is_empty() {
                return Ok(events);
            }
            events.extend(page);
            if events.len() > FAMILY_EVENTS_MAX {
                return Err(LoadError::TooMany { what: family.to_string(), most: FAMILY_EVENTS_MAX });
            }
        }
    }

    /// The values that are claimed in the tenant and context that `of` is of.
    pub(crate) async fn claimed(
        &self,
        of: &StreamKey,
        read: &ReadClaims,
    ) -> Result<Arc<BTreeSet<String>>, LoadError> {
        let ReadClaims { set, prefix } = read;
        let values = self.log.claims_beginning(of.context, &of.tenant, set, prefix, CLAIMS_MAX + 1).await?;
        if values.len() > CLAIMS_MAX {
            return Err(LoadError::TooMany { what: format!("claims of {set}"), most: CLAIMS_MAX });
        }
        Ok(Arc::new(values.into_iter().collect()))
    }
}

/// Folds stream by stream.
fn fold(kind: &dyn StreamKind, events: &[LoggedEvent]) -> Result<LoadedFamily, LoadError> {
    let mut states = Vec::new();
    for stream in events.chunk_by(|one, next| one.event.stream == next.event.stream) {
        let Some(first) = stream.first() else { continue };
        whole(&first.event.stream, stream)?;
        let damaged = || LogError::Corrupt(format!("{} has no id", first.event.stream));
        let id = first.event.stream.id().ok_or_else(damaged)?;
        states.push((id, kind.fold(kind.initial(), stream)?));
    }
    states.sort_by_key(|(id, _)| *id);
    Ok(LoadedFamily { version: StreamVersion::new(events.len() as u64), states: states.into() })
}

/// From the first event on, without a hole.
fn whole(name: &StreamName, stream: &[LoggedEvent]) -> Result<(), LoadError> {
    let mut expected = StreamVersion::ZERO;
    for event in stream {
        expected = expected.next();
        let found = event.event.version;
        if found != expected {
            return Err(LoadError::Hole { stream: name.to_string(), expected, found });
        }
    }
    Ok(())
}
