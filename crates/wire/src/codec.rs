//! Events to Avro bodies and back.
//!
//! `apache-avro` parses the schemas; the bodies are read and written here, straight between bytes and serde.
//! Its own direct path can read only what was written with the very same schema, and old events are most of what
//! a rebuild reads.

mod examples;
mod plan;
mod reading;
mod shape;
mod writing;

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use kernel::{EventDecoder, EventEncoder, EventSet, SchemaFingerprint};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::schema::{self, SchemaError};
pub use examples::Examples;
use plan::Plan;
use shape::{RecordShape, Shape};

/// Encodes and decodes the events of one set. Clones share everything.
pub struct Codec<E> {
    inner: Arc<Inner>,
    events: PhantomData<fn() -> E>,
}

impl<E> Clone for Codec<E> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), events: PhantomData }
    }
}

impl<E> std::fmt::Debug for Codec<E> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Codec").field("events", &self.inner.own.keys()).finish_non_exhaustive()
    }
}

struct Inner {
    own: HashMap<&'static str, Own>,
    /// Other versions that events were written with. Found by fingerprint; never forgotten, since the events
    /// that need them come in any order.
    foreign: RwLock<HashMap<SchemaFingerprint, Foreign>>,
}

struct Own {
    known: KnownSchema,
    name: String,
    shape: Shape,
    plan: Plan,
}

#[derive(Clone)]
struct Foreign {
    event_type: &'static str,
    plan: Arc<Plan>,
}

/// How many other versions a codec keeps. A context changes its schemas a few times a year.
const MOST_FOREIGN: usize = 4096;

/// An event's body, ready for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The event's type.
    pub event_type: &'static str,
    /// The schema that the body was written with.
    pub schema: SchemaFingerprint,
    /// The bare Avro body.
    pub payload: Bytes,
}

/// A schema of the codec's own set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSchema {
    /// Its fingerprint.
    pub fingerprint: SchemaFingerprint,
    /// The event type.
    pub event_type: &'static str,
    /// Its text.
    pub json: &'static str,
}

/// Why an event has no body: its Rust type and its schema disagree, which a test shows before release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event_type} does not fit its schema: {reason}")]
pub struct EncodeError {
    event_type: &'static str,
    reason: String,
}

/// Why a body is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The set has no event of this type.
    #[error("no event type {0}")]
    UnknownType(String),
    /// The schema that the body was written with is not known yet: see [`Codec::add_writer_schema`].
    #[error("schema {0:?} is not known")]
    UnknownSchema(SchemaFingerprint),
    /// The bytes are not what the schema describes, or what it describes is no event of this type.
    #[error("not a body of {event_type}: {reason}")]
    Malformed {
        /// The event's type.
        event_type: &'static str,
        /// Why, without the values.
        reason: String,
    },
}

impl<E: EventSet> Codec<E> {
    /// Parses the set's schemas.
    pub fn new() -> Result<Self, SchemaError> {
        let mut own = HashMap::new();
        for (event_type, json) in E::SCHEMAS {
            let shape = RecordShape::of(&schema::parse(json)?)?;
            let known = KnownSchema { fingerprint: schema::fingerprint(json)?, event_type, json };
            let (name, plan) = (shape.name.clone(), Plan::record(&shape, &shape)?);
            let misnamed = simple_name(&name) != *event_type;
            if misnamed || own.contains_key(event_type) {
                return Err(SchemaError::Misnamed { event_type: (*event_type).to_owned(), name });
            }
            own.insert(*event_type, Own { known, name, shape: Shape::Record(shape), plan });
        }
        let inner = Inner { own, foreign: RwLock::new(HashMap::new()) };
        Ok(Self { inner: Arc::new(inner), events: PhantomData })
    }

    /// The event's body, written with the set's own schema.
    pub fn encode(&self, event: &E) -> Result<Encoded, EncodeError> {
        event.encode(Encoder(&self.inner))
    }

    /// The event that `payload` was written for, whatever version of its schema it was written with.
    pub fn decode(
        &self,
        event_type: &str,
        schema: SchemaFingerprint,
        payload: &[u8],
    ) -> Result<E, DecodeError> {
        let decoder = Decoder { inner: &self.inner, schema, payload };
        E::decode(event_type, decoder).unwrap_or_else(|| Err(DecodeError::UnknownType(event_type.to_owned())))
    }

    /// Makes a schema known that events were written with: an older or a newer version of one of the set's own.
    /// A schema of an event that the set does not have is accepted and changes nothing.
    pub fn add_writer_schema(&self, json: &str) -> Result<SchemaFingerprint, SchemaError> {
        let fingerprint = schema::fingerprint(json)?;
        let name = schema::record_name(json)?;
        let Some(own) = self.inner.own.values().find(|own| own.name == name) else { return Ok(fingerprint) };
        if own.known.fingerprint == fingerprint {
            return Ok(fingerprint);
        }
        let writer = RecordShape::of(&schema::parse(json)?)?;
        let Shape::Record(reader) = &own.shape else { return Err(SchemaError::NotARecord) };
        let plan = Arc::new(Plan::record(&writer, reader)?);
        let mut foreign = self.inner.foreign.write().unwrap_or_else(PoisonError::into_inner);
        if foreign.len() >= MOST_FOREIGN && !foreign.contains_key(&fingerprint) {
            return Err(SchemaError::TooMany(MOST_FOREIGN));
        }
        foreign.insert(fingerprint, Foreign { event_type: own.known.event_type, plan });
        Ok(fingerprint)
    }

    /// The set's own schemas.
    pub fn schemas(&self) -> impl Iterator<Item = KnownSchema> {
        self.inner.own.values().map(|own| own.known)
    }
}

fn simple_name(full_name: &str) -> &str {
    full_name.rsplit_once('.').map_or(full_name, |(_, name)| name)
}

/// Most bodies are shorter; a longer one grows once or twice.
const USUAL_BODY: usize = 256;

struct Encoder<'a>(&'a Inner);

impl EventEncoder for Encoder<'_> {
    type Output = Encoded;
    type Error = EncodeError;

    fn encode<T: Serialize>(self, event_type: &'static str, body: &T) -> Result<Encoded, EncodeError> {
        let failed = |reason: String| EncodeError { event_type, reason };
        let own = self.0.own.get(event_type).ok_or_else(|| failed("it has none".to_owned()))?;
        let mut payload = Vec::with_capacity(USUAL_BODY);
        writing::write(&own.shape, body, &mut payload).map_err(|error| failed(error.to_string()))?;
        Ok(Encoded { event_type, schema: own.known.fingerprint, payload: payload.into() })
    }
}

struct Decoder<'a> {
    inner: &'a Inner,
    schema: SchemaFingerprint,
    payload: &'a [u8],
}

impl EventDecoder for Decoder<'_> {
    type Error = DecodeError;

    fn decode<T: DeserializeOwned>(self, event_type: &'static str) -> Result<T, DecodeError> {
        let malformed = |reason: String| DecodeError::Malformed { event_type, reason };
        let own = self.inner.own.get(event_type);
        let own = own.ok_or_else(|| DecodeError::UnknownType(event_type.to_owned()))?;
        if own.known.fingerprint == self.schema {
            return reading::read(&own.plan, self.payload).map_err(|error| malformed(error.to_string()));
        }
        let foreign = self.inner.foreign.read().unwrap_or_else(PoisonError::into_inner);
        let foreign = foreign.get(&self.schema).cloned().ok_or(DecodeError::UnknownSchema(self.schema))?;
        if foreign.event_type != event_type {
            return Err(malformed(format!("its schema is that of {}", foreign.event_type)));
        }
        reading::read(&foreign.plan, self.payload).map_err(|error| malformed(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
