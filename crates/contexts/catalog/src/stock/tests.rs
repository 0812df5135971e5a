mod invariants;

use kernel::testing::{DeciderCase, given};
use uuid::Uuid;

use super::StockRejection::{
    BelowReserved, Discontinued, InsufficientStock, ReservationClosed, TooManyLocations, UnknownProduct,
    UnknownReservation,
};
use super::*;
use crate::{Product, ProductCreated, ProductDiscontinued, ProductEvent};

const CHAIR: Uuid = Uuid::from_u128(0xa1);
const ORDER: Uuid = Uuid::from_u128(0xe1);
const OTHER_ORDER: Uuid = Uuid::from_u128(0xe2);

fn product_created() -> ProductCreated {
    ProductCreated {
        product_id: CHAIR,
        sku: "CH-1".into(),
        name: "Chair".into(),
        description: String::new(),
        category_id: Uuid::from_u128(0xc1),
        category_name: "Furniture".into(),
        price: kernel::Money::new(1999, "EUR".parse().unwrap()),
        attributes: BTreeMap::new(),
    }
}

fn product_discontinued() -> ProductDiscontinued {
    ProductDiscontinued { product_id: CHAIR, category_id: Uuid::from_u128(0xc1), reason: "moths".into() }
}

fn part(location: &str, quantity: i64) -> StockPart {
    StockPart { location: location.into(), quantity }
}

fn received(location: &str, quantity: i64) -> StockEvent {
    StockReceived { product_id: CHAIR, location: location.into(), quantity }.into()
}

fn reserved(reservation_id: Uuid, parts: &[StockPart]) -> StockEvent {
    StockReserved { product_id: CHAIR, reservation_id, parts: parts.into() }.into()
}

fn released(reservation_id: Uuid, parts: &[StockPart]) -> StockEvent {
    StockReleased { product_id: CHAIR, reservation_id, parts: parts.into() }.into()
}

fn shipped(reservation_id: Uuid, parts: &[StockPart]) -> StockEvent {
    StockShipped { product_id: CHAIR, reservation_id, parts: parts.into() }.into()
}

fn adjusted(location: &str, previous: i64, counted: i64) -> StockEvent {
    let (location, reason) = (location.into(), "stock-take".into());
    StockAdjusted { product_id: CHAIR, location, counted, previous, reason }.into()
}

fn transferred(from: &str, to: &str, quantity: i64) -> StockEvent {
    StockTransferred { product_id: CHAIR, from: from.into(), to: to.into(), quantity }.into()
}

fn receive(location: &str, quantity: i64) -> ReceiveStock {
    ReceiveStock { product_id: CHAIR, location: location.into(), quantity }
}

fn reserve(reservation_id: Uuid, quantity: i64) -> ReserveStock {
    ReserveStock { product_id: CHAIR, location: None, quantity, reservation_id }
}

fn reserve_at(location: &str, reservation_id: Uuid, quantity: i64) -> ReserveStock {
    ReserveStock { location: Some(location.into()), ..reserve(reservation_id, quantity) }
}

fn release(reservation_id: Uuid) -> ReleaseStock {
    ReleaseStock { product_id: CHAIR, reservation_id, even_if_unknown: false }
}

fn close(reservation_id: Uuid) -> ReleaseStock {
    ReleaseStock { even_if_unknown: true, ..release(reservation_id) }
}

fn ship(reservation_id: Uuid) -> ShipStock {
    ShipStock { product_id: CHAIR, reservation_id }
}

fn adjust(location: &str, counted: i64) -> AdjustStock {
    AdjustStock { product_id: CHAIR, location: location.into(), counted, reason: "stock-take".into() }
}

fn transfer(from: &str, to: &str, quantity: i64) -> TransferStock {
    TransferStock { product_id: CHAIR, from: from.into(), to: to.into(), quantity }
}

/// The product is sold, and this has happened to its stock.
fn given_stock(events: impl IntoIterator<Item = StockEvent>) -> DeciderCase<Stock> {
    given::<Stock, StockEvent>(events).and_stream::<Product, _>(CHAIR, [product_created()])
}

/// The product is discontinued, and this has happened to its stock.
fn given_leftovers(events: impl IntoIterator<Item = StockEvent>) -> DeciderCase<Stock> {
    given::<Stock, StockEvent>(events)
        .and_stream::<Product, ProductEvent>(CHAIR, [product_created().into(), product_discontinued().into()])
}

/// There is no such product.
fn given_no_product() -> DeciderCase<Stock> {
    given::<Stock, StockEvent>([])
}

#[test]
fn pieces_are_received_at_a_location() {
    given_stock([]).when(&receive(" Berlin ", 5)).then([received("Berlin", 5)]);
}

#[test]
fn a_quantity_has_to_be_positive_and_of_this_world() {
    for (quantity, code) in [(0, "not-positive"), (-3, "not-positive"), (i64::MAX, "too-large")] {
        given_stock([]).when(&receive("Berlin", quantity)).then_invalid("quantity", code);
        given_stock([]).when(&reserve(ORDER, quantity)).then_invalid("quantity", code);
        given_stock([]).when(&transfer("Berlin", "Paris", quantity)).then_invalid("quantity", code);
    }
}

#[test]
fn a_location_has_to_have_a_name() {
    given_stock([]).when(&receive(" ", 1)).then_invalid("location", "empty");
    given_stock([]).when(&reserve_at("", ORDER, 1)).then_invalid("location", "empty");
    given_stock([]).when(&adjust("x\0", 1)).then_invalid("location", "control-character");
    given_stock([]).when(&transfer(&"x".repeat(65), "Paris", 1)).then_invalid("from", "too-long");
    given_stock([]).when(&transfer("Berlin", "", 1)).then_invalid("to", "empty");
}

#[test]
fn what_is_available_can_be_reserved_to_the_last_piece() {
    given_stock([received("Berlin", 5)])
        .when(&reserve(ORDER, 5))
        .then([reserved(ORDER, &[part("Berlin", 5)])]);
}

#[test]
fn never_more_is_reserved_than_is_available() {
    given_stock([received("Berlin", 5)]).when(&reserve(ORDER, 6)).then_refused(&InsufficientStock);
    given_stock([received("Berlin", 5), reserved(OTHER_ORDER, &[part("Berlin", 3)])])
        .when(&reserve(ORDER, 3))
        .then_refused(&InsufficientStock);
    given_stock([]).when(&reserve(ORDER, 1)).then_refused(&InsufficientStock);
}

#[test]
fn a_reservation_at_a_location_takes_from_there_only() {
    let stock = [received("Berlin", 2), received("Paris", 9)];
    given_stock(stock.clone())
        .when(&reserve_at("Berlin", ORDER, 2))
        .then([reserved(ORDER, &[part("Berlin", 2)])]);
    given_stock(stock.clone()).when(&reserve_at("Berlin", ORDER, 3)).then_refused(&InsufficientStock);
    given_stock(stock).when(&reserve_at("Rome", ORDER, 1)).then_refused(&InsufficientStock);
}

#[test]
fn without_a_location_the_fullest_one_is_taken() {
    given_stock([received("Berlin", 2), received("Paris", 9), received("Rome", 4)])
        .when(&reserve(ORDER, 2))
        .then([reserved(ORDER, &[part("Paris", 2)])]);
}

#[test]
fn of_equally_full_locations_the_first_by_name_is_taken() {
    given_stock([received("Paris", 4), received("Berlin", 4)])
        .when(&reserve(ORDER, 1))
        .then([reserved(ORDER, &[part("Berlin", 1)])]);
}

#[test]
fn full_means_available_and_not_reserved() {
    given_stock([received("Paris", 9), reserved(OTHER_ORDER, &[part("Paris", 8)]), received("Berlin", 2)])
        .when(&reserve(ORDER, 2))
        .then([reserved(ORDER, &[part("Berlin", 2)])]);
}

#[test]
fn a_reservation_that_no_location_can_hold_spreads_over_as_few_as_possible() {
    let stock = [received("Berlin", 2), received("Paris", 9), received("Rome", 4)];
    given_stock(stock.clone())
        .when(&reserve(ORDER, 12))
        .then([reserved(ORDER, &[part("Paris", 9), part("Rome", 3)])]);
    given_stock(stock).when(&reserve(ORDER, 16)).then_refused(&InsufficientStock);
}

#[test]
fn a_repeated_reservation_changes_nothing() {
    let stock = [received("Berlin", 5), reserved(ORDER, &[part("Berlin", 2)])];
    given_stock(stock.clone()).when(&reserve(ORDER, 2)).then_nothing();
    given_stock(stock.clone()).when(&reserve(ORDER, 99)).then_nothing();
    given_leftovers(stock).when(&reserve(ORDER, 2)).then_nothing();
}

#[test]
fn the_id_of_a_reservation_that_has_ended_reserves_nothing_anew() {
    let parts = [part("Berlin", 2)];
    let stock = [received("Berlin", 5), reserved(ORDER, &parts)];
    given_stock(stock.clone().into_iter().chain([released(ORDER, &parts)]))
        .when(&reserve(ORDER, 2))
        .then_nothing();
    given_stock(stock.into_iter().chain([shipped(ORDER, &parts)])).when(&reserve(ORDER, 2)).then_nothing();
}

#[test]
fn of_ended_reservations_only_so_many_are_remembered() {
    let part = [part("Berlin", 1)];
    let ended = (0..=StockState::ENDED_REMEMBERED).flat_map(|number| {
        let reservation = Uuid::from_u128(number as u128);
        [reserved(reservation, &part), released(reservation, &part)]
    });
    let state = Stock::fold(&[received("Berlin", 1)].into_iter().chain(ended).collect::<Vec<_>>());
    assert_eq!(state.ended.len(), StockState::ENDED_REMEMBERED);
    assert!(!state.has_seen(Uuid::from_u128(0)));
    assert!(state.has_seen(Uuid::from_u128(1)));
}

#[test]
fn a_released_reservation_is_available_again() {
    let parts = [part("Paris", 9), part("Rome", 3)];
    let stock = [received("Paris", 9), received("Rome", 4), reserved(ORDER, &parts)];
    given_stock(stock.clone()).when(&release(ORDER)).then([released(ORDER, &parts)]);
    given_stock(stock.into_iter().chain([released(ORDER, &parts)]))
        .when(&reserve(OTHER_ORDER, 13))
        .then([reserved(OTHER_ORDER, &[part("Paris", 9), part("Rome", 4)])]);
}

#[test]
fn a_shipped_reservation_has_left() {
    let parts = [part("Berlin", 2)];
    let stock = [received("Berlin", 5), reserved(ORDER, &parts)];
    given_stock(stock.clone()).when(&ship(ORDER)).then([shipped(ORDER, &parts)]);
    let state = Stock::fold(&stock.into_iter().chain([shipped(ORDER, &parts)]).collect::<Vec<_>>());
    assert_eq!((state.levels.total, state.levels.available, state.levels.reserved), (3, 3, 0));
}

#[test]
fn only_what_is_reserved_can_be_released_or_shipped() {
    let parts = [part("Berlin", 2)];
    let histories = [
        vec![],
        vec![received("Berlin", 5)],
        vec![received("Berlin", 5), reserved(ORDER, &parts), released(ORDER, &parts)],
        vec![received("Berlin", 5), reserved(ORDER, &parts), shipped(ORDER, &parts)],
    ];
    for history in histories {
        given_stock(history.clone()).when(&release(ORDER)).then_refused(&UnknownReservation);
        given_stock(history).when(&ship(ORDER)).then_refused(&UnknownReservation);
    }
    given_no_product().when(&ship(ORDER)).then_refused(&UnknownReservation);
}

#[test]
fn releasing_what_was_never_reserved_refuses_a_reservation_that_comes_late() {
    let stock = [received("Berlin", 5), released(ORDER, &[])];
    given_stock([received("Berlin", 5)]).when(&close(ORDER)).then([released(ORDER, &[])]);
    given_stock([]).when(&close(ORDER)).then([released(ORDER, &[])]);
    given_stock(stock.clone()).when(&reserve(ORDER, 1)).then_refused(&ReservationClosed);
    given_stock(stock.clone())
        .when(&reserve(OTHER_ORDER, 5))
        .then([reserved(OTHER_ORDER, &[part("Berlin", 5)])]);
    given_stock(stock.clone()).when(&release(ORDER)).then_refused(&UnknownReservation);
    given_stock(stock).when(&close(ORDER)).then_nothing();
}

#[test]
fn releasing_even_if_unknown_releases_what_is_known() {
    let parts = [part("Berlin", 2)];
    let stock = [received("Berlin", 5), reserved(ORDER, &parts)];
    given_stock(stock.clone()).when(&close(ORDER)).then([released(ORDER, &parts)]);
    given_stock(stock.clone().into_iter().chain([released(ORDER, &parts)]))
        .when(&close(ORDER))
        .then_nothing();
    given_stock(stock.into_iter().chain([shipped(ORDER, &parts)])).when(&close(ORDER)).then_nothing();
}

#[test]
fn nothing_is_closed_of_a_product_that_does_not_exist() {
    given_no_product().when(&close(ORDER)).then_nothing();
}

#[test]
fn of_closed_reservations_only_so_many_are_remembered() {
    let closed =
        (0..=StockState::ENDED_REMEMBERED).map(|number| released(Uuid::from_u128(number as u128), &[]));
    let state = Stock::fold(&closed.collect::<Vec<_>>());
    assert_eq!(state.closed.len(), StockState::ENDED_REMEMBERED);
    assert!(!state.closed.contains(&Uuid::from_u128(0)));
}

#[test]
fn a_stock_take_sets_the_books_to_what_was_counted() {
    given_stock([received("Berlin", 5)]).when(&adjust("Berlin", 3)).then([adjusted("Berlin", 5, 3)]);
    given_stock([received("Berlin", 5)]).when(&adjust("Paris", 2)).then([adjusted("Paris", 0, 2)]);
    given_stock([]).when(&adjust("Berlin", 7)).then([adjusted("Berlin", 0, 7)]);
}

#[test]
fn a_stock_take_that_finds_what_the_books_have_changes_nothing() {
    given_stock([received("Berlin", 5)]).when(&adjust("Berlin", 5)).then_nothing();
    given_stock([]).when(&adjust("Berlin", 0)).then_nothing();
}

#[test]
fn a_stock_take_never_falls_below_what_is_reserved_there() {
    let stock = [received("Berlin", 5), received("Paris", 5), reserved(ORDER, &[part("Berlin", 3)])];
    given_stock(stock.clone()).when(&adjust("Berlin", 2)).then_refused(&BelowReserved);
    given_stock(stock.clone()).when(&adjust("Berlin", 3)).then([adjusted("Berlin", 5, 3)]);
    given_stock(stock).when(&adjust("Paris", 0)).then([adjusted("Paris", 5, 0)]);
}

#[test]
fn a_stock_take_counts_from_zero_and_says_why() {
    given_stock([]).when(&adjust("Berlin", -1)).then_invalid("counted", "negative");
    given_stock([]).when(&adjust("Berlin", i64::MAX)).then_invalid("counted", "too-large");
    given_stock([])
        .when(&AdjustStock { reason: String::new(), ..adjust("Berlin", 1) })
        .then_invalid("reason", "empty");
}

#[test]
fn a_transfer_is_one_fact_about_both_locations() {
    given_stock([received("Berlin", 5)])
        .when(&transfer("Berlin", "Paris", 2))
        .then([transferred("Berlin", "Paris", 2)]);
    let levels = Stock::fold(&[received("Berlin", 5), transferred("Berlin", "Paris", 2)]).levels;
    assert_eq!((levels.total, levels.available_at("Berlin"), levels.available_at("Paris")), (5, 3, 2));
}

#[test]
fn a_transfer_moves_only_what_is_available() {
    let stock = [received("Berlin", 5), reserved(ORDER, &[part("Berlin", 3)])];
    given_stock(stock.clone()).when(&transfer("Berlin", "Paris", 3)).then_refused(&InsufficientStock);
    given_stock(stock).when(&transfer("Paris", "Berlin", 1)).then_refused(&InsufficientStock);
    given_stock([]).when(&transfer("Paris", "Berlin", 1)).then_refused(&InsufficientStock);
}

#[test]
fn a_transfer_goes_to_another_location() {
    given_stock([received("Berlin", 5)])
        .when(&transfer("Berlin", " Berlin", 1))
        .then_invalid("to", "same-location");
}

#[test]
fn a_product_that_does_not_exist_has_no_stock() {
    given_no_product().when(&receive("Berlin", 1)).then_refused(&UnknownProduct);
    given_no_product().when(&reserve(ORDER, 1)).then_refused(&UnknownProduct);
    given_no_product().when(&adjust("Berlin", 1)).then_refused(&UnknownProduct);
    given_no_product().when(&transfer("Berlin", "Paris", 1)).then_refused(&UnknownProduct);
}

#[test]
fn a_discontinued_product_is_not_reserved() {
    given_leftovers([received("Berlin", 5)]).when(&reserve(ORDER, 1)).then_refused(&Discontinued);
}

#[test]
fn the_goods_of_a_discontinued_product_still_come_go_and_are_counted() {
    let parts = [part("Berlin", 2)];
    let stock = [received("Berlin", 5), reserved(ORDER, &parts)];
    given_leftovers(stock.clone()).when(&ship(ORDER)).then([shipped(ORDER, &parts)]);
    given_leftovers(stock.clone()).when(&release(ORDER)).then([released(ORDER, &parts)]);
    given_leftovers(stock.clone()).when(&adjust("Berlin", 4)).then([adjusted("Berlin", 5, 4)]);
    given_leftovers(stock).when(&transfer("Berlin", "Paris", 1)).then([transferred("Berlin", "Paris", 1)]);
    given_leftovers([]).when(&receive("Berlin", 1)).then([received("Berlin", 1)]);
}

#[test]
fn a_product_is_kept_at_so_many_locations_and_no_more() {
    let full: Vec<_> =
        (0..StockState::LOCATIONS_MOST).map(|number| received(&format!("shelf {number}"), 2)).collect();
    given_stock(full.clone()).when(&receive("shelf 7", 1)).then([received("shelf 7", 1)]);
    given_stock(full.clone()).when(&receive("one more", 1)).then_refused(&TooManyLocations);
    given_stock(full.clone()).when(&adjust("one more", 1)).then_refused(&TooManyLocations);
    given_stock(full).when(&transfer("shelf 7", "one more", 1)).then_refused(&TooManyLocations);
}

#[test]
fn codes_are_what_clients_switch_on() {
    let all = [
        UnknownProduct,
        Discontinued,
        InsufficientStock,
        UnknownReservation,
        ReservationClosed,
        BelowReserved,
        TooManyLocations,
    ];
    assert_eq!(
        all.map(|it| kernel::Rejection::code(&it)),
        [
            "unknown-product",
            "discontinued",
            "insufficient-stock",
            "unknown-reservation",
            "reservation-closed",
            "below-reserved",
            "too-many-locations"
        ]
    );
}
