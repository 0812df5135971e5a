use kernel::{Command, Decision, Facts, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Order, OrderConfirmed, OrderRejection, OrderState};

/// Says that an order stands. Sent by the fulfilment, when everything is set aside and paid for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmOrder {
    /// The order.
    pub order_id: Uuid,
}

impl Command for ConfirmOrder {
    const NAME: &'static str = "confirm-order";
    const SCOPE: &'static str = crate::FULFIL;
    type Decider = Order;
    type Rejection = OrderRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.order_id)
    }

    fn decide(&self, state: &OrderState, _: &Facts) -> Verdict<Self> {
        match state {
            OrderState::Unknown => Err(OrderRejection::UnknownOrder),
            OrderState::Rejected(_) => Err(OrderRejection::Rejected),
            OrderState::Cancelled(_) => Err(OrderRejection::Cancelled),
            OrderState::Confirmed(_) | OrderState::Shipped(_) | OrderState::Delivered(_) => {
                Ok(Decision::nothing())
            }
            OrderState::Pending(terms) => {
                let customer_id = terms.customer_id;
                Ok(Decision::record(OrderConfirmed { order_id: self.order_id, customer_id }))
            }
        }
    }
}
