use kernel::testing::{DeciderCase, given, given_nothing};
use uuid::Uuid;

use super::OrderRejection::{
    AlreadyConfirmed, AlreadyDelivered, AlreadyShipped, Cancelled, NotConfirmed, OrderExists, Rejected,
    UnknownOrder,
};
use super::*;
use crate::PaymentMethod;

const ORDER: Uuid = Uuid::from_u128(0xe1);
const ANN: Uuid = Uuid::from_u128(0xc1);
const CHAIR: Uuid = Uuid::from_u128(0xa1);
const TABLE: Uuid = Uuid::from_u128(0xa2);

fn money(amount: i64, currency: &str) -> Money {
    Money::new(amount, currency.parse().unwrap())
}

fn item(product_id: Uuid, quantity: i64, amount: i64) -> Item {
    Item { product_id, quantity, unit_price: money(amount, "EUR") }
}

fn create() -> CreateOrder {
    CreateOrder {
        order_id: Some(ORDER),
        customer_id: ANN,
        items: vec![item(CHAIR, 4, 1999), item(TABLE, 1, 9900)],
        payment_method: PaymentMethod::CardOk,
    }
}

fn of(items: Vec<Item>) -> CreateOrder {
    CreateOrder { items, ..create() }
}

fn cancel() -> CancelOrder {
    CancelOrder { order_id: ORDER, reason: " changed my mind ".into() }
}

fn confirm() -> ConfirmOrder {
    ConfirmOrder { order_id: ORDER }
}

fn reject() -> RejectOrder {
    RejectOrder { order_id: ORDER, reason: "insufficient-stock".into() }
}

fn ship() -> MarkShipped {
    MarkShipped { order_id: ORDER, carrier: Some(" Post ".into()), tracking_code: None }
}

fn deliver() -> MarkDelivered {
    MarkDelivered { order_id: ORDER, received_by: Some("Bob".into()) }
}

fn placed() -> OrderPlaced {
    let line =
        |product_id, quantity, amount| OrderLine { product_id, quantity, unit_price: money(amount, "EUR") };
    OrderPlaced {
        order_id: ORDER,
        customer_id: ANN,
        items: vec![line(CHAIR, 4, 1999), line(TABLE, 1, 9900)],
        total: money(17_896, "EUR"),
        payment_method: "card-ok".into(),
    }
}

fn confirmed() -> OrderConfirmed {
    OrderConfirmed { order_id: ORDER, customer_id: ANN }
}

fn rejected() -> OrderRejected {
    OrderRejected { order_id: ORDER, customer_id: ANN, reason: "insufficient-stock".into() }
}

fn cancelled(was_confirmed: bool) -> OrderCancelled {
    OrderCancelled { order_id: ORDER, customer_id: ANN, reason: "changed my mind".into(), was_confirmed }
}

fn shipped(carrier: Option<&str>) -> OrderShipped {
    let carrier = carrier.map(str::to_owned);
    OrderShipped { order_id: ORDER, customer_id: ANN, carrier, tracking_code: None }
}

fn delivered() -> OrderDelivered {
    OrderDelivered { order_id: ORDER, customer_id: ANN, received_by: Some("Bob".into()) }
}

/// The order was placed, and this has happened to it.
fn given_order(then: impl IntoIterator<Item = OrderEvent>) -> DeciderCase<Order> {
    given::<Order, OrderEvent>(std::iter::once(placed().into()).chain(then))
}

fn given_confirmed() -> DeciderCase<Order> {
    given_order([confirmed().into()])
}

fn given_shipped() -> DeciderCase<Order> {
    given_order([confirmed().into(), shipped(None).into()])
}

fn given_delivered() -> DeciderCase<Order> {
    given_order([confirmed().into(), shipped(None).into(), delivered().into()])
}

fn given_rejected() -> DeciderCase<Order> {
    given_order([rejected().into()])
}

fn given_cancelled() -> DeciderCase<Order> {
    given_order([cancelled(false).into()])
}

#[test]
fn an_order_is_placed_with_what_it_costs_in_all() {
    given_nothing::<Order>().when(&create()).then([placed()]);
}

#[test]
fn an_order_without_an_id_gets_the_one_that_was_made_for_it() {
    let command = CreateOrder { order_id: None, ..create() };
    given_nothing::<Order>().made_id(ORDER).when(&command).then([placed()]);
}

#[test]
fn an_id_is_one_orders_for_ever() {
    given_order([]).when(&create()).then_refused(&OrderExists);
    given_cancelled().when(&create()).then_refused(&OrderExists);
}

#[test]
fn an_order_has_at_least_one_item() {
    given_nothing::<Order>().when(&of(vec![])).then_invalid("items", "empty");
}

#[test]
fn an_order_has_at_most_a_hundred_items() {
    let items = |count| of(vec![item(CHAIR, 1, 1); count]);
    given_nothing::<Order>().when(&items(101)).then_invalid("items", "too-many");
    let outcome = given_nothing::<Order>().when(&items(100));
    assert!(matches!(outcome, kernel::testing::Outcome::Decided(_)));
}

#[test]
fn quantities_are_above_zero() {
    for (quantity, code) in [(0, "not-positive"), (-1, "not-positive"), (i64::MAX, "too-large")] {
        let command = of(vec![item(CHAIR, 1, 1), item(TABLE, quantity, 1)]);
        given_nothing::<Order>().when(&command).then_invalid("items[1].quantity", code);
    }
}

#[test]
fn what_is_given_away_costs_nothing_and_nothing_costs_less() {
    let free = OrderPlaced {
        items: vec![OrderLine { product_id: CHAIR, quantity: 1, unit_price: money(0, "EUR") }],
        total: money(0, "EUR"),
        ..placed()
    };
    given_nothing::<Order>().when(&of(vec![item(CHAIR, 1, 0)])).then([free]);
    let command = of(vec![item(CHAIR, 1, -1)]);
    given_nothing::<Order>().when(&command).then_invalid("items[0].unit_price.amount", "negative");
    let command = of(vec![item(CHAIR, 1, i64::MAX)]);
    given_nothing::<Order>().when(&command).then_invalid("items[0].unit_price.amount", "too-large");
}

#[test]
fn all_items_are_of_one_currency() {
    let dollars = Item { unit_price: money(1, "USD"), ..item(TABLE, 1, 1) };
    let command = of(vec![item(CHAIR, 1, 1), dollars]);
    given_nothing::<Order>().when(&command).then_invalid("items[1].unit_price.currency", "currency-mismatch");
}

#[test]
fn an_order_beyond_what_can_be_paid_is_not_placed() {
    let command = of(vec![item(CHAIR, 1_000_000_000, 1_000_000_000_000)]);
    given_nothing::<Order>().when(&command).then_invalid("items", "too-large");
    let command = of(vec![item(CHAIR, 1, 1_000_000_000_000), item(TABLE, 1, 1)]);
    given_nothing::<Order>().when(&command).then_invalid("items", "too-large");
}

#[test]
fn only_methods_of_the_simulator_are_read() {
    let body = |method: &str| {
        format!(
            r#"{{"customer_id":"{ANN}","items":[{{"product_id":"{CHAIR}","quantity":1,
            "unit_price":{{"amount":1,"currency":"EUR"}}}}],"payment_method":"{method}"}}"#
        )
    };
    for method in ["card-ok", "card-declined", "card-silent"] {
        let command: CreateOrder = serde_json::from_str(&body(method)).unwrap();
        assert_eq!(command.payment_method.name(), method);
    }
    assert!(serde_json::from_str::<CreateOrder>(&body("cash")).is_err());
}

#[test]
fn an_order_is_called_off_until_it_is_shipped() {
    given_order([]).when(&cancel()).then([cancelled(false)]);
    given_confirmed().when(&cancel()).then([cancelled(true)]);
    given_shipped().when(&cancel()).then_refused(&AlreadyShipped);
    given_delivered().when(&cancel()).then_refused(&AlreadyShipped);
}

#[test]
fn an_order_is_called_off_once_and_not_after_it_was_rejected() {
    given_cancelled().when(&cancel()).then_nothing();
    given_rejected().when(&cancel()).then_refused(&Rejected);
    given_nothing::<Order>().when(&cancel()).then_refused(&UnknownOrder);
}

#[test]
fn who_calls_off_says_why() {
    let command = CancelOrder { reason: " ".into(), ..cancel() };
    given_order([]).when(&command).then_invalid("reason", "empty");
    let command = CancelOrder { reason: "x".repeat(501), ..cancel() };
    given_order([]).when(&command).then_invalid("reason", "too-long");
    let command = CancelOrder { reason: "a\nb".into(), ..cancel() };
    given_order([]).when(&command).then_invalid("reason", "control-character");
}

#[test]
fn a_pending_order_is_confirmed_once() {
    given_order([]).when(&confirm()).then([confirmed()]);
    given_confirmed().when(&confirm()).then_nothing();
    given_shipped().when(&confirm()).then_nothing();
    given_delivered().when(&confirm()).then_nothing();
}

#[test]
fn an_order_that_has_ended_is_not_confirmed() {
    given_cancelled().when(&confirm()).then_refused(&Cancelled);
    given_rejected().when(&confirm()).then_refused(&Rejected);
    given_nothing::<Order>().when(&confirm()).then_refused(&UnknownOrder);
}

#[test]
fn a_pending_order_is_rejected_with_the_reason_and_one_that_has_ended_stays_as_it_is() {
    given_order([]).when(&reject()).then([rejected()]);
    given_rejected().when(&reject()).then_nothing();
    given_cancelled().when(&reject()).then_nothing();
    given_confirmed().when(&reject()).then_refused(&AlreadyConfirmed);
    given_shipped().when(&reject()).then_refused(&AlreadyShipped);
    given_nothing::<Order>().when(&reject()).then_refused(&UnknownOrder);
    given_order([]).when(&RejectOrder { reason: String::new(), ..reject() }).then_invalid("reason", "empty");
}

#[test]
fn only_a_confirmed_order_is_shipped() {
    given_confirmed().when(&ship()).then([shipped(Some("Post"))]);
    given_order([]).when(&ship()).then_refused(&NotConfirmed);
    given_rejected().when(&ship()).then_refused(&NotConfirmed);
    given_cancelled().when(&ship()).then_refused(&NotConfirmed);
    given_nothing::<Order>().when(&ship()).then_refused(&UnknownOrder);
}

#[test]
fn an_order_is_shipped_once() {
    given_shipped().when(&ship()).then_refused(&AlreadyShipped);
    given_delivered().when(&ship()).then_refused(&AlreadyShipped);
}

#[test]
fn only_a_confirmed_order_is_delivered_and_once() {
    given_shipped().when(&deliver()).then([delivered()]);
    given_delivered().when(&deliver()).then_refused(&AlreadyDelivered);
    given_order([]).when(&deliver()).then_refused(&NotConfirmed);
    given_rejected().when(&deliver()).then_refused(&NotConfirmed);
    given_cancelled().when(&deliver()).then_refused(&NotConfirmed);
    given_nothing::<Order>().when(&deliver()).then_refused(&UnknownOrder);
}

#[test]
fn goods_that_are_handed_over_leave_and_arrive_at_once() {
    given_confirmed().when(&deliver()).then::<OrderEvent>([shipped(None).into(), delivered().into()]);
}

#[test]
fn what_is_said_about_a_shipment_is_a_line_of_text() {
    let command = MarkShipped { carrier: Some(" ".into()), ..ship() };
    given_confirmed().when(&command).then_invalid("carrier", "empty");
    let command = MarkShipped { tracking_code: Some("x".repeat(101)), ..ship() };
    given_confirmed().when(&command).then_invalid("tracking_code", "too-long");
    let command = MarkDelivered { received_by: Some("\0".into()), ..deliver() };
    given_shipped().when(&command).then_invalid("received_by", "control-character");
}

#[test]
fn codes_are_what_clients_switch_on() {
    let all = [
        OrderExists,
        UnknownOrder,
        NotConfirmed,
        AlreadyConfirmed,
        AlreadyShipped,
        AlreadyDelivered,
        Rejected,
        Cancelled,
    ];
    assert_eq!(
        all.map(|it| kernel::Rejection::code(&it)),
        [
            "order-exists",
            "unknown-order",
            "not-confirmed",
            "already-confirmed",
            "already-shipped",
            "already-delivered",
            "order-rejected",
            "order-cancelled",
        ]
    );
}
