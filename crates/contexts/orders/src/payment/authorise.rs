use kernel::{Command, Decision, Facts, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Payment, PaymentRejection, PaymentState};

/// Says that the money is promised: what a provider answers to a payment that was asked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorisePayment {
    /// The payment.
    pub payment_id: Uuid,
}

impl Command for AuthorisePayment {
    const NAME: &'static str = "authorise-payment";
    type Decider = Payment;
    type Rejection = PaymentRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.payment_id)
    }

    fn decide(&self, state: &PaymentState, _: &Facts) -> Verdict<Self> {
        match state {
            PaymentState::Unknown => Err(PaymentRejection::UnknownPayment),
            PaymentState::Declined => Err(PaymentRejection::Declined),
            PaymentState::Voided => Err(PaymentRejection::Voided),
            PaymentState::Captured(_) => Err(PaymentRejection::AlreadyCaptured),
            PaymentState::Authorised(_) => Ok(Decision::nothing()),
            PaymentState::Pending(charge) => Ok(Decision::record(charge.authorised(self.payment_id))),
        }
    }
}
