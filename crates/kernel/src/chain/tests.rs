use bytes::Bytes;
use uuid::Uuid;

use super::*;
use crate::{Actor, EventId, EventMetadata, SchemaFingerprint, StreamName, StreamVersion};

fn event() -> NewEvent {
    NewEvent {
        id: EventId(Uuid::from_u128(1)),
        event_type: "ProductCreated".into(),
        stream: StreamName::of("product", Uuid::from_u128(2)),
        version: StreamVersion::new(1),
        schema: SchemaFingerprint(7),
        payload: Bytes::from_static(b"body"),
        metadata: EventMetadata {
            correlation_id: Uuid::from_u128(3),
            causation_id: None,
            command_id: Uuid::from_u128(4),
            actor: Actor::new("ada"),
            traceparent: None,
        },
    }
}

#[test]
fn a_change_to_any_field_changes_the_digest() {
    let tenant = TenantId::new("acme").unwrap();
    let original = EventDigest::of(&tenant, &event());
    let changes: [fn(&mut NewEvent); 11] = [
        |e| e.id = EventId(Uuid::from_u128(9)),
        |e| e.event_type = "PriceChanged".into(),
        |e| e.stream = StreamName::of("product", Uuid::from_u128(9)),
        |e| e.version = StreamVersion::new(2),
        |e| e.schema = SchemaFingerprint(8),
        |e| e.payload = Bytes::from_static(b"bodi"),
        |e| e.metadata.correlation_id = Uuid::from_u128(9),
        |e| e.metadata.causation_id = Some(Uuid::nil()),
        |e| e.metadata.command_id = Uuid::from_u128(9),
        |e| e.metadata.actor = Actor::new("eve"),
        |e| e.metadata.traceparent = Some("00-1".into()),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut changed = event();
        change(&mut changed);
        assert_ne!(EventDigest::of(&tenant, &changed), original, "change {index} went unnoticed");
    }
    assert_ne!(EventDigest::of(&TenantId::new("evil").unwrap(), &event()), original);
}

#[test]
fn the_chain_tells_order_place_and_time() {
    let digest = EventDigest::of(&TenantId::new("acme").unwrap(), &event());
    let at = |sequence, micros| {
        ChainHash::GENESIS.extend(&digest, Sequence::new(sequence), Timestamp::from_micros(micros))
    };
    assert_ne!(at(1, 5), at(2, 5));
    assert_ne!(at(1, 5), at(1, 6));
    assert_eq!(ChainHash::from_hex(&at(1, 5).to_string()), Some(at(1, 5)));
}
