mod bodies;
mod world;

use std::time::Duration;

use kernel::testing::{ProcessCase, process};
use kernel::{Decider, Money, Outgoing, Reply, TenantId, Timestamp, json};

use super::*;
use crate::{
    Order, OrderCancelled, OrderConfirmed, OrderLine, OrderPlaced, OrderRejected, OrderShipped, Payment,
    PaymentAuthorised, PaymentDeclined,
};

const ORDER: Uuid = Uuid::from_u128(0xe1);
const ANN: Uuid = Uuid::from_u128(0xc1);
const CHAIR: Uuid = Uuid::from_u128(0xa1);
const TABLE: Uuid = Uuid::from_u128(0xa2);
const MINUTES: Duration = Duration::from_secs(60);

fn euro(amount: i64) -> Money {
    Money::new(amount, "EUR".parse().unwrap())
}

fn id_of(name: &str) -> Uuid {
    let tenant = TenantId::new("acme").unwrap();
    let settings = FulfilmentSettings::default();
    ProcessFacts { instance: ORDER, tenant: &tenant, now: Timestamp::default(), settings: &settings }
        .id_of(name)
}

/// Tells what is heard of the order and its payment.
trait Heard: Sized {
    fn order(self, event: impl Into<OrderEvent>) -> Self;
    fn payment(self, event: impl Into<PaymentEvent>) -> Self;

    fn confirmed(self) -> Self {
        self.order(OrderConfirmed { order_id: ORDER, customer_id: ANN })
    }

    fn cancelled(self, was_confirmed: bool) -> Self {
        let reason = "changed my mind".into();
        self.order(OrderCancelled { order_id: ORDER, customer_id: ANN, reason, was_confirmed })
    }

    fn shipped(self) -> Self {
        self.order(OrderShipped { order_id: ORDER, customer_id: ANN, carrier: None, tracking_code: None })
    }

    fn authorised(self) -> Self {
        let payment_id = id_of("payment");
        self.payment(PaymentAuthorised { payment_id, order_id: ORDER, customer_id: ANN, amount: euro(300) })
    }

    fn declined(self) -> Self {
        let (payment_id, reason) = (id_of("payment"), "card-declined".into());
        self.payment(PaymentDeclined { payment_id, order_id: ORDER, customer_id: ANN, reason })
    }
}

impl Heard for ProcessCase<Fulfilment> {
    fn order(self, event: impl Into<OrderEvent>) -> Self {
        self.event(Order::STREAM, ORDER, OrdersEvent::from(event.into()))
    }

    fn payment(self, event: impl Into<PaymentEvent>) -> Self {
        self.event(Payment::STREAM, id_of("payment"), OrdersEvent::from(event.into()))
    }
}

/// Two chairs and a table were ordered.
fn placed() -> ProcessCase<Fulfilment> {
    process::<Fulfilment>().order(order())
}

fn order() -> OrderPlaced {
    let line = |product_id, quantity| OrderLine { product_id, quantity, unit_price: euro(100) };
    OrderPlaced {
        order_id: ORDER,
        customer_id: ANN,
        items: vec![line(CHAIR, 2), line(TABLE, 1)],
        total: euro(300),
        payment_method: "card-ok".into(),
    }
}

fn paying() -> ProcessCase<Fulfilment> {
    placed().done("reserve-1").done("reserve-2")
}

fn capturing() -> ProcessCase<Fulfilment> {
    paying().done("request-payment").authorised()
}

fn confirming() -> ProcessCase<Fulfilment> {
    capturing().done("capture-payment")
}

fn standing() -> ProcessCase<Fulfilment> {
    confirming().done("confirm-order").confirmed()
}

#[test]
fn stock_is_reserved_for_every_line_at_once_each_under_an_id_of_its_own() {
    let reserve = |product: Uuid, quantity: i64, number: u8| {
        let reservation = id_of(&format!("reservation-{number}"));
        let body = json!({ "product_id": product, "quantity": quantity, "reservation_id": reservation });
        Outgoing::new("catalog", "reserve-stock", body)
    };
    placed()
        .then_waits_for(&["reserve-1", "reserve-2"])
        .then_sent("reserve-1", &reserve(CHAIR, 2, 1))
        .then_sent("reserve-2", &reserve(TABLE, 1, 2));
    assert_ne!(id_of("reservation-1"), id_of("reservation-2"));
}

#[test]
fn the_payment_is_asked_for_when_all_stock_is_reserved() {
    placed()
        .done("reserve-2")
        .then_waits_for(&["reserve-1"])
        .done("reserve-1")
        .then_waits_for(&["request-payment"]);
}

#[test]
fn an_order_that_is_paid_is_confirmed_and_waits_for_what_becomes_of_it() {
    paying()
        .done("request-payment")
        .then_waits_for(&[])
        .authorised()
        .then_waits_for(&["capture-payment"])
        .then_no_timer()
        .done("capture-payment")
        .then_waits_for(&["confirm-order"])
        .done("confirm-order")
        .confirmed()
        .then_waits_for(&[])
        .then_goes_on();
}

#[test]
fn events_and_answers_may_come_in_either_order() {
    paying()
        .authorised()
        .then_waits_for(&["request-payment", "capture-payment"])
        .done("capture-payment")
        .done("request-payment")
        .confirmed()
        .shipped()
        .then_waits_for(&["confirm-order", "ship-1", "ship-2"])
        .done("confirm-order")
        .done("ship-1")
        .done("ship-2")
        .then_ended();
}

#[test]
fn shipping_an_order_lets_its_stock_go_and_ends_it() {
    let ship = |product: Uuid, number: u8| {
        let reservation = id_of(&format!("reservation-{number}"));
        Outgoing::new(
            "catalog",
            "ship-stock",
            json!({ "product_id": product, "reservation_id": reservation }),
        )
    };
    standing()
        .shipped()
        .then_sent("ship-1", &ship(CHAIR, 1))
        .then_sent("ship-2", &ship(TABLE, 2))
        .done("ship-2")
        .then_goes_on()
        .refused("ship-1", "unknown-reservation")
        .then_ended();
}

#[test]
fn stock_that_is_refused_releases_what_was_reserved_and_rejects_the_order_with_the_reason() {
    let release = json!({
        "product_id": CHAIR, "reservation_id": id_of("reservation-1"), "even_if_unknown": true,
    });
    let reject = json!({ "order_id": ORDER, "reason": "insufficient-stock" });
    placed()
        .done("reserve-1")
        .refused("reserve-2", "insufficient-stock")
        .then_waits_for(&["reserve-1/undo"])
        .then_sent("reserve-1/undo", &Outgoing::new("catalog", "release-stock", release))
        .undone("reserve-1")
        .then_all_undone()
        .then_no_timer()
        .then_waits_for(&["reject-order"])
        .then_sent("reject-order", &Outgoing::new("orders", "reject-order", reject))
        .done("reject-order")
        .then_ended();
}

#[test]
fn nothing_is_undone_before_every_answer_is_there() {
    placed()
        .refused("reserve-1", "insufficient-stock")
        .then_waits_for(&["reserve-2"])
        .done("reserve-2")
        .then_waits_for(&["reserve-2/undo"])
        .undone("reserve-2")
        .then_waits_for(&["reject-order"]);
}

#[test]
fn a_reservation_whose_outcome_was_not_known_is_released_even_if_it_was_refused() {
    placed()
        .unknown("reserve-1")
        .refused("reserve-1", "insufficient-stock")
        .refused("reserve-2", "insufficient-stock")
        .then_waits_for(&["reserve-1/undo"])
        .undone("reserve-1")
        .then_waits_for(&["reject-order"]);
}

#[test]
fn a_payment_that_is_declined_rejects_the_order_and_releases_everything_in_reverse() {
    let reject = json!({ "order_id": ORDER, "reason": "payment-declined" });
    paying()
        .declined()
        .done("request-payment")
        .then_waits_for(&["request-payment/undo"])
        .undone("request-payment")
        .then_waits_for(&["reserve-2/undo"])
        .undone("reserve-2")
        .then_waits_for(&["reserve-1/undo"])
        .undone("reserve-1")
        .then_all_undone()
        .then_sent("reject-order", &Outgoing::new("orders", "reject-order", reject))
        .done("reject-order")
        .then_ended();
}

#[test]
fn whatever_is_refused_on_the_way_undoes_what_was_done() {
    for (refused, step) in
        [(paying(), "request-payment"), (capturing(), "capture-payment"), (confirming(), "confirm-order")]
    {
        let reject = json!({ "order_id": ORDER, "reason": "some-rule" });
        refused
            .refused(step, "some-rule")
            .answering(|_| Some(Reply::Done))
            .then_all_undone()
            .then_sent("reject-order", &Outgoing::new("orders", "reject-order", reject))
            .then_ended();
    }
}

#[test]
fn no_authorisation_within_a_quarter_of_an_hour_cancels_the_order() {
    let cancel = json!({ "order_id": ORDER, "reason": "authorisation-timeout" });
    paying()
        .done("request-payment")
        .then_timer("authorisation", Timestamp::from_micros(15 * 60 * 1_000_000))
        .advance(15 * MINUTES - Duration::from_micros(1))
        .then_waits_for(&[])
        .advance(Duration::from_micros(1))
        .then_waits_for(&["cancel-order"])
        .then_sent("cancel-order", &Outgoing::new("orders", "cancel-order", cancel))
        .done("cancel-order")
        .cancelled(false)
        .answering(|_| Some(Reply::Done))
        .then_all_undone()
        .then_not_sent("reject-order")
        .then_ended();
}

#[test]
fn whoever_runs_it_decides_on_the_deadline() {
    let settings: FulfilmentSettings = serde_json::from_str(r#"{"payment_deadline_seconds":2}"#).unwrap();
    process::<Fulfilment>()
        .settings(settings)
        .advance(7 * MINUTES)
        .order(order())
        .then_timer("authorisation", Timestamp::from_micros(422 * 1_000_000))
        .done("reserve-1")
        .advance(Duration::from_secs(2))
        .then_waits_for(&["reserve-2", "cancel-order"]);
    assert!(serde_json::from_str::<FulfilmentSettings>(r#"{"deadline":2}"#).is_err());
    assert_eq!(serde_json::from_str::<FulfilmentSettings>("{}").unwrap(), FulfilmentSettings::default());
}

#[test]
fn an_authorisation_after_the_deadline_takes_no_money() {
    paying()
        .done("request-payment")
        .advance(15 * MINUTES)
        .authorised()
        .then_waits_for(&["cancel-order"])
        .cancelled(false)
        .answering(|_| Some(Reply::Done))
        .then_all_undone()
        .then_not_sent("capture-payment")
        .then_ended();
}

#[test]
fn an_authorisation_in_time_ends_the_deadline() {
    capturing().advance(60 * MINUTES).then_waits_for(&["capture-payment"]).then_not_sent("cancel-order");
}

#[test]
fn cancelling_an_order_undoes_everything_wherever_it_is() {
    for case in [placed(), placed().done("reserve-1"), paying(), capturing(), confirming()] {
        case.cancelled(false)
            .answering(|_| Some(Reply::Done))
            .then_all_undone()
            .then_not_sent("reject-order")
            .then_ended();
    }
}

#[test]
fn cancelling_a_confirmed_order_refunds_and_then_releases() {
    let reverse = json!({
        "payment_id": id_of("payment"), "order_id": ORDER, "reason": "order-not-fulfilled",
    });
    standing()
        .cancelled(true)
        .then_waits_for(&["request-payment/undo"])
        .then_sent("request-payment/undo", &Outgoing::new("orders", "reverse-payment", reverse))
        .undone("request-payment")
        .then_waits_for(&["reserve-2/undo"])
        .undone("reserve-2")
        .undone("reserve-1")
        .then_all_undone()
        .then_ended();
}

#[test]
fn an_order_that_is_cancelled_while_it_is_being_rejected_is_not_rejected_any_more() {
    placed()
        .refused("reserve-1", "insufficient-stock")
        .cancelled(false)
        .done("reserve-2")
        .undone("reserve-2")
        .then_not_sent("reject-order")
        .then_ended();
}

#[test]
fn an_operator_can_have_an_order_undone_which_cancels_it() {
    let cancel = json!({ "order_id": ORDER, "reason": "undone-by-operator" });
    for case in [paying().impossible("request-payment", "no such command"), standing()] {
        case.operator_compensates()
            .answering(|_| Some(Reply::Done))
            .then_sent("cancel-order", &Outgoing::new("orders", "cancel-order", cancel.clone()))
            .cancelled(true)
            .then_all_undone()
            .then_ended();
    }
}

#[test]
fn what_cannot_be_undone_is_tried_again_and_shows() {
    standing()
        .cancelled(true)
        .undo_refused("request-payment", "unknown-order")
        .then_stuck()
        .then_waits_for(&["request-payment/undo"])
        .undone("request-payment")
        .undone("reserve-2")
        .undone("reserve-1")
        .then_ended();
}

#[test]
fn an_order_with_nothing_placed_before_it_is_nobodys() {
    process::<Fulfilment>().confirmed().then_no_instance();
    let (order_id, customer_id, reason) = (ORDER, ANN, "insufficient-stock".into());
    process::<Fulfilment>().order(OrderRejected { order_id, customer_id, reason }).then_no_instance();
}

#[test]
fn orders_of_two_tenants_with_one_id_do_not_meet() {
    placed()
        .done("reserve-1")
        .tenant("globex")
        .order(order())
        .then_waits_for(&["reserve-1", "reserve-2"])
        .refused("reserve-1", "insufficient-stock")
        .tenant("acme")
        .cancelled(false)
        .then_waits_for(&["reserve-2"]);
}
