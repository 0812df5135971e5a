use kernel::{Command, Decision, Facts, Money, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Payment, PaymentRejection, PaymentState};
use crate::texts::{REASON_LONGEST, TOTAL_LARGEST, check_line, trimmed};

/// In how many parts a payment may be given back, besides what its reversal gives back.
pub const REFUNDS_MOST: usize = 100;

/// Gives money back that was taken, in parts or whole; never more than was taken.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundPayment {
    /// The payment.
    pub payment_id: Uuid,
    /// How much, above 0; all that is left of it where nothing is said.
    #[serde(default)]
    pub amount: Option<Money>,
    /// Why.
    #[serde(default)]
    #[schemars(length(min = 1, max = REASON_LONGEST))]
    pub reason: Option<String>,
}

impl Command for RefundPayment {
    const NAME: &'static str = "refund-payment";
    type Decider = Payment;
    type Rejection = PaymentRejection;

    fn validate(&self, violations: &mut Violations) {
        if let Some(amount) = self.amount {
            violations.positive("amount.amount", amount.amount, TOTAL_LARGEST);
        }
        check_line(violations, "reason", self.reason.as_ref(), REASON_LONGEST);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.payment_id)
    }

    fn decide(&self, state: &PaymentState, _: &Facts) -> Verdict<Self> {
        let capture = match state {
            PaymentState::Unknown => return Err(PaymentRejection::UnknownPayment),
            // Nothing was taken, so anything is more than that.
            PaymentState::Pending(_)
            | PaymentState::Authorised(_)
            | PaymentState::Declined
            | PaymentState::Voided => return Err(PaymentRejection::RefundExceedsCapture),
            PaymentState::Captured(capture) => capture,
        };
        let left = capture.left();
        let amount = self.amount.unwrap_or(left);
        if amount.currency != left.currency {
            return Err(PaymentRejection::CurrencyMismatch);
        }
        if amount.amount > left.amount || left.amount == 0 {
            return Err(PaymentRejection::RefundExceedsCapture);
        }
        if capture.refunds >= REFUNDS_MOST {
            return Err(PaymentRejection::TooManyRefunds);
        }
        let reason = self.reason.as_deref().map(trimmed).unwrap_or_default();
        Ok(Decision::record(capture.charge.refunded(self.payment_id, amount, reason)))
    }
}
