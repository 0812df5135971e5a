use kernel::{Command, Decision, Facts, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Payment, PaymentRejection, PaymentState, PaymentVoided};
use crate::Order;
use crate::texts::{REASON_LONGEST, check_reason, trimmed};

/// Ends a payment, wherever it stands: what was taken is given back, what was only promised or asked for is not
/// taken, and one that was never asked for is closed, so that asking late is refused. Sent by the fulfilment, as often
/// as it likes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReversePayment {
    /// The payment.
    pub payment_id: Uuid,
    /// The order that it is for.
    pub order_id: Uuid,
    /// Why.
    #[schemars(length(min = 1, max = REASON_LONGEST))]
    pub reason: String,
}

impl Command for ReversePayment {
    const NAME: &'static str = "reverse-payment";
    const SCOPE: &'static str = crate::FULFIL;
    type Decider = Payment;
    type Rejection = PaymentRejection;

    fn validate(&self, violations: &mut Violations) {
        check_reason(violations, &self.reason);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.payment_id)
    }

    fn reads(&self, _: Uuid, state: &PaymentState) -> Reads {
        match state {
            PaymentState::Unknown => Reads::of::<Order>(self.order_id),
            _ => Reads::none(),
        }
    }

    fn decide(&self, state: &PaymentState, facts: &Facts) -> Verdict<Self> {
        let reason = trimmed(&self.reason);
        match state {
            PaymentState::Declined | PaymentState::Voided => Ok(Decision::nothing()),
            PaymentState::Pending(charge) | PaymentState::Authorised(charge) => {
                Ok(Decision::record(charge.voided(self.payment_id, reason)))
            }
            PaymentState::Captured(capture) if capture.left().amount == 0 => Ok(Decision::nothing()),
            PaymentState::Captured(capture) => {
                Ok(Decision::record(capture.charge.refunded(self.payment_id, capture.left(), reason)))
            }
            PaymentState::Unknown => {
                let terms = facts.state::<Order>(self.order_id).terms();
                let customer_id = terms.ok_or(PaymentRejection::UnknownOrder)?.customer_id;
                let (payment_id, order_id) = (self.payment_id, self.order_id);
                Ok(Decision::record(PaymentVoided { payment_id, order_id, customer_id, reason }))
            }
        }
    }
}
