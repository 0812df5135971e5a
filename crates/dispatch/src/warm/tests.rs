use uuid::Uuid;

use super::*;

fn key(tenant: &str, id: u128) -> StreamKey {
    StreamKey {
        context: "library",
        tenant: TenantId::new(tenant).unwrap(),
        stream: StreamName::of("book", Uuid::from_u128(id)),
    }
}

fn at(version: u64, weight: u64) -> Loaded {
    Loaded {
        version: StreamVersion::new(version),
        state: Arc::new(()),
        last: None,
        snapshot: StreamVersion::ZERO,
        weight,
    }
}

#[test]
fn a_state_serves_its_own_tenant_only() {
    let warm = WarmStates::new(1 << 20);
    warm.put(key("acme", 1), at(1, 0));
    assert!(warm.get(&key("acme", 1)).is_some());
    assert!(warm.get(&key("other", 1)).is_none());
}

#[test]
fn an_earlier_state_does_not_replace_a_later_one() {
    let warm = WarmStates::new(1 << 20);
    warm.put(key("acme", 1), at(3, 0));
    warm.put(key("acme", 1), at(2, 0));
    assert_eq!(warm.get(&key("acme", 1)).unwrap().version, StreamVersion::new(3));
}

#[test]
fn states_together_never_weigh_more_than_was_given() {
    let bytes = 1 << 16;
    let warm = WarmStates::new(bytes);
    for id in 0..10_000 {
        warm.put(key("acme", id), at(1, 512));
        assert!(warm.weight() <= bytes);
    }
    assert!(warm.weight() > 0);
}
