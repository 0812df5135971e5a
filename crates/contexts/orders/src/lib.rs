//! Orders of a tenant, the payments for them, and the process that fulfils them.
//!
//! Two kinds of stream decide: an [`Order`] and a [`Payment`]. Each has its own file for its state and events, and one
//! for every command. An order says what is owed, and a payment reads that from the order's stream, guarded: nothing
//! is asked for on behalf of an order that has been called off. The [`Fulfilment`] is the process that takes each order
//! from being placed to its end. [`views`] holds what can be asked.
//!
//! Most commands are for everybody who may write; those that only the fulfilment may send have its scope, `fulfil`.

mod fulfilment;
mod order;
mod payment;
mod texts;
pub mod views;

use kernel::{Context, Registry};

pub use fulfilment::{Ending, Fulfilment, FulfilmentSettings, FulfilmentState, Goods};
pub use order::{
    CancelOrder, ConfirmOrder, CreateOrder, ITEMS_MOST, Item, MarkDelivered, MarkShipped, Order,
    OrderCancelled, OrderConfirmed, OrderDelivered, OrderEvent, OrderLine, OrderPlaced, OrderRejected,
    OrderRejection, OrderShipped, OrderState, RejectOrder, Terms,
};
pub use payment::{
    AuthorisePayment, Capture, CapturePayment, Charge, DeclinePayment, Payment, PaymentAuthorised,
    PaymentCaptured, PaymentDeclined, PaymentEvent, PaymentMethod, PaymentRefunded, PaymentRejection,
    PaymentRequested, PaymentState, PaymentVoided, REFUNDS_MOST, RefundPayment, RequestPayment,
    ReversePayment,
};

kernel::context_events! {
    /// Everything that can happen to orders and their payments.
    pub enum OrdersEvent { Order(OrderEvent), Payment(PaymentEvent) }
}

/// The scope, within the context, of commands that only the fulfilment sends.
pub const FULFIL: &str = "fulfil";

/// The context: what it can be told and what it can be asked.
#[derive(Debug, Clone, Copy)]
pub struct Orders;

impl Context for Orders {
    const NAME: &'static str = "orders";
    type Event = OrdersEvent;

    fn register<R: Registry>(registry: &mut R) {
        registry.command::<CreateOrder>();
        registry.command::<CancelOrder>();
        registry.command::<MarkShipped>();
        registry.command::<MarkDelivered>();
        registry.command::<ConfirmOrder>();
        registry.command::<RejectOrder>();

        registry.command::<RequestPayment>();
        registry.command::<AuthorisePayment>();
        registry.command::<DeclinePayment>();
        registry.command::<CapturePayment>();
        registry.command::<RefundPayment>();
        registry.command::<ReversePayment>();

        registry.view::<views::OrderDetails>();
        registry.view::<views::OrderList>();
        registry.view::<views::CustomerHistory>();
        registry.view::<views::Revenue>();

        registry.process::<Fulfilment>();
    }
}

#[cfg(test)]
mod tests;
