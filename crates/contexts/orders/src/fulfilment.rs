//! The process that fulfils an order, from being placed to its end.
//!
//! ```text
//! reserving ──► paying ──► capturing ──► confirming ──► confirmed ──shipped──► shipping ──► over
//!     │           │            │             │              │
//!     └───────────┴─ refused ──┴─────────────┘              │
//!     │           │            ▼                            │
//!     │           │         undoing ──► rejecting ──► over  │
//!     ├─ no answer in time ──► cancelling                   │
//!     └───────────┴─ cancelled ──► undoing ──► over ◄───────┘
//! ```
//! Stock is reserved for every line at once, in the catalog; when all of it is there, the payment is asked for, and the
//! money is taken when it is promised. Whatever goes wrong, what was done is undone in reverse: the money is given back,
//! the stock is released. An order that is called off, by anyone at any time, takes the same way.
//!
//! Events and answers come in no common order: that an order is confirmed may be heard before the answer to the command
//! that confirmed it. Each state takes whichever comes first, and passes over the other.

mod commands;

use std::time::Duration;

use kernel::{Effects, Process, ProcessFacts, ProcessInput, Recorded, Route};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{OrderEvent, OrdersEvent, PaymentEvent};

/// The timer that runs until the payment is authorised.
const AUTHORISATION: &str = "authorisation";
/// Why an order is cancelled whose payment was not authorised in time.
const TIMEOUT: &str = "authorisation-timeout";
/// Why an order is cancelled that an operator had undone.
const BY_OPERATOR: &str = "undone-by-operator";
/// Why an order is rejected whose payment was declined.
const DECLINED: &str = "payment-declined";

/// The process that fulfils each order. Its instance has the order's id.
#[derive(Debug, Clone, Copy)]
pub struct Fulfilment;

/// What whoever runs it decides.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FulfilmentSettings {
    /// How many seconds a payment may take to be authorised, from when the order was placed; then the order is
    /// cancelled.
    pub payment_deadline_seconds: u32,
}

impl Default for FulfilmentSettings {
    fn default() -> Self {
        Self { payment_deadline_seconds: 15 * 60 }
    }
}

/// How far the fulfilment of an order has come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum FulfilmentState {
    /// Nothing was ordered.
    #[default]
    Waiting,
    /// Stock is being set aside.
    Reserving {
        /// What was ordered.
        goods: Vec<Goods>,
        /// How many lines are set aside.
        reserved: usize,
    },
    /// The payment was asked for.
    Paying {
        /// What was ordered.
        goods: Vec<Goods>,
    },
    /// The money is promised, and is being taken.
    Capturing {
        /// What was ordered.
        goods: Vec<Goods>,
    },
    /// The money was taken, and the order is being confirmed.
    Confirming {
        /// What was ordered.
        goods: Vec<Goods>,
    },
    /// The order stands, and waits for being shipped or cancelled.
    Confirmed {
        /// What was ordered.
        goods: Vec<Goods>,
    },
    /// The goods have left, and the stock is being told so.
    Shipping {
        /// What was ordered.
        goods: Vec<Goods>,
        /// Of how many lines the stock has answered.
        shipped: usize,
    },
    /// The order is being cancelled, for this reason.
    Cancelling {
        /// Why.
        reason: String,
    },
    /// Everything is being undone; then the order ends so.
    Undoing {
        /// How.
        ending: Ending,
    },
    /// Everything is undone, and the order is being rejected, for this reason.
    Rejecting {
        /// Why.
        reason: String,
    },
    /// Nothing is left to do.
    Over,
}

/// Some pieces of one product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goods {
    /// The product.
    pub product_id: Uuid,
    /// How many.
    pub quantity: i64,
}

/// How an order ends once everything is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Ending {
    /// It came to nothing.
    Rejected {
        /// Why: the code of the rule that said no.
        reason: String,
    },
    /// It has been called off already.
    Cancelled,
}

impl Process for Fulfilment {
    const NAME: &'static str = "fulfilment";
    type Event = OrdersEvent;
    type State = FulfilmentState;
    type Settings = FulfilmentSettings;

    fn route(event: &Recorded<OrdersEvent>) -> Route {
        match &event.event {
            OrdersEvent::Order(OrderEvent::OrderPlaced(placed)) => Route::Start(placed.order_id),
            OrdersEvent::Order(OrderEvent::OrderConfirmed(event)) => Route::Continue(event.order_id),
            OrdersEvent::Order(OrderEvent::OrderCancelled(event)) => Route::Continue(event.order_id),
            OrdersEvent::Order(OrderEvent::OrderShipped(event)) => Route::Continue(event.order_id),
            OrdersEvent::Payment(PaymentEvent::PaymentAuthorised(event)) => Route::Continue(event.order_id),
            OrdersEvent::Payment(PaymentEvent::PaymentDeclined(event)) => Route::Continue(event.order_id),
            OrdersEvent::Order(OrderEvent::OrderRejected(_) | OrderEvent::OrderDelivered(_))
            | OrdersEvent::Payment(
                PaymentEvent::PaymentRequested(_)
                | PaymentEvent::PaymentCaptured(_)
                | PaymentEvent::PaymentRefunded(_)
                | PaymentEvent::PaymentVoided(_),
            ) => Route::Ignore,
        }
    }

    fn evolve(state: FulfilmentState, input: &ProcessInput<OrdersEvent>) -> FulfilmentState {
        match input {
            ProcessInput::Event(event) => match &event.event {
                OrdersEvent::Order(event) => state.after_order(event),
                OrdersEvent::Payment(event) => state.after_payment(event),
            },
            ProcessInput::Done { step } => state.after_done(step),
            ProcessInput::Refused { step, code } => state.after_refusal(step, code),
            ProcessInput::Unknown { .. } => state,
            ProcessInput::Woken { .. } => state.after_deadline(),
            ProcessInput::Compensated => state.after_undoing(),
        }
    }

    /// What each state wants. A step that was taken is not taken again, so that it does not matter which input brought
    /// the state about.
    fn react(
        state: &FulfilmentState,
        input: &ProcessInput<OrdersEvent>,
        facts: &ProcessFacts<'_, FulfilmentSettings>,
    ) -> Effects {
        let effects = Effects::none();
        match state {
            FulfilmentState::Waiting => effects,
            FulfilmentState::Reserving { goods, .. } => {
                let effects = effects.send_all(commands::reserve_all(goods, facts));
                if !matches!(input, ProcessInput::Event(_)) {
                    return effects;
                }
                let patience = Duration::from_secs(facts.settings.payment_deadline_seconds.into());
                effects.wake(AUTHORISATION, facts.after(patience))
            }
            FulfilmentState::Paying { .. } => effects.send(commands::request_payment(facts)),
            FulfilmentState::Capturing { .. } => {
                effects.forget(AUTHORISATION).send(commands::capture_payment(facts))
            }
            FulfilmentState::Confirming { .. } => effects.send(commands::confirm(facts)),
            FulfilmentState::Confirmed { .. } => effects,
            FulfilmentState::Shipping { goods, .. } => effects.send_all(commands::ship_all(goods, facts)),
            FulfilmentState::Cancelling { reason } => effects.send(commands::cancel(reason, facts)),
            FulfilmentState::Undoing { .. } => effects.forget(AUTHORISATION).compensate(),
            FulfilmentState::Rejecting { reason } => effects.send(commands::reject(reason, facts)),
            FulfilmentState::Over => effects.done(),
        }
    }
}

impl FulfilmentState {
    fn after_order(self, event: &OrderEvent) -> Self {
        match (event, self) {
            (OrderEvent::OrderPlaced(placed), Self::Waiting) => {
                let goods = placed.items.iter();
                let goods = goods.map(|line| Goods { product_id: line.product_id, quantity: line.quantity });
                Self::Reserving { goods: goods.collect(), reserved: 0 }
            }
            (OrderEvent::OrderConfirmed(_), Self::Confirming { goods }) => Self::Confirmed { goods },
            (OrderEvent::OrderShipped(_), Self::Confirming { goods } | Self::Confirmed { goods }) => {
                Self::Shipping { goods, shipped: 0 }
            }
            (OrderEvent::OrderCancelled(_), state) => state.after_cancellation(),
            (_, state) => state,
        }
    }

    fn after_payment(self, event: &PaymentEvent) -> Self {
        match (event, self) {
            (PaymentEvent::PaymentAuthorised(_), Self::Paying { goods }) => Self::Capturing { goods },
            (PaymentEvent::PaymentDeclined(_), Self::Paying { .. }) => Self::refused(DECLINED),
            (_, state) => state,
        }
    }

    fn after_cancellation(self) -> Self {
        match self {
            Self::Reserving { .. }
            | Self::Paying { .. }
            | Self::Capturing { .. }
            | Self::Confirming { .. }
            | Self::Confirmed { .. }
            | Self::Cancelling { .. }
            | Self::Undoing { .. } => Self::Undoing { ending: Ending::Cancelled },
            state @ (Self::Waiting | Self::Shipping { .. } | Self::Rejecting { .. } | Self::Over) => state,
        }
    }

    fn after_done(self, step: &str) -> Self {
        match self {
            Self::Reserving { goods, reserved } if commands::is_reservation(step) => {
                let reserved = reserved + 1;
                if reserved == goods.len() {
                    Self::Paying { goods }
                } else {
                    Self::Reserving { goods, reserved }
                }
            }
            Self::Capturing { goods } if step == commands::CAPTURE => Self::Confirming { goods },
            Self::Confirming { goods } if step == commands::CONFIRM => Self::Confirmed { goods },
            Self::Shipping { goods, shipped } if commands::is_shipment(step) => {
                Self::shipping(goods, shipped + 1)
            }
            Self::Rejecting { .. } if step == commands::REJECT => Self::Over,
            state => state,
        }
    }

    fn after_refusal(self, step: &str, code: &str) -> Self {
        match self {
            Self::Reserving { .. }
            | Self::Paying { .. }
            | Self::Capturing { .. }
            | Self::Confirming { .. } => Self::refused(code),
            // Somebody released it by hand: nothing of it is left to be shipped.
            Self::Shipping { goods, shipped } if commands::is_shipment(step) => {
                Self::shipping(goods, shipped + 1)
            }
            // It has ended meanwhile, and everything is undone all the same.
            Self::Cancelling { .. } if step == commands::CANCEL => {
                Self::Undoing { ending: Ending::Cancelled }
            }
            Self::Rejecting { .. } if step == commands::REJECT => Self::Over,
            state => state,
        }
    }

    fn after_deadline(self) -> Self {
        match self {
            Self::Reserving { .. } | Self::Paying { .. } => Self::Cancelling { reason: TIMEOUT.to_owned() },
            state => state,
        }
    }

    /// Everything is undone: because it had to be, or because an operator had it so.
    fn after_undoing(self) -> Self {
        match self {
            Self::Undoing { ending: Ending::Rejected { reason } } => Self::Rejecting { reason },
            Self::Undoing { ending: Ending::Cancelled } | Self::Shipping { .. } | Self::Over => Self::Over,
            Self::Reserving { .. }
            | Self::Paying { .. }
            | Self::Capturing { .. }
            | Self::Confirming { .. }
            | Self::Confirmed { .. } => Self::Cancelling { reason: BY_OPERATOR.to_owned() },
            state @ (Self::Waiting | Self::Cancelling { .. } | Self::Rejecting { .. }) => state,
        }
    }

    fn refused(code: &str) -> Self {
        Self::Undoing { ending: Ending::Rejected { reason: code.to_owned() } }
    }

    fn shipping(goods: Vec<Goods>, shipped: usize) -> Self {
        if shipped == goods.len() { Self::Over } else { Self::Shipping { goods, shipped } }
    }
}

#[cfg(test)]
mod tests;
