use kernel::{Command, Decision, Facts, Money, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Payment, PaymentRejection, PaymentState};
use crate::texts::TOTAL_LARGEST;

/// Takes money that was promised, once.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapturePayment {
    /// The payment.
    pub payment_id: Uuid,
    /// How much, at most what was promised; all of it where nothing is said.
    #[serde(default)]
    pub amount: Option<Money>,
}

impl Command for CapturePayment {
    const NAME: &'static str = "capture-payment";
    type Decider = Payment;
    type Rejection = PaymentRejection;

    fn validate(&self, violations: &mut Violations) {
        if let Some(amount) = self.amount {
            violations.positive("amount.amount", amount.amount, TOTAL_LARGEST);
        }
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.payment_id)
    }

    fn decide(&self, state: &PaymentState, _: &Facts) -> Verdict<Self> {
        match state {
            PaymentState::Unknown => Err(PaymentRejection::UnknownPayment),
            PaymentState::Pending(_) => Err(PaymentRejection::NotAuthorised),
            PaymentState::Declined => Err(PaymentRejection::Declined),
            PaymentState::Voided => Err(PaymentRejection::Voided),
            PaymentState::Captured(capture) => {
                match capture.captured == self.amount.unwrap_or(capture.charge.amount) {
                    true => Ok(Decision::nothing()),
                    false => Err(PaymentRejection::AlreadyCaptured),
                }
            }
            PaymentState::Authorised(charge) => {
                let amount = self.amount.unwrap_or(charge.amount);
                if amount.currency != charge.amount.currency {
                    return Err(PaymentRejection::CurrencyMismatch);
                }
                if amount.amount > charge.amount.amount {
                    return Err(PaymentRejection::CaptureExceedsAuthorisation);
                }
                Ok(Decision::record(charge.captured(self.payment_id, amount)))
            }
        }
    }
}
