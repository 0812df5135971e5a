//! Whatever is asked of a product's stock, in whatever order, its books stay right.

use kernel::{Actor, Command, Facts, Reads, StreamName, Timestamp, Violations};
use proptest::prelude::*;
use std::sync::Arc;

use super::*;
use crate::Product;

#[derive(Debug, Clone)]
enum Asked {
    Receive(ReceiveStock),
    Reserve(ReserveStock),
    Release(ReleaseStock),
    Ship(ShipStock),
    Adjust(AdjustStock),
    Transfer(TransferStock),
}

fn location() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["Berlin", "Paris", "Rome"]).prop_map(str::to_owned)
}

fn reservation() -> impl Strategy<Value = Uuid> {
    (1..8u128).prop_map(Uuid::from_u128)
}

fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        (location(), -1..20i64).prop_map(|(at, quantity)| Asked::Receive(receive(&at, quantity))),
        (prop::option::of(location()), reservation(), 0..20i64).prop_map(|(location, id, quantity)| {
            Asked::Reserve(ReserveStock { location, ..reserve(id, quantity) })
        }),
        reservation().prop_map(|id| Asked::Release(release(id))),
        reservation().prop_map(|id| Asked::Release(close(id))),
        reservation().prop_map(|id| Asked::Ship(ship(id))),
        (location(), 0..20i64).prop_map(|(at, counted)| Asked::Adjust(adjust(&at, counted))),
        (location(), location(), 1..10i64)
            .prop_map(|(from, to, quantity)| Asked::Transfer(transfer(&from, &to, quantity))),
    ]
}

fn decide<C: Command<Decider = Stock>>(command: &C, state: &StockState) -> Vec<StockEvent> {
    let mut violations = Violations::default();
    command.validate(&mut violations);
    if !violations.is_empty() {
        return Vec::new();
    }
    let product = Product::fold(&[product_created().into()]);
    let mut facts = Facts::new(Timestamp::from_micros(0), CHAIR, Actor::new("tester"));
    if !Reads::streams(&command.reads(CHAIR, state)).is_empty() {
        facts = facts.with_state(StreamName::of(Product::STREAM, CHAIR), Arc::new(product));
    }
    command.decide(state, &facts).map_or_else(|_| Vec::new(), |decision| decision.events)
}

fn answer(asked: &Asked, state: &StockState) -> Vec<StockEvent> {
    match asked {
        Asked::Receive(command) => decide(command, state),
        Asked::Reserve(command) => decide(command, state),
        Asked::Release(command) => decide(command, state),
        Asked::Ship(command) => decide(command, state),
        Asked::Adjust(command) => decide(command, state),
        Asked::Transfer(command) => decide(command, state),
    }
}

/// How many pieces an event brings into being; what is reserved, released or moved stays where it was in sum.
fn brought(event: &StockEvent) -> i64 {
    match event {
        StockEvent::StockReceived(received) => received.quantity,
        StockEvent::StockShipped(shipped) => -sum(&shipped.parts),
        StockEvent::StockAdjusted(adjusted) => adjusted.counted - adjusted.previous,
        StockEvent::StockReserved(_) | StockEvent::StockReleased(_) | StockEvent::StockTransferred(_) => 0,
    }
}

fn sum(parts: &[StockPart]) -> i64 {
    parts.iter().map(|part| part.quantity).sum()
}

proptest! {
    #[test]
    fn the_books_stay_right_whatever_is_asked(asked in prop::collection::vec(asked(), 0..80)) {
        let mut state = StockState::default();
        let mut brought_in = 0;
        for command in asked {
            let ended = |id| state.has_seen(id) || state.closed.contains(&id);
            let repeated = matches!(&command, Asked::Reserve(it) if ended(it.reservation_id));
            let events = answer(&command, &state);
            prop_assert!(events.len() <= 1);
            prop_assert!(!repeated || events.is_empty(), "a repeated reservation recorded {events:?}");
            for event in events {
                brought_in += brought(&event);
                state = Stock::evolve(state, &event);
            }

            let levels = &state.levels;
            prop_assert_eq!(levels.total, brought_in);
            prop_assert_eq!(levels.reserved, state.reservations.values().map(|parts| sum(parts)).sum::<i64>());
            for level in &levels.locations {
                prop_assert!(level.available >= 0 && level.reserved >= 0, "{:?}", level);
                prop_assert_eq!(level.total, level.available + level.reserved);
            }
            let over = |of: fn(&LocationLevel) -> i64| levels.locations.iter().map(of).sum::<i64>();
            prop_assert_eq!(levels.total, over(|level| level.total));
            prop_assert_eq!(levels.available, over(|level| level.available));
            prop_assert_eq!(levels.reserved, over(|level| level.reserved));
        }
    }
}
