//! A kind of stream with its types erased: how its events fold to a state, and how a state is kept.

use std::any::TypeId;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kernel::{Decider, FoldFingerprint, FoldTrace, LoggedEvent, SchemaFingerprint};
use wire::{Codec, DecodeError, SchemaError};

use crate::warm::State;

/// One kind of stream of a context.
pub(crate) trait StreamKind: Send + Sync {
    /// The decider's `STREAM`.
    fn name(&self) -> &'static str;
    /// The decider that it stands for.
    fn decider(&self) -> TypeId;
    /// Snapshots of another version are not used.
    fn state_version(&self) -> u32;
    /// Nothing has happened yet.
    fn initial(&self) -> State;
    /// The state after these events.
    fn fold(&self, state: State, events: &[LoggedEvent]) -> Result<State, FoldError>;
    /// The state as a snapshot keeps it.
    fn freeze(&self, state: &State) -> Result<Vec<u8>, FoldError>;
    /// The state that a snapshot kept.
    fn thaw(&self, frozen: &[u8]) -> Result<State, FoldError>;
    /// Makes a schema known that another release wrote events with.
    fn add_writer_schema(&self, json: &str) -> Result<(), SchemaError>;
    /// The schemas that this release writes events with.
    fn schemas(&self) -> Vec<(SchemaFingerprint, &'static str, &'static str)>;
}

/// Why the log's bytes are no state.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoldError {
    /// An event was written by another release with a schema that has to be fetched first.
    #[error("an event was written with a schema that is not known here")]
    UnknownSchema(SchemaFingerprint),
    /// An event is not what its stream holds.
    #[error(transparent)]
    Event(DecodeError),
    /// A snapshot was folded by another fold of the same version.
    #[error("a snapshot was folded by another fold")]
    OtherFold,
    /// A snapshot cannot be read or written.
    #[error("a snapshot does not fit the state: {0}")]
    Snapshot(#[from] serde_json::Error),
    /// Two deciders were given one stream.
    #[error("the state belongs to another kind of stream")]
    OtherKind,
}

pub(crate) struct Kind<D: Decider> {
    codec: Codec<D::Event>,
    /// What a snapshot begins with: which fold made it. One that changed while its version did not makes others.
    mark: String,
}

impl<D: Decider> Kind<D> {
    pub(crate) fn new() -> Result<Self, SchemaError> {
        let codec = Codec::new()?;
        let mark = fingerprint::<D>(&codec).map_or_else(|| "-".to_owned(), |fold| fold.to_string());
        Ok(Self { codec, mark: mark + " " })
    }
}

/// What the decider's fold makes of made-up events; none where it does not come to the same states twice.
fn fingerprint<D: Decider>(codec: &Codec<D::Event>) -> Option<FoldFingerprint> {
    let examples = codec.examples();
    let fold = || {
        let mut trace = FoldTrace::new();
        examples.events.iter().fold(D::State::default(), |state, happened| {
            let state = D::evolve(state, &happened.event);
            trace.json(&state);
            state
        });
        trace.finish()
    };
    // It was not made for events without sense: one that panics on them is told apart by its version alone.
    let twice = catch_unwind(AssertUnwindSafe(|| (fold(), fold()))).ok();
    twice.filter(|(one, other)| one == other).map(|(one, _)| one)
}

/// The state itself, moved out where nobody else holds it.
pub(crate) fn owned<D: Decider>(state: State) -> Result<D::State, FoldError> {
    let state: Arc<D::State> = state.downcast().map_err(|_| FoldError::OtherKind)?;
    Ok(Arc::unwrap_or_clone(state))
}

impl<D: Decider> StreamKind for Kind<D> {
    fn name(&self) -> &'static str {
        D::STREAM
    }

    fn decider(&self) -> TypeId {
        TypeId::of::<D>()
    }

    fn state_version(&self) -> u32 {
        D::STATE_VERSION
    }

    fn initial(&self) -> State {
        Arc::new(D::State::default())
    }

    fn fold(&self, state: State, events: &[LoggedEvent]) -> Result<State, FoldError> {
        // Everything is read before anything is folded: a schema that has to be fetched costs no copy of the state.
        let decoded = events.iter().map(|LoggedEvent { event, .. }| {
            self.codec.decode(&event.event_type, event.schema, &event.payload).map_err(|error| match error {
                DecodeError::UnknownSchema(fingerprint) => FoldError::UnknownSchema(fingerprint),
                error => FoldError::Event(error),
            })
        });
        let decoded: Vec<D::Event> = decoded.collect::<Result<_, _>>()?;
        Ok(Arc::new(decoded.iter().fold(owned::<D>(state)?, D::evolve)))
    }

    fn freeze(&self, state: &State) -> Result<Vec<u8>, FoldError> {
        let state: &D::State = state.downcast_ref().ok_or(FoldError::OtherKind)?;
        let mut frozen = self.mark.clone().into_bytes();
        serde_json::to_writer(&mut frozen, state)?;
        Ok(frozen)
    }

    fn thaw(&self, frozen: &[u8]) -> Result<State, FoldError> {
        let frozen = frozen.strip_prefix(self.mark.as_bytes()).ok_or(FoldError::OtherFold)?;
        let state: D::State = serde_json::from_slice(frozen)?;
        Ok(Arc::new(state))
    }

    fn add_writer_schema(&self, json: &str) -> Result<(), SchemaError> {
        self.codec.add_writer_schema(json).map(drop)
    }

    fn schemas(&self) -> Vec<(SchemaFingerprint, &'static str, &'static str)> {
        self.codec.schemas().map(|known| (known.fingerprint, known.event_type, known.json)).collect()
    }
}
