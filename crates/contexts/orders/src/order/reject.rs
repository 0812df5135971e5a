use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Order, OrderRejected, OrderRejection, OrderState};
use crate::texts::{REASON_LONGEST, check_reason, trimmed};

/// Says that an order came to nothing. Sent by the fulfilment, when something it needs was refused. An order that
/// has been called off meanwhile stays so.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectOrder {
    /// The order.
    pub order_id: Uuid,
    /// Why: the code of the rule that said no.
    #[schemars(length(min = 1, max = REASON_LONGEST))]
    pub reason: String,
}

impl Command for RejectOrder {
    const NAME: &'static str = "reject-order";
    const SCOPE: &'static str = crate::FULFIL;
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
            OrderState::Confirmed(_) => Err(OrderRejection::AlreadyConfirmed),
            OrderState::Shipped(_) | OrderState::Delivered(_) => Err(OrderRejection::AlreadyShipped),
            OrderState::Rejected(_) | OrderState::Cancelled(_) => Ok(Decision::nothing()),
            OrderState::Pending(terms) => Ok(Decision::record(OrderRejected {
                order_id: self.order_id,
                customer_id: terms.customer_id,
                reason: trimmed(&self.reason),
            })),
        }
    }
}
