use kernel::{Command, Decision, Facts, Reads, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Charge, Payment, PaymentMethod, PaymentRejection, PaymentRequested, PaymentState};
use crate::{Order, OrderState};

/// Why the simulator refuses.
const DECLINED_BY_THE_CARD: &str = "card-declined";

/// Asks for the money of an order that waits for it: as much as it costs, in the way that it says. Sent by the
/// fulfilment. The simulator answers in the same breath, or never.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestPayment {
    /// The payment.
    pub payment_id: Uuid,
    /// The order.
    pub order_id: Uuid,
}

impl Command for RequestPayment {
    const NAME: &'static str = "request-payment";
    const SCOPE: &'static str = crate::FULFIL;
    type Decider = Payment;
    type Rejection = PaymentRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.payment_id)
    }

    fn reads(&self, _: Uuid, _: &PaymentState) -> Reads {
        Reads::of::<Order>(self.order_id)
    }

    fn decide(&self, state: &PaymentState, facts: &Facts) -> Verdict<Self> {
        match state {
            PaymentState::Unknown => {}
            PaymentState::Voided => return Err(PaymentRejection::Voided),
            PaymentState::Declined => return Err(PaymentRejection::Declined),
            PaymentState::Pending(charge)
            | PaymentState::Authorised(charge)
            | PaymentState::Captured(super::Capture { charge, .. }) => {
                return match charge.order_id == self.order_id {
                    true => Ok(Decision::nothing()),
                    false => Err(PaymentRejection::OtherOrder),
                };
            }
        }
        let (charge, payment_method) = charge_of(self.order_id, facts)?;
        let requested = PaymentRequested {
            payment_id: self.payment_id,
            order_id: charge.order_id,
            customer_id: charge.customer_id,
            amount: charge.amount,
            payment_method: payment_method.clone(),
        };
        let asked = Decision::record(requested).claim(
            "payment-of-order",
            self.order_id.to_string(),
            PaymentRejection::OrderHasPayment,
        );
        Ok(match PaymentMethod::named(&payment_method) {
            Some(PaymentMethod::CardOk) => asked.and(charge.authorised(self.payment_id)),
            Some(PaymentMethod::CardDeclined) => {
                asked.and(charge.declined(self.payment_id, DECLINED_BY_THE_CARD.to_owned()))
            }
            Some(PaymentMethod::CardSilent) | None => asked,
        })
    }
}

/// What a pending order owes, and how it is to be paid.
fn charge_of(order_id: Uuid, facts: &Facts) -> Result<(Charge, String), PaymentRejection> {
    match facts.state::<Order>(order_id) {
        OrderState::Unknown => Err(PaymentRejection::UnknownOrder),
        OrderState::Pending(terms) => Ok((
            Charge { order_id, customer_id: terms.customer_id, amount: terms.total },
            terms.payment_method.clone(),
        )),
        OrderState::Confirmed(_)
        | OrderState::Rejected(_)
        | OrderState::Cancelled(_)
        | OrderState::Shipped(_)
        | OrderState::Delivered(_) => Err(PaymentRejection::OrderNotPending),
    }
}
