use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Order, OrderCancelled, OrderRejection, OrderState};
use crate::texts::{REASON_LONGEST, check_reason, trimmed};

/// Calls an order off, until it is shipped. What was reserved for it is released, what was taken for it is refunded.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelOrder {
    /// The order.
    pub order_id: Uuid,
    /// Why.
    #[schemars(length(min = 1, max = REASON_LONGEST))]
    pub reason: String,
}

impl Command for CancelOrder {
    const NAME: &'static str = "cancel-order";
    type Decider = Order;
    type Rejection = OrderRejection;

    fn validate(&self, violations: &mut Violations) {
        check_reason(violations, &self.reason);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.order_id)
    }

    fn decide(&self, state: &OrderState, _: &Facts) -> Verdict<Self> {
        match state {
            OrderState::Unknown => Err(OrderRejection::UnknownOrder),
            OrderState::Shipped(_) | OrderState::Delivered(_) => Err(OrderRejection::AlreadyShipped),
            OrderState::Rejected(_) => Err(OrderRejection::Rejected),
            OrderState::Cancelled(_) => Ok(Decision::nothing()),
            OrderState::Pending(terms) | OrderState::Confirmed(terms) => {
                Ok(Decision::record(OrderCancelled {
                    order_id: self.order_id,
                    customer_id: terms.customer_id,
                    reason: trimmed(&self.reason),
                    was_confirmed: matches!(state, OrderState::Confirmed(_)),
                }))
            }
        }
    }
}
