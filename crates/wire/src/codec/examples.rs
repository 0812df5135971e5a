//! Made-up events, always the same for the same schemas: what folds are compared by.
//!
//! What is made up for a field depends on its name, its type and the example's number, and so does an example's place
//! among the others: a new event type, or a new field, changes nothing else. Few ids are used, so that events have to do
//! with each other.

mod body;

use kernel::{
    Actor, EventId, EventMetadata, EventSet, Lane, Recorded, Sequence, StreamName, StreamVersion, TenantId,
    Timestamp,
};
use uuid::Uuid;

use super::{Codec, Own};
use crate::schema;
use body::{Flavour, TIME};

/// Examples of each event type.
const OF_EACH: u64 = 24;

/// Made-up events of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples<E> {
    /// In the order in which they happened. Their sequences are not dense.
    pub events: Vec<Recorded<E>>,
    /// The types of which none could be made up: they refuse what their schemas allow.
    pub none_of: Vec<&'static str>,
}

impl<E: EventSet> Codec<E> {
    /// Made-up events of every type.
    pub fn examples(&self) -> Examples<E> {
        let mut examples = Examples { events: Vec::new(), none_of: Vec::new() };
        for (event_type, _) in E::SCHEMAS {
            let own = self.inner.own.get(event_type);
            let made: Vec<_> = own.into_iter().flat_map(|own| self.examples_of(own)).collect();
            if made.is_empty() {
                examples.none_of.push(event_type);
            }
            examples.events.extend(made);
        }
        examples.events.sort_by_key(|event| event.sequence);
        examples
    }

    fn examples_of(&self, own: &Own) -> Vec<Recorded<E>> {
        let Ok(schema) = schema::parse(own.known.json) else { return Vec::new() };
        let event_type = own.known.event_type;
        let made = (0..OF_EACH).filter_map(|number| {
            let seed = body::scatter(number, event_type);
            let of_flavour = |flavour| {
                let body = body::of(&schema, seed, flavour)?;
                self.decode(event_type, own.known.fingerprint, &body).ok()
            };
            Flavour::ALL.into_iter().find_map(of_flavour).and_then(|event| recorded(seed, event))
        });
        made.collect()
    }
}

/// The event at a place that its number tells.
fn recorded<E>(number: u64, event: E) -> Option<Recorded<E>> {
    let id = Uuid::from_u64_pair(number, number);
    Some(Recorded {
        id: EventId(id),
        tenant: TenantId::new("example").ok()?,
        lane: Lane::new(0),
        sequence: Sequence::new(number >> 1),
        stream: StreamName::of("example", id),
        version: StreamVersion::new(1),
        // The earliest and the latest are some weeks apart.
        recorded_at: Timestamp::from_micros(TIME + i64::try_from(number >> 23).ok()?),
        metadata: EventMetadata::from_outside(id, Actor::new("example")),
        event,
    })
}
