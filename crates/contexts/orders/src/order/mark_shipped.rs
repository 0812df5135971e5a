use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Order, OrderRejection, OrderShipped, OrderState};
use crate::texts::{CARRIER_LONGEST, TRACKING_CODE_LONGEST, check_line, trimmed};

/// Says that the goods of a confirmed order have left. What was reserved for it leaves the stock.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkShipped {
    /// The order.
    pub order_id: Uuid,
    /// Who carries them.
    #[serde(default)]
    #[schemars(length(min = 1, max = CARRIER_LONGEST))]
    pub carrier: Option<String>,
    /// Under what they can be followed there.
    #[serde(default)]
    #[schemars(length(min = 1, max = TRACKING_CODE_LONGEST))]
    pub tracking_code: Option<String>,
}

impl Command for MarkShipped {
    const NAME: &'static str = "mark-shipped";
    type Decider = Order;
    type Rejection = OrderRejection;

    fn validate(&self, violations: &mut Violations) {
        check_line(violations, "carrier", self.carrier.as_ref(), CARRIER_LONGEST);
        check_line(violations, "tracking_code", self.tracking_code.as_ref(), TRACKING_CODE_LONGEST);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.order_id)
    }

    fn decide(&self, state: &OrderState, _: &Facts) -> Verdict<Self> {
        match state {
            OrderState::Unknown => Err(OrderRejection::UnknownOrder),
            OrderState::Pending(_) | OrderState::Rejected(_) | OrderState::Cancelled(_) => {
                Err(OrderRejection::NotConfirmed)
            }
            OrderState::Shipped(_) | OrderState::Delivered(_) => Err(OrderRejection::AlreadyShipped),
            OrderState::Confirmed(terms) => Ok(Decision::record(OrderShipped {
                order_id: self.order_id,
                customer_id: terms.customer_id,
                carrier: self.carrier.as_deref().map(trimmed),
                tracking_code: self.tracking_code.as_deref().map(trimmed),
            })),
        }
    }
}
