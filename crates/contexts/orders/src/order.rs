//! An order: what a customer wants, and how far it has come.
//!
//! ```text
//! pending ──confirmed──► shipped ──► delivered
//!    ├────► rejected (it came to nothing)
//!    └────► cancelled (it was called off), also from confirmed
//! ```

mod cancel;
mod confirm;
mod create;
mod mark_delivered;
mod mark_shipped;
mod reject;

pub use cancel::CancelOrder;
pub use confirm::ConfirmOrder;
pub use create::{CreateOrder, ITEMS_MOST, Item};
pub use mark_delivered::MarkDelivered;
pub use mark_shipped::MarkShipped;
pub use reject::RejectOrder;

use kernel::{Decider, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stream of one order.
#[derive(Debug, Clone, Copy)]
pub struct Order;

kernel::events! {
    /// What can happen to an order.
    pub enum OrderEvent in "schemas/orders" {
        OrderPlaced, OrderConfirmed, OrderRejected, OrderCancelled, OrderShipped, OrderDelivered
    }
}

/// Some pieces of one product at one price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The product, of the catalog.
    pub product_id: Uuid,
    /// How many pieces.
    pub quantity: i64,
    /// What one piece costs.
    pub unit_price: Money,
}

/// A customer ordered something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// The order.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// What was ordered, in the order it was given in; never empty, all in one currency.
    pub items: Vec<OrderLine>,
    /// What all of it costs.
    pub total: Money,
    /// How it is to be paid; a [`PaymentMethod`](crate::PaymentMethod)'s name.
    pub payment_method: String,
}

/// Everything is set aside and paid for: the order stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmed {
    /// The order.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
}

/// The order came to nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderRejected {
    /// The order.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// Why: the code of the rule that said no.
    pub reason: String,
}

/// The order was called off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// The order.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// Why.
    pub reason: String,
    /// Whether it had been confirmed.
    pub was_confirmed: bool,
}

/// The goods left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderShipped {
    /// The order.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// Who carries them.
    pub carrier: Option<String>,
    /// Under what they can be followed there.
    pub tracking_code: Option<String>,
}

/// The goods arrived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderDelivered {
    /// The order.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// Who took them.
    pub received_by: Option<String>,
}

/// How far an order has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum OrderState {
    /// There is none.
    #[default]
    Unknown,
    /// It was placed.
    Pending(Terms),
    /// It stands: everything is set aside and paid for.
    Confirmed(Terms),
    /// It came to nothing; this is final.
    Rejected(Terms),
    /// It was called off; this is final.
    Cancelled(Terms),
    /// The goods have left.
    Shipped(Terms),
    /// The goods have arrived; this is final.
    Delivered(Terms),
}

/// What was agreed on, as later decisions need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Whose order it is.
    pub customer_id: Uuid,
    /// What it costs.
    pub total: Money,
    /// How it is to be paid.
    pub payment_method: String,
}

kernel::rejections! {
    /// Why an order's command is refused.
    pub enum OrderRejection {
        /// The id is in use.
        OrderExists = "order-exists": "an order with this id exists already",
        /// There is no such order.
        UnknownOrder = "unknown-order": "there is no order with this id",
        /// It stands only when everything is set aside and paid for.
        NotConfirmed = "not-confirmed": "the order is not confirmed",
        /// It stands, and can only be cancelled.
        AlreadyConfirmed = "already-confirmed": "the order is confirmed",
        /// The goods have left.
        AlreadyShipped = "already-shipped": "the order has been shipped",
        /// The goods have arrived.
        AlreadyDelivered = "already-delivered": "the order has been delivered",
        /// It came to nothing.
        Rejected = "order-rejected": "the order was rejected",
        /// It was called off.
        Cancelled = "order-cancelled": "the order was cancelled",
    }
}

impl Decider for Order {
    const STREAM: &'static str = "order";
    const STATE_VERSION: u32 = 1;
    type Event = OrderEvent;
    type State = OrderState;

    fn evolve(state: OrderState, event: &OrderEvent) -> OrderState {
        match event {
            OrderEvent::OrderPlaced(placed) => OrderState::Pending(Terms {
                customer_id: placed.customer_id,
                total: placed.total,
                payment_method: placed.payment_method.clone(),
            }),
            OrderEvent::OrderConfirmed(_) => state.moved_to(OrderState::Confirmed),
            OrderEvent::OrderRejected(_) => state.moved_to(OrderState::Rejected),
            OrderEvent::OrderCancelled(_) => state.moved_to(OrderState::Cancelled),
            OrderEvent::OrderShipped(_) => state.moved_to(OrderState::Shipped),
            OrderEvent::OrderDelivered(_) => state.moved_to(OrderState::Delivered),
        }
    }
}

impl OrderState {
    /// What was agreed on, where there is an order.
    pub fn terms(&self) -> Option<&Terms> {
        match self {
            Self::Unknown => None,
            Self::Pending(terms)
            | Self::Confirmed(terms)
            | Self::Rejected(terms)
            | Self::Cancelled(terms)
            | Self::Shipped(terms)
            | Self::Delivered(terms) => Some(terms),
        }
    }

    fn moved_to(self, phase: fn(Terms) -> Self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Pending(terms)
            | Self::Confirmed(terms)
            | Self::Rejected(terms)
            | Self::Cancelled(terms)
            | Self::Shipped(terms)
            | Self::Delivered(terms) => phase(terms),
        }
    }
}

#[cfg(test)]
mod tests;
