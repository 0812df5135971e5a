use kernel::{Keys, Money, ReadStore, Recorded, RowKey, Source, Timestamp, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{OrderStatus, begun, key_of_order};
use crate::{Order, OrderEvent, OrderPlaced, OrdersEvent, Payment, PaymentEvent};

/// Everything about one order: its lines, its payment, and what happened to it.
#[derive(Debug, Clone, Copy)]
pub struct OrderDetails;

/// An order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderRow {
    /// How it stands.
    #[serde(flatten)]
    pub standing: OrderStanding,
    /// What was ordered.
    pub lines: Vec<OrderLineRow>,
}

/// How an order stands: all of it but its lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderStanding {
    /// The order.
    pub id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// How far it has come.
    pub status: OrderStatus,
    /// Why it was rejected or cancelled.
    pub reason: Option<String>,
    /// What all of it costs.
    pub total: Money,
    /// How it is to be paid.
    pub payment_method: String,
    /// Its payment, once there is one.
    pub payment: Option<PaymentOfOrder>,
    /// Who carries the goods.
    pub carrier: Option<String>,
    /// Under what they can be followed there.
    pub tracking_code: Option<String>,
    /// What happened to it, in order.
    pub timeline: Vec<TimelineEntry>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When anything of this last changed.
    pub updated_at: Timestamp,
}

/// Some pieces of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLineRow {
    /// The product.
    pub product_id: Uuid,
    /// How many pieces.
    pub quantity: i64,
    /// What one piece costs.
    pub unit_price: Money,
    /// What they cost together.
    pub total: Money,
}

/// How an order's payment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentOfOrder {
    /// The payment.
    pub id: Uuid,
    /// How far it has come.
    pub status: PaymentStatus,
    /// How much was taken.
    pub captured: Money,
    /// How much of that was given back.
    pub refunded: Money,
}

/// How far a payment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PaymentStatus {
    /// The money was asked for.
    Pending,
    /// The money is promised.
    Authorised,
    /// The money was refused.
    Declined,
    /// It was ended before anything was taken.
    Voided,
    /// The money was taken.
    Captured,
    /// All that was taken was given back.
    Refunded,
}

/// Something that happened to an order. There are so many at most: an order is placed, confirmed and shipped once, and
/// has one payment, which can be refunded in so many parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What: `placed`, `confirmed`, `payment-captured`.
    pub what: String,
    /// How much, of what is about money.
    pub amount: Option<Money>,
    /// Why, of what has a reason.
    pub reason: Option<String>,
}

impl View for OrderDetails {
    const NAME: &'static str = "order-details";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Redis, ReadStore::Postgres];
    type Event = OrdersEvent;
    type Row = OrderRow;

    fn keys(event: &Recorded<OrdersEvent>) -> Keys {
        key_of_order(&event.event)
    }

    fn sources(key: &RowKey, row: Option<&OrderRow>) -> Vec<Source> {
        let order = key.as_str().parse().map(Source::of::<Order>).ok();
        let payment = row.and_then(|row| row.standing.payment.as_ref());
        order.into_iter().chain(payment.map(|payment| Source::of::<Payment>(payment.id))).collect()
    }

    fn evolve(
        _: &RowKey,
        row: Option<OrderRow>,
        event: &Recorded<OrdersEvent>,
    ) -> Result<Option<OrderRow>, Unfoldable> {
        if let OrdersEvent::Order(OrderEvent::OrderPlaced(placed)) = &event.event {
            return Ok(Some(OrderRow::new(placed, event.recorded_at)));
        }
        let mut row = begun(row)?;
        let entry = match &event.event {
            OrdersEvent::Order(event) => row.standing.apply(event),
            OrdersEvent::Payment(event) => row.standing.apply_payment(event),
        };
        row.standing.timeline.push(TimelineEntry { at: event.recorded_at, ..entry });
        row.standing.updated_at = event.recorded_at;
        Ok(Some(row))
    }
}

impl OrderRow {
    fn new(placed: &OrderPlaced, at: Timestamp) -> Self {
        let line = |line: &crate::OrderLine| OrderLineRow {
            product_id: line.product_id,
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: Money::new(line.quantity * line.unit_price.amount, line.unit_price.currency),
        };
        Self { standing: OrderStanding::new(placed, at), lines: placed.items.iter().map(line).collect() }
    }
}

impl OrderStanding {
    fn new(placed: &OrderPlaced, at: Timestamp) -> Self {
        Self {
            id: placed.order_id,
            customer_id: placed.customer_id,
            status: OrderStatus::Pending,
            reason: None,
            total: placed.total,
            payment_method: placed.payment_method.clone(),
            payment: None,
            carrier: None,
            tracking_code: None,
            timeline: vec![TimelineEntry { at, ..TimelineEntry::of("placed").about(placed.total) }],
            placed_at: at,
            updated_at: at,
        }
    }

    fn apply(&mut self, event: &OrderEvent) -> TimelineEntry {
        self.status = OrderStatus::after(event);
        match event {
            OrderEvent::OrderPlaced(_) => TimelineEntry::of("placed"),
            OrderEvent::OrderConfirmed(_) => TimelineEntry::of("confirmed"),
            OrderEvent::OrderRejected(rejected) => {
                self.reason = Some(rejected.reason.clone());
                TimelineEntry::of("rejected").because(&rejected.reason)
            }
            OrderEvent::OrderCancelled(cancelled) => {
                self.reason = Some(cancelled.reason.clone());
                TimelineEntry::of("cancelled").because(&cancelled.reason)
            }
            OrderEvent::OrderShipped(shipped) => {
                self.carrier.clone_from(&shipped.carrier);
                self.tracking_code.clone_from(&shipped.tracking_code);
                TimelineEntry::of("shipped")
            }
            OrderEvent::OrderDelivered(_) => TimelineEntry::of("delivered"),
        }
    }

    fn apply_payment(&mut self, event: &PaymentEvent) -> TimelineEntry {
        match event {
            PaymentEvent::PaymentRequested(requested) => {
                self.payment(requested.payment_id).status = PaymentStatus::Pending;
                TimelineEntry::of("payment-requested").about(requested.amount)
            }
            PaymentEvent::PaymentAuthorised(authorised) => {
                self.payment(authorised.payment_id).status = PaymentStatus::Authorised;
                TimelineEntry::of("payment-authorised").about(authorised.amount)
            }
            PaymentEvent::PaymentDeclined(declined) => {
                self.payment(declined.payment_id).status = PaymentStatus::Declined;
                TimelineEntry::of("payment-declined").because(&declined.reason)
            }
            PaymentEvent::PaymentVoided(voided) => {
                self.payment(voided.payment_id).status = PaymentStatus::Voided;
                TimelineEntry::of("payment-voided").because(&voided.reason)
            }
            PaymentEvent::PaymentCaptured(captured) => {
                let payment = self.payment(captured.payment_id);
                payment.status = PaymentStatus::Captured;
                payment.captured = captured.amount;
                TimelineEntry::of("payment-captured").about(captured.amount)
            }
            PaymentEvent::PaymentRefunded(refunded) => {
                let payment = self.payment(refunded.payment_id);
                payment.refunded.amount += refunded.amount.amount;
                if payment.refunded == payment.captured {
                    payment.status = PaymentStatus::Refunded;
                }
                TimelineEntry::of("payment-refunded").about(refunded.amount).because(&refunded.reason)
            }
        }
    }

    /// The order's payment, which begins with its first event.
    fn payment(&mut self, id: Uuid) -> &mut PaymentOfOrder {
        let nothing = Money::new(0, self.total.currency);
        self.payment.get_or_insert(PaymentOfOrder {
            id,
            status: PaymentStatus::Pending,
            captured: nothing,
            refunded: nothing,
        })
    }
}

impl TimelineEntry {
    fn of(what: &str) -> Self {
        Self { at: Timestamp::default(), what: what.to_owned(), amount: None, reason: None }
    }

    fn about(self, amount: Money) -> Self {
        Self { amount: Some(amount), ..self }
    }

    fn because(self, reason: &str) -> Self {
        Self { reason: (!reason.is_empty()).then(|| reason.to_owned()), ..self }
    }
}
