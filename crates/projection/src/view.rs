//! A view, its events and its rows without their types: what feeds and keeps views is compiled once for each kind of
//! store, and not once more for each view.
//!
//! Invariant: what a view is shown came from itself. Its events it decoded, its rows it read or folded.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use kernel::{
    EventMetadata, EventSet, Keys, Link, LoggedEvent, NewEvent, Recorded, RowKey, Sequence, StreamName,
    TenantId, Timestamp, Unfoldable, View,
};
use serde_json::Value;
use wire::{Codec, DecodeError, SchemaError};

/// A view. Clones share what they have learnt of schemas.
#[derive(Clone)]
pub struct AnyView {
    name: &'static str,
    version: u32,
    folds: Arc<dyn Folds>,
}

/// An event with its place in history.
#[derive(Clone, Debug)]
pub struct AnyEvent(Arc<dyn Happened>);

/// A row of a view.
#[derive(Clone)]
pub struct AnyRow(Arc<dyn Any + Send + Sync>);

/// Events made up for each type, and the types for which none could be.
pub(crate) struct Examples {
    pub(crate) events: Vec<AnyEvent>,
    pub(crate) none_of: Vec<&'static str>,
}

impl AnyView {
    /// `V`, with the schemas that its events have here.
    pub fn of<V: View>() -> Result<Self, SchemaError> {
        Ok(Self { name: V::NAME, version: V::VERSION, folds: Arc::new(Typed::<V> { codec: Codec::new()? }) })
    }

    /// As [`View::NAME`].
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// As [`View::VERSION`].
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The event that was logged.
    pub fn decode(&self, logged: &LoggedEvent) -> Result<AnyEvent, DecodeError> {
        self.folds.decode(logged)
    }

    /// From now on, events that were written with this schema can be decoded.
    pub fn add_writer_schema(&self, json: &str) -> Result<(), SchemaError> {
        self.folds.add_writer_schema(json)
    }

    /// As [`View::keys`].
    pub fn keys(&self, event: &AnyEvent) -> Keys {
        self.folds.keys(event)
    }

    /// As [`View::evolve`].
    pub fn evolve(
        &self,
        key: &RowKey,
        row: Option<AnyRow>,
        event: &AnyEvent,
    ) -> Result<Option<AnyRow>, Unfoldable> {
        self.folds.evolve(key, row, event)
    }

    /// As [`View::links`].
    pub fn links(&self, row: &AnyRow) -> Vec<Link> {
        self.folds.links(row)
    }

    /// A row from its JSON text.
    pub fn row(&self, json: &str) -> serde_json::Result<AnyRow> {
        self.folds.row(json)
    }

    /// The row's JSON text.
    pub fn json(&self, row: &AnyRow) -> serde_json::Result<String> {
        self.folds.json(row)
    }

    pub(crate) fn value(&self, row: &AnyRow) -> serde_json::Result<Value> {
        self.folds.value(row)
    }

    /// Whether they say the same.
    pub fn are_equal(&self, one: &AnyRow, other: &AnyRow) -> bool {
        self.folds.are_equal(one, other)
    }

    pub(crate) fn examples(&self) -> Examples {
        self.folds.examples()
    }
}

impl fmt::Debug for AnyView {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} v{}", self.name, self.version)
    }
}

impl AnyEvent {
    /// Whose it is.
    pub fn tenant(&self) -> &TenantId {
        self.0.place().tenant
    }

    /// Its stream.
    pub fn stream(&self) -> &StreamName {
        self.0.place().stream
    }

    /// Its place in the log.
    pub fn sequence(&self) -> Sequence {
        self.0.place().sequence
    }

    /// When it was recorded.
    pub fn recorded_at(&self) -> Timestamp {
        self.0.place().recorded_at
    }

    /// Who and what caused it.
    pub fn metadata(&self) -> &EventMetadata {
        self.0.place().metadata
    }

    /// As an event of this set; none where it is of another.
    pub fn as_of<E: EventSet>(&self) -> Option<&Recorded<E>> {
        let whole: &dyn Any = &*self.0;
        whole.downcast_ref()
    }
}

impl<E: EventSet> From<Recorded<E>> for AnyEvent {
    fn from(event: Recorded<E>) -> Self {
        Self(Arc::new(event))
    }
}

/// What is known of an event whatever its type.
struct Place<'a> {
    tenant: &'a TenantId,
    stream: &'a StreamName,
    sequence: Sequence,
    recorded_at: Timestamp,
    metadata: &'a EventMetadata,
}

trait Happened: Any + fmt::Debug + Send + Sync {
    fn place(&self) -> Place<'_>;
}

impl<E: EventSet> Happened for Recorded<E> {
    fn place(&self) -> Place<'_> {
        Place {
            tenant: &self.tenant,
            stream: &self.stream,
            sequence: self.sequence,
            recorded_at: self.recorded_at,
            metadata: &self.metadata,
        }
    }
}

trait Folds: Send + Sync {
    fn decode(&self, logged: &LoggedEvent) -> Result<AnyEvent, DecodeError>;
    fn add_writer_schema(&self, json: &str) -> Result<(), SchemaError>;
    fn keys(&self, event: &AnyEvent) -> Keys;
    fn evolve(
        &self,
        key: &RowKey,
        row: Option<AnyRow>,
        event: &AnyEvent,
    ) -> Result<Option<AnyRow>, Unfoldable>;
    fn links(&self, row: &AnyRow) -> Vec<Link>;
    fn row(&self, json: &str) -> serde_json::Result<AnyRow>;
    fn json(&self, row: &AnyRow) -> serde_json::Result<String>;
    fn value(&self, row: &AnyRow) -> serde_json::Result<Value>;
    fn are_equal(&self, one: &AnyRow, other: &AnyRow) -> bool;
    fn examples(&self) -> Examples;
}

struct Typed<V: View> {
    codec: Codec<V::Event>,
}

impl<V: View> Folds for Typed<V> {
    fn decode(&self, logged: &LoggedEvent) -> Result<AnyEvent, DecodeError> {
        let event = &logged.event;
        let decoded = self.codec.decode(&event.event_type, event.schema, &event.payload)?;
        Ok(recorded(logged, decoded).into())
    }

    fn add_writer_schema(&self, json: &str) -> Result<(), SchemaError> {
        self.codec.add_writer_schema(json).map(drop)
    }

    fn keys(&self, event: &AnyEvent) -> Keys {
        V::keys(own_event::<V>(event))
    }

    fn evolve(
        &self,
        key: &RowKey,
        row: Option<AnyRow>,
        event: &AnyEvent,
    ) -> Result<Option<AnyRow>, Unfoldable> {
        let row = row.map(|AnyRow(row)| Arc::unwrap_or_clone(own(row.downcast::<V::Row>().ok())));
        Ok(V::evolve(key, row, own_event::<V>(event))?.map(any::<V>))
    }

    fn links(&self, row: &AnyRow) -> Vec<Link> {
        V::links(own_row::<V>(row))
    }

    fn row(&self, json: &str) -> serde_json::Result<AnyRow> {
        serde_json::from_str(json).map(any::<V>)
    }

    fn json(&self, row: &AnyRow) -> serde_json::Result<String> {
        serde_json::to_string(own_row::<V>(row))
    }

    fn value(&self, row: &AnyRow) -> serde_json::Result<Value> {
        serde_json::to_value(own_row::<V>(row))
    }

    fn are_equal(&self, one: &AnyRow, other: &AnyRow) -> bool {
        own_row::<V>(one) == own_row::<V>(other)
    }

    fn examples(&self) -> Examples {
        let examples = self.codec.examples();
        let events = examples.events.into_iter().map(AnyEvent::from).collect();
        Examples { events, none_of: examples.none_of }
    }
}

fn any<V: View>(row: V::Row) -> AnyRow {
    AnyRow(Arc::new(row))
}

fn own_event<V: View>(event: &AnyEvent) -> &Recorded<V::Event> {
    own(event.as_of())
}

fn own_row<V: View>(row: &AnyRow) -> &V::Row {
    own(row.0.downcast_ref())
}

/// By the module's invariant.
#[expect(clippy::expect_used, reason = "a view is shown only what came from itself")]
fn own<T>(cast: Option<T>) -> T {
    cast.expect("a view is shown what is of another")
}

fn recorded<E>(logged: &LoggedEvent, event: E) -> Recorded<E> {
    let NewEvent { id, stream, version, metadata, .. } = &logged.event;
    Recorded {
        id: *id,
        tenant: logged.tenant.clone(),
        lane: logged.log.lane,
        sequence: logged.sequence,
        stream: stream.clone(),
        version: *version,
        recorded_at: logged.recorded_at,
        metadata: metadata.clone(),
        event,
    }
}
