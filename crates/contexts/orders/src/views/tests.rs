//! A few orders, told in events: two tenants, so that a row that crosses over shows.

mod customer_history;
mod order_details;
mod order_list;
mod revenue;

use kernel::testing::{ViewCase, history};
use kernel::{Decider, Money, Timestamp, View};
use uuid::Uuid;

use super::*;
use crate::*;

const ORDER: Uuid = Uuid::from_u128(0xe1);
const OTHER_ORDER: Uuid = Uuid::from_u128(0xe2);
const ANN: Uuid = Uuid::from_u128(0xc1);
const BOB: Uuid = Uuid::from_u128(0xc2);
const CHAIR: Uuid = Uuid::from_u128(0xa1);
const TABLE: Uuid = Uuid::from_u128(0xa2);

fn money(amount: i64, currency: &str) -> Money {
    Money::new(amount, currency.parse().unwrap())
}

fn euro(amount: i64) -> Money {
    money(amount, "EUR")
}

fn day(number: i64) -> Timestamp {
    Timestamp::from_micros(number * 86_400_000_000)
}

/// The payment of an order.
fn payment(order: Uuid) -> Uuid {
    Uuid::from_u128(order.as_u128() | 0xf00)
}

/// Tells what happens to orders, in the words of their commands.
trait Shop: Sized {
    fn order(self, id: Uuid, event: impl Into<OrderEvent>) -> Self;
    fn pays(self, id: Uuid, event: impl Into<PaymentEvent>) -> Self;

    fn places(self, order_id: Uuid, customer_id: Uuid, price: Money) -> Self {
        let line = |product_id, quantity| OrderLine { product_id, quantity, unit_price: price };
        let placed = OrderPlaced {
            order_id,
            customer_id,
            items: vec![line(CHAIR, 2), line(TABLE, 1)],
            total: Money::new(price.amount * 3, price.currency),
            payment_method: "card-ok".into(),
        };
        self.order(order_id, placed)
    }

    fn confirms(self, order_id: Uuid, customer_id: Uuid) -> Self {
        self.order(order_id, OrderConfirmed { order_id, customer_id })
    }

    fn rejects(self, order_id: Uuid, customer_id: Uuid) -> Self {
        let reason = "insufficient-stock".into();
        self.order(order_id, OrderRejected { order_id, customer_id, reason })
    }

    fn cancels(self, order_id: Uuid, customer_id: Uuid, was_confirmed: bool) -> Self {
        let reason = "changed my mind".into();
        self.order(order_id, OrderCancelled { order_id, customer_id, reason, was_confirmed })
    }

    fn ships(self, order_id: Uuid, customer_id: Uuid) -> Self {
        let (carrier, tracking_code) = (Some("Post".into()), Some("RR1".into()));
        self.order(order_id, OrderShipped { order_id, customer_id, carrier, tracking_code })
    }

    fn delivers(self, order_id: Uuid, customer_id: Uuid) -> Self {
        self.order(order_id, OrderDelivered { order_id, customer_id, received_by: None })
    }

    fn asks_for(self, order_id: Uuid, customer_id: Uuid, amount: Money) -> Self {
        let (payment_id, payment_method) = (payment(order_id), "card-ok".into());
        let asked = PaymentRequested { payment_id, order_id, customer_id, amount, payment_method };
        self.pays(payment_id, asked)
    }

    fn authorises(self, order_id: Uuid, customer_id: Uuid, amount: Money) -> Self {
        let payment_id = payment(order_id);
        self.pays(payment_id, PaymentAuthorised { payment_id, order_id, customer_id, amount })
    }

    fn captures(self, order_id: Uuid, customer_id: Uuid, amount: Money) -> Self {
        let payment_id = payment(order_id);
        self.pays(payment_id, PaymentCaptured { payment_id, order_id, customer_id, amount })
    }

    fn refunds(self, order_id: Uuid, customer_id: Uuid, amount: Money) -> Self {
        let (payment_id, reason) = (payment(order_id), String::new());
        self.pays(payment_id, PaymentRefunded { payment_id, order_id, customer_id, amount, reason })
    }

    fn declines(self, order_id: Uuid, customer_id: Uuid) -> Self {
        let (payment_id, reason) = (payment(order_id), "card-declined".into());
        self.pays(payment_id, PaymentDeclined { payment_id, order_id, customer_id, reason })
    }

    fn voids(self, order_id: Uuid, customer_id: Uuid) -> Self {
        let (payment_id, reason) = (payment(order_id), "order-cancelled".into());
        self.pays(payment_id, PaymentVoided { payment_id, order_id, customer_id, reason })
    }
}

impl<V: View<Event = OrdersEvent>> Shop for ViewCase<V> {
    fn order(self, id: Uuid, event: impl Into<OrderEvent>) -> Self {
        self.event(Order::STREAM, id, OrdersEvent::from(event.into()))
    }

    fn pays(self, id: Uuid, event: impl Into<PaymentEvent>) -> Self {
        self.event(Payment::STREAM, id, OrdersEvent::from(event.into()))
    }
}

/// Two tenants with orders and customers of the same ids, to whom other things happen.
fn two_shops<V: View<Event = OrdersEvent>>() -> ViewCase<V> {
    history::<V>()
        .tenant("globex")
        .at(day(1))
        .places(ORDER, ANN, euro(1_000_000))
        .captures(ORDER, ANN, euro(3_000_000))
        .tenant("acme")
        .places(ORDER, ANN, euro(100))
        .asks_for(ORDER, ANN, euro(300))
        .authorises(ORDER, ANN, euro(300))
        .captures(ORDER, ANN, euro(300))
        .confirms(ORDER, ANN)
        .places(OTHER_ORDER, BOB, euro(7))
        .at(day(2))
        .rejects(OTHER_ORDER, BOB)
        .ships(ORDER, ANN)
        .tenant("globex")
        .cancels(ORDER, ANN, false)
        .refunds(ORDER, ANN, euro(3_000_000))
        .tenant("acme")
        .at(day(3))
        .delivers(ORDER, ANN)
        .refunds(ORDER, ANN, euro(50))
}

#[test]
fn what_happens_to_an_order_that_was_never_placed_is_an_error_and_no_row() {
    assert!(begun(None::<OrderRow>).is_err());
}

#[test]
fn a_status_reads_back_and_is_written_alike_everywhere() {
    for status in OrderStatus::ALL {
        assert_eq!(status.name().parse(), Ok(status));
        assert_eq!(serde_json::to_value(status).unwrap(), status.name());
    }
    assert_eq!("paid".parse::<OrderStatus>(), Err(UnknownStatus));
}
