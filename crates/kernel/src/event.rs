//! Events: what happened, typed.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{EventId, EventMetadata, Lane, Sequence, Source, StreamName, StreamVersion, TenantId, Timestamp};

/// A closed set of event types, each a struct named like its schema. Made with [`events!`](crate::events).
pub trait EventSet: Sized + Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The type names, `ProductCreated`, each with the text of its Avro schema.
    const SCHEMAS: &'static [(&'static str, &'static str)];

    /// The type name of this event.
    fn event_type(&self) -> &'static str;

    /// Hands the event's body to an encoder.
    fn encode<E: EventEncoder>(&self, encoder: E) -> Result<E::Output, E::Error>;

    /// Reads an event of the named type; `None` where the set has no such type.
    fn decode<D: EventDecoder>(event_type: &str, decoder: D) -> Option<Result<Self, D::Error>>;
}

/// Turns an event's body into bytes; implemented where the format is known.
pub trait EventEncoder {
    /// What encoding gives.
    type Output;
    /// Why it failed.
    type Error;
    /// Encodes the body of an event of this type.
    fn encode<T: Serialize>(self, event_type: &'static str, body: &T) -> Result<Self::Output, Self::Error>;
}

/// Turns bytes into an event's body; implemented where the format is known.
pub trait EventDecoder {
    /// Why it failed.
    type Error;
    /// Decodes the body of an event of this type.
    fn decode<T: DeserializeOwned>(self, event_type: &'static str) -> Result<T, Self::Error>;
}

/// An event with its place in history.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded<E> {
    /// Its id.
    pub id: EventId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The lane of its log.
    pub lane: Lane,
    /// Its place in the log.
    pub sequence: Sequence,
    /// Its stream.
    pub stream: StreamName,
    /// Its place in the stream.
    pub version: StreamVersion,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Who and what caused it.
    pub metadata: EventMetadata,
    /// What happened.
    pub event: E,
}

impl<E> Recorded<E> {
    /// Whether its stream is one of these, or of these kinds.
    pub fn is_in(&self, sources: &[Source]) -> bool {
        sources.iter().any(|source| source.may_hold(&self.stream))
    }
}

/// Makes a set of events. Each variant is named like the struct it carries and like its schema file.
///
/// ```text
/// events! {
///     /// What can happen to a category.
///     pub enum CategoryEvent in "schemas/catalog" { CategoryCreated, CategoryRenamed }
/// }
/// ```
/// The folder is relative to the workspace; a missing schema file does not compile.
#[macro_export]
macro_rules! events {
    ($(#[$doc:meta])* pub enum $set:ident in $folder:literal { $($event:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)]
        pub enum $set { $($event($event)),+ }

        $(impl From<$event> for $set {
            fn from(event: $event) -> Self { Self::$event(event) }
        })+

        impl $crate::EventSet for $set {
            const SCHEMAS: &'static [(&'static str, &'static str)] = &[
                $((stringify!($event), include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"), "/../../../", $folder, "/", stringify!($event), ".avsc"
                )))),+
            ];

            fn event_type(&self) -> &'static str {
                match self { $(Self::$event(_) => stringify!($event)),+ }
            }

            fn encode<E: $crate::EventEncoder>(&self, encoder: E) -> Result<E::Output, E::Error> {
                match self { $(Self::$event(body) => encoder.encode(stringify!($event), body)),+ }
            }

            fn decode<D: $crate::EventDecoder>(event_type: &str, decoder: D) -> Option<Result<Self, D::Error>> {
                match event_type {
                    $(stringify!($event) =>
                        Some(decoder.decode::<$event>(stringify!($event)).map(Self::$event)),)+
                    _ => None,
                }
            }
        }
    };
}

/// Makes the union of a context's event sets: what its views fold.
#[macro_export]
macro_rules! context_events {
    ($(#[$doc:meta])* pub enum $union:ident { $($part:ident($set:ident)),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)]
        pub enum $union { $($part($set)),+ }

        $(impl From<$set> for $union {
            fn from(event: $set) -> Self { Self::$part(event) }
        })+

        impl $crate::EventSet for $union {
            const SCHEMAS: &'static [(&'static str, &'static str)] = {
                const JOINED: [(&str, &str); $crate::union_type_count(&[$(<$set as $crate::EventSet>::SCHEMAS),+])] = {
                    let mut joined = [("", ""); $crate::union_type_count(&[$(<$set as $crate::EventSet>::SCHEMAS),+])];
                    let sets: &[&[(&str, &str)]] = &[$(<$set as $crate::EventSet>::SCHEMAS),+];
                    let (mut set, mut at) = (0, 0);
                    while set < sets.len() {
                        let mut index = 0;
                        while index < sets[set].len() {
                            joined[at] = sets[set][index];
                            at += 1;
                            index += 1;
                        }
                        set += 1;
                    }
                    joined
                };
                &JOINED
            };

            fn event_type(&self) -> &'static str {
                match self { $(Self::$part(event) => event.event_type()),+ }
            }

            fn encode<E: $crate::EventEncoder>(&self, encoder: E) -> Result<E::Output, E::Error> {
                match self { $(Self::$part(event) => event.encode(encoder)),+ }
            }

            fn decode<D: $crate::EventDecoder>(event_type: &str, decoder: D) -> Option<Result<Self, D::Error>> {
                $(if <$set as $crate::EventSet>::SCHEMAS.iter().any(|(name, _)| *name == event_type) {
                    return <$set as $crate::EventSet>::decode(event_type, decoder)
                        .map(|event| event.map(Self::$part));
                })+
                None
            }
        }
    };
}

#[doc(hidden)]
pub const fn union_type_count(sets: &[&[(&str, &str)]]) -> usize {
    let (mut set, mut count) = (0, 0);
    while set < sets.len() {
        count += sets[set].len();
        set += 1;
    }
    count
}
