//! States of streams: kept warm, read from the log, and shortened by snapshots.

mod families;

use std::sync::Arc;

use event_log::{EventLog, LogError, Snapshot};
use kernel::{LoggedEvent, SchemaFingerprint, StreamVersion};
use tokio::sync::Semaphore;
use tracing::warn;

use crate::kind::{FoldError, StreamKind};
use crate::warm::{Loaded, StreamKey, WarmStates};
pub(crate) use families::LoadedFamily;

/// Events asked for at a time.
const PAGE: usize = 500;
/// A snapshot is taken once a stream has grown by so many events since the last: reading a long stream then costs
/// one snapshot and at most about so many events.
const SNAPSHOT_EVERY: u64 = 200;
/// Snapshots being written at a time; one that finds no room is taken with a later event.
const SNAPSHOTS_AT_ONCE: usize = 2;
/// Schemas fetched for one load: more than this many releases have not written one stream since its snapshot.
const SCHEMAS_FETCHED_MAX: usize = 64;

/// The states of streams.
#[derive(Debug)]
pub(crate) struct Streams {
    log: EventLog,
    warm: WarmStates,
    snapshots: Arc<Semaphore>,
}

/// Why there is no state.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What was read does not fold.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// What was read is not one stream from its first event on.
    #[error("{stream} has version {found} where {expected} should be")]
    Hole {
        /// The stream.
        stream: String,
        /// What would follow.
        expected: StreamVersion,
        /// What stands there.
        found: StreamVersion,
    },
    /// What is to be read together is more than is ever read together.
    #[error("more than {most} of {what} would have to be read for one command")]
    TooMany {
        /// A family, or a set of claims.
        what: String,
        /// How many are.
        most: usize,
    },
}

impl Streams {
    pub(crate) fn new(log: EventLog, warm_bytes: u64) -> Self {
        Self {
            log,
            warm: WarmStates::new(warm_bytes),
            snapshots: Arc::new(Semaphore::new(SNAPSHOTS_AT_ONCE)),
        }
    }

    /// The state that is kept, as old as it may be.
    pub(crate) fn warm(&self, key: &StreamKey) -> Option<Loaded> {
        self.warm.get(key)
    }

    /// The state of a stream that has not begun.
    pub(crate) fn not_begun(kind: &dyn StreamKind) -> Loaded {
        Loaded {
            version: StreamVersion::ZERO,
            state: kind.initial(),
            last: None,
            snapshot: StreamVersion::ZERO,
            weight: 0,
        }
    }

    /// Keeps a state for the next command, and takes a snapshot where it is time for one.
    pub(crate) fn keep(&self, kind: &dyn StreamKind, key: StreamKey, mut loaded: Loaded) {
        if loaded.version.since(loaded.snapshot) >= SNAPSHOT_EVERY {
            self.take_snapshot(kind, &key, &mut loaded);
        }
        self.warm.put(key, loaded);
    }

    /// Forgets a state, so that the one at hand can be changed in place.
    pub(crate) fn forget(&self, key: &StreamKey) {
        self.warm.forget(key);
    }

    /// Reads a stream from the log, from its latest snapshot on where it is long.
    pub(crate) async fn read(&self, kind: &dyn StreamKind, key: &StreamKey) -> Result<Loaded, LoadError> {
        for _ in 0..SCHEMAS_FETCHED_MAX {
            match self.read_known(kind, key).await {
                Err(LoadError::Fold(FoldError::UnknownSchema(fingerprint))) => {
                    self.fetch_schema(kind, fingerprint).await?;
                }
                read => return read,
            }
        }
        self.read_known(kind, key).await
    }

    /// Brings a state up to date with the log. `true` when the stream was not where the state had it.
    pub(crate) async fn catch_up(
        &self,
        kind: &dyn StreamKind,
        key: &StreamKey,
        loaded: &mut Loaded,
    ) -> Result<bool, LoadError> {
        // The event at the state's own version is read once more: that it is still there says that the state
        // stands on this history, and not on one that a restored backup has replaced.
        let anchored = loaded.last.is_some();
        let after = StreamVersion::new(loaded.version.number() - u64::from(anchored));
        let mut events = self.page(key, after).await?;
        if anchored {
            match events.first() {
                Some(event) if Some(event.event.id) == loaded.last => {
                    events.remove(0);
                }
                _ => {
                    self.forget(key);
                    *loaded = self.read(kind, key).await?;
                    return Ok(true);
                }
            }
        }
        if events.is_empty() {
            return Ok(false);
        }
        // The state at hand becomes the only one, so that it is changed in place and not copied.
        self.forget(key);
        let before = std::mem::replace(loaded, Self::not_begun(kind));
        match self.fold_to_end(kind, key, before, events).await {
            Ok(current) => *loaded = current,
            Err(LoadError::Fold(FoldError::UnknownSchema(_))) => *loaded = self.read(kind, key).await?,
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    async fn read_known(&self, kind: &dyn StreamKind, key: &StreamKey) -> Result<Loaded, LoadError> {
        let start = Self::not_begun(kind);
        let events = self.page(key, StreamVersion::ZERO).await?;
        // Only a stream with more than a page can be worth looking for a snapshot.
        let Some(end) = events.get(PAGE - 1).map(|event| event.event.version) else {
            return self.fold_to_end(kind, key, start, events).await;
        };
        match self.thaw(kind, key).await? {
            Some(snapshot) if snapshot.version > end => {
                let mut events = self.page(key, StreamVersion::new(snapshot.version.number() - 1)).await?;
                // The snapshot's own event is its anchor. One that the log does not have is of another history.
                if events.first().is_some_and(|event| event.event.version == snapshot.version) {
                    let anchor = events.remove(0);
                    let snapshot = Loaded { last: Some(anchor.event.id), ..snapshot };
                    return self.fold_to_end(kind, key, snapshot, events).await;
                }
                let events = self.page(key, StreamVersion::ZERO).await?;
                self.fold_to_end(kind, key, start, events).await
            }
            _ => self.fold_to_end(kind, key, start, events).await,
        }
    }

    /// Folds a page and all that follow it.
    async fn fold_to_end(
        &self,
        kind: &dyn StreamKind,
        key: &StreamKey,
        mut loaded: Loaded,
        mut events: Vec<LoggedEvent>,
    ) -> Result<Loaded, LoadError> {
        while let Some(last) = events.last() {
            let last_id = last.event.id;
            for event in &events {
                let expected = loaded.version.next();
                if event.event.version != expected {
                    let (stream, found) = (key.stream.to_string(), event.event.version);
                    return Err(LoadError::Hole { stream, expected, found });
                }
                loaded.version = expected;
                loaded.weight += event.event.payload.len() as u64;
            }
            loaded.last = Some(last_id);
            loaded.state = kind.fold(loaded.state, &events)?;
            if events.len() < PAGE && !self.may_be_short(&events) {
                break;
            }
            events = self.page(key, loaded.version).await?;
        }
        Ok(loaded)
    }

    /// Pages of large events end early; only an empty one is the end.
    fn may_be_short(&self, events: &[LoggedEvent]) -> bool {
        const CERTAINLY_WHOLE: usize = 1 << 20;
        events.iter().map(|event| event.event.payload.len()).sum::<usize>() > CERTAINLY_WHOLE
    }

    async fn page(&self, key: &StreamKey, after: StreamVersion) -> Result<Vec<LoggedEvent>, LogError> {
        self.log.read_stream(key.context, &key.tenant, &key.stream, after, PAGE).await
    }

    /// The latest snapshot, where it can be read.
    async fn thaw(&self, kind: &dyn StreamKind, key: &StreamKey) -> Result<Option<Loaded>, LogError> {
        let snapshot = self.log.snapshot(key.context, &key.tenant, &key.stream, kind.state_version()).await?;
        let Some(Snapshot { version, state: frozen }) = snapshot else { return Ok(None) };
        match kind.thaw(&frozen) {
            Ok(state) => {
                let weight = frozen.len() as u64;
                Ok(Some(Loaded { version, state, last: None, snapshot: version, weight }))
            }
            // Snapshots are a shortcut: without one the stream is folded from its first event.
            Err(error) => {
                warn!(stream = %key.stream, %error, "a snapshot cannot be read and is not used");
                Ok(None)
            }
        }
    }

    /// Writes a snapshot beside the command that is being answered. Lost in a crash, it is taken again later.
    fn take_snapshot(&self, kind: &dyn StreamKind, key: &StreamKey, loaded: &mut Loaded) {
        let Ok(permit) = Arc::clone(&self.snapshots).try_acquire_owned() else { return };
        let state = match kind.freeze(&loaded.state) {
            Ok(state) => state,
            Err(error) => {
                warn!(stream = %key.stream, %error, "a state cannot be kept as a snapshot");
                return;
            }
        };
        loaded.snapshot = loaded.version;
        loaded.weight = state.len() as u64;
        let snapshot = Snapshot { version: loaded.version, state: state.into() };
        let (log, key, state_version) = (self.log.clone(), key.clone(), kind.state_version());
        tokio::spawn(async move {
            let kept =
                log.put_snapshot(key.context, &key.tenant, &key.stream, state_version, &snapshot).await;
            if let Err(error) = kept {
                warn!(stream = %key.stream, %error, "a snapshot could not be written");
            }
            drop(permit);
        });
    }

    pub(super) async fn fetch_schema(
        &self,
        kind: &dyn StreamKind,
        fingerprint: SchemaFingerprint,
    ) -> Result<(), LoadError> {
        let unknown = || LoadError::Fold(FoldError::UnknownSchema(fingerprint));
        let json = self.log.schema(fingerprint).await?.ok_or_else(unknown)?;
        kind.add_writer_schema(&json).map_err(|error| {
            LoadError::Log(LogError::Corrupt(format!("the schema {fingerprint:?} cannot be read: {error}")))
        })
    }
}
