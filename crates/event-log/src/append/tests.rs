use kernel::{StreamName, StreamVersion};
use uuid::Uuid;

use super::NetClaim;
use crate::{Append, Beside, ClaimChange, Guard};

fn take(value: &str) -> ClaimChange {
    ClaimChange::Take { set: "sku", value: value.to_owned() }
}

fn release(value: &str) -> ClaimChange {
    ClaimChange::Release { set: "sku", value: value.to_owned() }
}

fn net(claims: Vec<ClaimChange>) -> Vec<NetClaim> {
    let stream = StreamName::of("product", Uuid::nil());
    let guards = vec![Guard { stream: stream.clone(), version: StreamVersion::ZERO }];
    Append { stream, guards, events: Vec::new(), claims, once: None, beside: Beside::nothing() }.net_claims()
}

#[test]
fn several_changes_to_one_value_come_to_one() {
    assert_eq!(
        net(vec![release("a"), take("b"), take("a"), take("c"), release("c"), release("d")]),
        [
            NetClaim { taken_at: Some(2), named_at: 0, held: true },
            NetClaim { taken_at: Some(1), named_at: 1, held: true },
            NetClaim { taken_at: Some(3), named_at: 3, held: false },
            NetClaim { taken_at: None, named_at: 5, held: false },
        ]
    );
}
