//! The commands that the fulfilment sends, each as a step with what undoes it.

use kernel::{Command, Context, Outgoing, ProcessFacts, Step, json};
use uuid::Uuid;

use super::{FulfilmentSettings, Goods};
use crate::{CancelOrder, CapturePayment, ConfirmOrder, Orders, RejectOrder, RequestPayment, ReversePayment};

const CATALOG: &str = "catalog";
const RESERVE: &str = "reserve-";
const SHIP: &str = "ship-";
const REQUEST: &str = "request-payment";
pub(super) const CAPTURE: &str = "capture-payment";
pub(super) const CONFIRM: &str = "confirm-order";
pub(super) const REJECT: &str = "reject-order";
pub(super) const CANCEL: &str = "cancel-order";

type Facts<'a> = ProcessFacts<'a, FulfilmentSettings>;

/// Sets the stock of every line aside, each under an id of its own. What undoes it keeps out one that comes late.
pub(super) fn reserve_all(goods: &[Goods], facts: &Facts<'_>) -> impl Iterator<Item = Step> {
    lines(goods, facts).map(|Line { number, product_id, quantity, reservation_id }| {
        let reserve = json!({
            "product_id": product_id, "quantity": quantity, "reservation_id": reservation_id,
        });
        let release = json!({
            "product_id": product_id, "reservation_id": reservation_id, "even_if_unknown": true,
        });
        Step::new(format!("{RESERVE}{number}"), Outgoing::new(CATALOG, "reserve-stock", reserve))
            .undone_by(Outgoing::new(CATALOG, "release-stock", release))
    })
}

/// Lets the stock of every line go.
pub(super) fn ship_all(goods: &[Goods], facts: &Facts<'_>) -> impl Iterator<Item = Step> {
    lines(goods, facts).map(|Line { number, product_id, reservation_id, .. }| {
        let ship = json!({ "product_id": product_id, "reservation_id": reservation_id });
        Step::new(format!("{SHIP}{number}"), Outgoing::new(CATALOG, "ship-stock", ship))
    })
}

/// Asks for the money. What undoes it gives back whatever came of it.
pub(super) fn request_payment(facts: &Facts<'_>) -> Step {
    let request = json!({ "payment_id": payment_id(facts), "order_id": facts.instance });
    let reverse = json!({
        "payment_id": payment_id(facts), "order_id": facts.instance, "reason": "order-not-fulfilled",
    });
    Step::new(REQUEST, Outgoing::new(Orders::NAME, RequestPayment::NAME, request)).undone_by(Outgoing::new(
        Orders::NAME,
        ReversePayment::NAME,
        reverse,
    ))
}

/// Takes the money.
pub(super) fn capture_payment(facts: &Facts<'_>) -> Step {
    let body = json!({ "payment_id": payment_id(facts) });
    Step::new(CAPTURE, Outgoing::new(Orders::NAME, CapturePayment::NAME, body))
}

/// Says that the order stands.
pub(super) fn confirm(facts: &Facts<'_>) -> Step {
    let body = json!({ "order_id": facts.instance });
    Step::new(CONFIRM, Outgoing::new(Orders::NAME, ConfirmOrder::NAME, body))
}

/// Says that the order came to nothing.
pub(super) fn reject(reason: &str, facts: &Facts<'_>) -> Step {
    let body = json!({ "order_id": facts.instance, "reason": reason });
    Step::new(REJECT, Outgoing::new(Orders::NAME, RejectOrder::NAME, body))
}

/// Calls the order off.
pub(super) fn cancel(reason: &str, facts: &Facts<'_>) -> Step {
    let body = json!({ "order_id": facts.instance, "reason": reason });
    Step::new(CANCEL, Outgoing::new(Orders::NAME, CancelOrder::NAME, body))
}

pub(super) fn is_reservation(step: &str) -> bool {
    step.starts_with(RESERVE)
}

pub(super) fn is_shipment(step: &str) -> bool {
    step.starts_with(SHIP)
}

struct Line {
    number: usize,
    product_id: Uuid,
    quantity: i64,
    reservation_id: Uuid,
}

fn lines(goods: &[Goods], facts: &Facts<'_>) -> impl Iterator<Item = Line> {
    goods.iter().zip(1..).map(|(goods, number)| Line {
        number,
        product_id: goods.product_id,
        quantity: goods.quantity,
        reservation_id: facts.id_of(&format!("reservation-{number}")),
    })
}

fn payment_id(facts: &Facts<'_>) -> Uuid {
    facts.id_of("payment")
}
