//! Events on their way to instances: to the lane runtime, a process is a view whose rows are the events that its
//! instances are to hear, one row for each.
//!
//! A row is named `<instance>/<sequence>`, so that a repeat changes nothing and an instance's rows are in the order of
//! the log. What becomes of a row once it is heard is the steps' business.

use std::marker::PhantomData;
use std::sync::Arc;

use kernel::{
    Actor, EventDecoder, EventEncoder, EventId, EventMetadata, EventSet, Keys, Lane, Process, ReadStore,
    Recorded, Route, RowKey, Sequence, StreamName, StreamVersion, TenantId, Timestamp, Unfoldable, View,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

/// What the table of such rows has beyond a view's: see `services/projector-postgres/src/tables/README.md`. The state
/// is not of the row and survives when the lane writes the row again.
pub(crate) const SHAPE: &str = "
    ALTER TABLE rows ADD COLUMN IF NOT EXISTS instance uuid
        GENERATED ALWAYS AS ((row ->> 'instance')::uuid) STORED;
    ALTER TABLE rows ADD COLUMN IF NOT EXISTS starts boolean
        GENERATED ALWAYS AS ((row ->> 'starts')::boolean) STORED;
    ALTER TABLE rows ADD COLUMN IF NOT EXISTS state text NOT NULL DEFAULT 'waiting'
        CONSTRAINT rows_state_known CHECK (state IN ('waiting', 'early', 'heard'));
    ALTER TABLE rows ADD COLUMN IF NOT EXISTS arrived bigint GENERATED ALWAYS AS IDENTITY;
    CREATE INDEX IF NOT EXISTS rows_waiting ON rows (arrived) WHERE state = 'waiting'";

/// The first and only build: an inbox is not built anew.
pub(crate) const BUILD: u32 = 1;

/// A process as a view.
pub(crate) struct Inbox<P>(PhantomData<fn() -> P>);

impl<P: Process> View for Inbox<P> {
    const NAME: &'static str = P::NAME;
    const VERSION: u32 = BUILD;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = P::Event;
    type Row = Arrived;

    fn keys(event: &Recorded<P::Event>) -> Keys {
        match P::route(event).instance() {
            Some(instance) => Keys::one(key(instance, event.sequence)),
            None => Keys::None,
        }
    }

    fn evolve(
        _: &RowKey,
        row: Option<Arrived>,
        event: &Recorded<P::Event>,
    ) -> Result<Option<Arrived>, Unfoldable> {
        if row.is_some() {
            return Ok(row);
        }
        let route = P::route(event);
        let instance = route.instance().ok_or_else(|| Unfoldable::because("the event is for nobody now"))?;
        let starts = matches!(route, Route::Start(_));
        let arrived = Arrived::of(instance, starts, event);
        arrived.map(Some).map_err(|error| Unfoldable::because(format!("an event has no JSON: {error}")))
    }
}

fn key(instance: Uuid, sequence: Sequence) -> RowKey {
    RowKey::from(format!("{instance}/{:020}", sequence.number()))
}

/// An event that an instance is to hear.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Arrived {
    pub(crate) instance: Uuid,
    pub(crate) starts: bool,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) id: EventId,
    pub(crate) lane: Lane,
    pub(crate) sequence: Sequence,
    pub(crate) stream: StreamName,
    pub(crate) version: StreamVersion,
    pub(crate) recorded_at: Timestamp,
    pub(crate) correlation_id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) causation_id: Option<Uuid>,
    pub(crate) command_id: Uuid,
    pub(crate) actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) traceparent: Option<String>,
    pub(crate) event: Value,
}

/// Why a row is no event of the process.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAnEvent {
    #[error("{0} is no event of this process")]
    Type(String),
    #[error("{event_type} does not read, at {line}:{column}")]
    Body { event_type: String, line: usize, column: usize },
}

impl Arrived {
    fn of<E: EventSet>(
        instance: Uuid,
        starts: bool,
        recorded: &Recorded<E>,
    ) -> Result<Self, serde_json::Error> {
        let metadata = &recorded.metadata;
        Ok(Self {
            instance,
            starts,
            event_type: recorded.event.event_type().to_owned(),
            id: recorded.id,
            lane: recorded.lane,
            sequence: recorded.sequence,
            stream: recorded.stream.clone(),
            version: recorded.version,
            recorded_at: recorded.recorded_at,
            correlation_id: metadata.correlation_id,
            causation_id: metadata.causation_id,
            command_id: metadata.command_id,
            actor: metadata.actor.clone(),
            traceparent: metadata.traceparent.as_deref().map(str::to_owned),
            event: recorded.event.encode(AsJson)?,
        })
    }

    /// The event as the process takes it.
    pub(crate) fn recorded<E: EventSet>(&self, tenant: &TenantId) -> Result<Recorded<E>, NotAnEvent> {
        let unknown = || NotAnEvent::Type(self.event_type.clone());
        let decoded = E::decode(&self.event_type, FromJson(&self.event)).ok_or_else(unknown)?;
        // Only the place: the text may quote the event.
        let event = decoded.map_err(|error| NotAnEvent::Body {
            event_type: self.event_type.clone(),
            line: error.line(),
            column: error.column(),
        })?;
        Ok(Recorded {
            id: self.id,
            tenant: tenant.clone(),
            lane: self.lane,
            sequence: self.sequence,
            stream: self.stream.clone(),
            version: self.version,
            recorded_at: self.recorded_at,
            metadata: EventMetadata {
                correlation_id: self.correlation_id,
                causation_id: self.causation_id,
                command_id: self.command_id,
                actor: self.actor.clone(),
                traceparent: self.traceparent.as_deref().map(Arc::from),
            },
            event,
        })
    }
}

struct AsJson;

impl EventEncoder for AsJson {
    type Output = Value;
    type Error = serde_json::Error;

    fn encode<T: Serialize>(self, _: &'static str, body: &T) -> Result<Value, serde_json::Error> {
        serde_json::to_value(body)
    }
}

struct FromJson<'a>(&'a Value);

impl EventDecoder for FromJson<'_> {
    type Error = serde_json::Error;

    fn decode<T: DeserializeOwned>(self, _: &'static str) -> Result<T, serde_json::Error> {
        T::deserialize(self.0)
    }
}
