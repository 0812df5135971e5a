//! A payment for an order: what was promised, taken and given back.
//!
//! ```text
//! pending ──► authorised ──► captured ──► refunded, in parts or whole
//!    ├───────────┴──────► voided (ended before anything was taken)
//!    └────► declined
//! ```
//! There is no bank behind it: the built-in simulator is this very stream. Asked for money with `card-ok` it promises
//! at once, with `card-declined` it refuses, with `card-silent` it never answers; `authorise-payment` and
//! `decline-payment` are how a provider would. So what it says is recorded with the question, once and for ever.

mod authorise;
mod capture;
mod decline;
mod method;
mod refund;
mod request;
mod reverse;

pub use authorise::AuthorisePayment;
pub use capture::CapturePayment;
pub use decline::DeclinePayment;
pub use method::PaymentMethod;
pub use refund::{REFUNDS_MOST, RefundPayment};
pub use request::RequestPayment;
pub use reverse::ReversePayment;

use kernel::{Decider, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stream of one payment.
#[derive(Debug, Clone, Copy)]
pub struct Payment;

kernel::events! {
    /// What can happen to a payment.
    pub enum PaymentEvent in "schemas/orders" {
        PaymentRequested, PaymentAuthorised, PaymentDeclined, PaymentCaptured, PaymentRefunded, PaymentVoided
    }
}

/// Money was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentRequested {
    /// The payment.
    pub payment_id: Uuid,
    /// The order that it is for.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// How much.
    pub amount: Money,
    /// How it is to be paid; a [`PaymentMethod`]'s name.
    pub payment_method: String,
}

/// The money is promised; nothing is taken yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentAuthorised {
    /// The payment.
    pub payment_id: Uuid,
    /// The order that it is for.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// How much.
    pub amount: Money,
}

/// The money was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentDeclined {
    /// The payment.
    pub payment_id: Uuid,
    /// The order that it is for.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// Why.
    pub reason: String,
}

/// Money that was promised was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentCaptured {
    /// The payment.
    pub payment_id: Uuid,
    /// The order that it is for.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// How much.
    pub amount: Money,
}

/// Money that was taken was given back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentRefunded {
    /// The payment.
    pub payment_id: Uuid,
    /// The order that it is for.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// How much, this time.
    pub amount: Money,
    /// Why; may be empty.
    pub reason: String,
}

/// The payment was ended before anything was taken; whatever is still on its way for it is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentVoided {
    /// The payment.
    pub payment_id: Uuid,
    /// The order that it is for.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// Why.
    pub reason: String,
}

/// How far a payment has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum PaymentState {
    /// There is none.
    #[default]
    Unknown,
    /// The money was asked for.
    Pending(Charge),
    /// The money is promised.
    Authorised(Charge),
    /// The money was refused; this is final.
    Declined,
    /// It was ended before anything was taken; this is final.
    Voided,
    /// The money was taken.
    Captured(Capture),
}

/// What is asked for, and of whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Charge {
    /// The order that it is for.
    pub order_id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// How much.
    pub amount: Money,
}

/// What was taken, and what of it was given back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// What was asked for.
    pub charge: Charge,
    /// How much of it was taken.
    pub captured: Money,
    /// How much of that was given back.
    pub refunded: i64,
    /// In how many parts.
    pub refunds: usize,
}

kernel::rejections! {
    /// Why a payment's command is refused.
    pub enum PaymentRejection {
        /// There is no such payment.
        UnknownPayment = "unknown-payment": "there is no payment with this id",
        /// There is no such order.
        UnknownOrder = "unknown-order": "there is no order with this id",
        /// Money is asked for only while the order waits for it.
        OrderNotPending = "order-not-pending": "the order does not wait for a payment",
        /// An order is paid once.
        OrderHasPayment = "order-has-payment": "the order has another payment",
        /// The payment is for another order.
        OtherOrder = "other-order": "the payment is for another order",
        /// The money was refused.
        Declined = "payment-declined": "the payment was declined",
        /// It was ended.
        Voided = "payment-voided": "the payment was ended before anything was taken",
        /// It is promised already.
        AlreadyAuthorised = "already-authorised": "the payment is authorised",
        /// Nothing is promised yet.
        NotAuthorised = "not-authorised": "the payment is not authorised",
        /// It was taken, with another amount.
        AlreadyCaptured = "already-captured": "the payment was captured",
        /// No more is taken than was promised.
        CaptureExceedsAuthorisation = "capture-exceeds-authorisation":
            "more would be captured than was authorised",
        /// No more is given back than was taken.
        RefundExceedsCapture = "refund-exceeds-capture": "more would be refunded than was captured",
        /// It is paid back in so many parts and no more.
        TooManyRefunds = "too-many-refunds": "the payment was refunded in too many parts",
        /// A payment keeps its currency.
        CurrencyMismatch = "currency-mismatch": "the payment is in another currency",
    }
}

impl Decider for Payment {
    const STREAM: &'static str = "payment";
    const STATE_VERSION: u32 = 1;
    type Event = PaymentEvent;
    type State = PaymentState;

    fn evolve(state: PaymentState, event: &PaymentEvent) -> PaymentState {
        match event {
            PaymentEvent::PaymentRequested(requested) => PaymentState::Pending(Charge {
                order_id: requested.order_id,
                customer_id: requested.customer_id,
                amount: requested.amount,
            }),
            PaymentEvent::PaymentAuthorised(authorised) => PaymentState::Authorised(Charge {
                order_id: authorised.order_id,
                customer_id: authorised.customer_id,
                amount: authorised.amount,
            }),
            PaymentEvent::PaymentDeclined(_) => PaymentState::Declined,
            PaymentEvent::PaymentVoided(_) => PaymentState::Voided,
            PaymentEvent::PaymentCaptured(captured) => state.captured(captured.amount),
            PaymentEvent::PaymentRefunded(refunded) => state.refunded(refunded.amount),
        }
    }
}

impl PaymentState {
    fn captured(self, captured: Money) -> Self {
        match self {
            Self::Authorised(charge) => Self::Captured(Capture { charge, captured, refunded: 0, refunds: 0 }),
            other => other,
        }
    }

    fn refunded(mut self, amount: Money) -> Self {
        if let Self::Captured(capture) = &mut self {
            capture.refunded += amount.amount;
            capture.refunds += 1;
        }
        self
    }
}

impl Charge {
    fn authorised(&self, payment_id: Uuid) -> PaymentAuthorised {
        let Self { order_id, customer_id, amount } = *self;
        PaymentAuthorised { payment_id, order_id, customer_id, amount }
    }

    fn declined(&self, payment_id: Uuid, reason: String) -> PaymentDeclined {
        let Self { order_id, customer_id, .. } = *self;
        PaymentDeclined { payment_id, order_id, customer_id, reason }
    }

    fn voided(&self, payment_id: Uuid, reason: String) -> PaymentVoided {
        let Self { order_id, customer_id, .. } = *self;
        PaymentVoided { payment_id, order_id, customer_id, reason }
    }

    fn captured(&self, payment_id: Uuid, amount: Money) -> PaymentCaptured {
        let Self { order_id, customer_id, .. } = *self;
        PaymentCaptured { payment_id, order_id, customer_id, amount }
    }

    fn refunded(&self, payment_id: Uuid, amount: Money, reason: String) -> PaymentRefunded {
        let Self { order_id, customer_id, .. } = *self;
        PaymentRefunded { payment_id, order_id, customer_id, amount, reason }
    }
}

impl Capture {
    /// What was taken and not given back.
    fn left(&self) -> Money {
        Money::new(self.captured.amount - self.refunded, self.captured.currency)
    }
}

#[cfg(test)]
mod tests;
