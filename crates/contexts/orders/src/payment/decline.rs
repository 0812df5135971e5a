use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Payment, PaymentRejection, PaymentState};
use crate::texts::{REASON_LONGEST, check_reason, trimmed};

/// Says that the money is refused: what a provider answers to a payment that was asked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclinePayment {
    /// The payment.
    pub payment_id: Uuid,
    /// Why.
    #[schemars(length(min = 1, max = REASON_LONGEST))]
    pub reason: String,
}

impl Command for DeclinePayment {
    const NAME: &'static str = "decline-payment";
    type Decider = Payment;
    type Rejection = PaymentRejection;

    fn validate(&self, violations: &mut Violations) {
        check_reason(violations, &self.reason);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.payment_id)
    }

    fn decide(&self, state: &PaymentState, _: &Facts) -> Verdict<Self> {
        match state {
            PaymentState::Unknown => Err(PaymentRejection::UnknownPayment),
            PaymentState::Voided => Err(PaymentRejection::Voided),
            PaymentState::Authorised(_) => Err(PaymentRejection::AlreadyAuthorised),
            PaymentState::Captured(_) => Err(PaymentRejection::AlreadyCaptured),
            PaymentState::Declined => Ok(Decision::nothing()),
            PaymentState::Pending(charge) => {
                Ok(Decision::record(charge.declined(self.payment_id, trimmed(&self.reason))))
            }
        }
    }
}
