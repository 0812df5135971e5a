use kernel::{Command, Decision, Facts, Reads, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::request::charge_of;
use super::{Payment, PaymentRejection, PaymentState};
use crate::Order;

/// Says that the money is promised: what a provider answers to a payment that was asked for. A payment that nobody
/// asked for yet begins with it, where it names an order that waits for one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorisePayment {
    /// The payment.
    pub payment_id: Uuid,
    /// The order that it is for; needed only where the payment begins with this.
    #[serde(default)]
    pub order_id: Option<Uuid>,
}

impl Command for AuthorisePayment {
    const NAME: &'static str = "authorise-payment";
    type Decider = Payment;
    type Rejection = PaymentRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.payment_id)
    }

    fn reads(&self, _: Uuid, state: &PaymentState) -> Reads {
        match (state, self.order_id) {
            (PaymentState::Unknown, Some(order_id)) => Reads::of::<Order>(order_id),
            _ => Reads::none(),
        }
    }

    fn decide(&self, state: &PaymentState, facts: &Facts) -> Verdict<Self> {
        match state {
            PaymentState::Declined => Err(PaymentRejection::Declined),
            PaymentState::Voided => Err(PaymentRejection::Voided),
            PaymentState::Captured(_) => Err(PaymentRejection::AlreadyCaptured),
            PaymentState::Authorised(_) => Ok(Decision::nothing()),
            PaymentState::Pending(charge) => match self.order_id {
                Some(order_id) if order_id != charge.order_id => Err(PaymentRejection::OtherOrder),
                _ => Ok(Decision::record(charge.authorised(self.payment_id))),
            },
            PaymentState::Unknown => {
                let order_id = self.order_id.ok_or(PaymentRejection::UnknownPayment)?;
                let (charge, _) = charge_of(order_id, facts)?;
                Ok(Decision::record(charge.authorised(self.payment_id)).claim(
                    "payment-of-order",
                    order_id.to_string(),
                    PaymentRejection::OrderHasPayment,
                ))
            }
        }
    }
}
