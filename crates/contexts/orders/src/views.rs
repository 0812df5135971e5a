//! What orders can be asked: each view is a fold of the events of orders and their payments into rows.

mod customer_history;
mod order_details;
mod order_list;
mod revenue;

pub use customer_history::{CustomerHistory, CustomerTotals, HistoryRow, Spent};
pub use order_details::{
    OrderDetails, OrderLineRow, OrderRow, OrderStanding, PaymentOfOrder, PaymentStatus, TimelineEntry,
};
pub use order_list::{OrderList, OrderSummary};
pub use revenue::{Revenue, RevenueOfDay};

use std::fmt;
use std::str::FromStr;

use kernel::{Keys, Unfoldable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{OrderEvent, OrdersEvent, PaymentEvent};

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// It was placed.
    Pending,
    /// Everything is set aside and paid for.
    Confirmed,
    /// It came to nothing.
    Rejected,
    /// It was called off.
    Cancelled,
    /// The goods have left.
    Shipped,
    /// The goods have arrived.
    Delivered,
}

/// The text is not the name of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownStatus;

impl fmt::Display for UnknownStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("expected pending, confirmed, rejected, cancelled, shipped or delivered")
    }
}

impl FromStr for OrderStatus {
    type Err = UnknownStatus;

    fn from_str(name: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.name() == name).ok_or(UnknownStatus)
    }
}

impl OrderStatus {
    const ALL: [Self; 6] =
        [Self::Pending, Self::Confirmed, Self::Rejected, Self::Cancelled, Self::Shipped, Self::Delivered];

    /// As it is written down.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
        }
    }

    /// The status after an event.
    fn after(event: &OrderEvent) -> Self {
        match event {
            OrderEvent::OrderPlaced(_) => Self::Pending,
            OrderEvent::OrderConfirmed(_) => Self::Confirmed,
            OrderEvent::OrderRejected(_) => Self::Rejected,
            OrderEvent::OrderCancelled(_) => Self::Cancelled,
            OrderEvent::OrderShipped(_) => Self::Shipped,
            OrderEvent::OrderDelivered(_) => Self::Delivered,
        }
    }
}

/// An event's order and whose it is.
fn order_of(event: &OrdersEvent) -> (Uuid, Uuid) {
    match event {
        OrdersEvent::Order(event) => match event {
            OrderEvent::OrderPlaced(event) => (event.order_id, event.customer_id),
            OrderEvent::OrderConfirmed(event) => (event.order_id, event.customer_id),
            OrderEvent::OrderRejected(event) => (event.order_id, event.customer_id),
            OrderEvent::OrderCancelled(event) => (event.order_id, event.customer_id),
            OrderEvent::OrderShipped(event) => (event.order_id, event.customer_id),
            OrderEvent::OrderDelivered(event) => (event.order_id, event.customer_id),
        },
        OrdersEvent::Payment(event) => match event {
            PaymentEvent::PaymentRequested(event) => (event.order_id, event.customer_id),
            PaymentEvent::PaymentAuthorised(event) => (event.order_id, event.customer_id),
            PaymentEvent::PaymentDeclined(event) => (event.order_id, event.customer_id),
            PaymentEvent::PaymentCaptured(event) => (event.order_id, event.customer_id),
            PaymentEvent::PaymentRefunded(event) => (event.order_id, event.customer_id),
            PaymentEvent::PaymentVoided(event) => (event.order_id, event.customer_id),
        },
    }
}

/// The row of an event's order.
fn key_of_order(event: &OrdersEvent) -> Keys {
    Keys::one(order_of(event).0)
}

/// The row that an event takes for granted: nothing happens to an order before it is placed.
fn begun<R>(row: Option<R>) -> Result<R, Unfoldable> {
    row.ok_or_else(|| Unfoldable::because("something happened to an order that was never placed"))
}

#[cfg(test)]
mod tests;
