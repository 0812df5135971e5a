use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Order, OrderDelivered, OrderRejection, OrderShipped, OrderState};
use crate::texts::{RECEIVED_BY_LONGEST, check_line, trimmed};

/// Says that the goods of an order have arrived. An order that was confirmed and never marked as shipped, as where
/// goods are handed over at the counter, is shipped and delivered at once.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkDelivered {
    /// The order.
    pub order_id: Uuid,
    /// Who took them.
    #[serde(default)]
    #[schemars(length(min = 1, max = RECEIVED_BY_LONGEST))]
    pub received_by: Option<String>,
}

impl Command for MarkDelivered {
    const NAME: &'static str = "mark-delivered";
    type Decider = Order;
    type Rejection = OrderRejection;

    fn validate(&self, violations: &mut Violations) {
        check_line(violations, "received_by", self.received_by.as_ref(), RECEIVED_BY_LONGEST);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.order_id)
    }

    fn decide(&self, state: &OrderState, _: &Facts) -> Verdict<Self> {
        let order_id = self.order_id;
        let received_by = self.received_by.as_deref().map(trimmed);
        match state {
            OrderState::Unknown => Err(OrderRejection::UnknownOrder),
            OrderState::Pending(_) | OrderState::Rejected(_) | OrderState::Cancelled(_) => {
                Err(OrderRejection::NotConfirmed)
            }
            OrderState::Delivered(_) => Err(OrderRejection::AlreadyDelivered),
            OrderState::Shipped(terms) => {
                let customer_id = terms.customer_id;
                Ok(Decision::record(OrderDelivered { order_id, customer_id, received_by }))
            }
            OrderState::Confirmed(terms) => {
                let customer_id = terms.customer_id;
                let left = OrderShipped { order_id, customer_id, carrier: None, tracking_code: None };
                Ok(Decision::record(left).and(OrderDelivered { order_id, customer_id, received_by }))
            }
        }
    }
}
