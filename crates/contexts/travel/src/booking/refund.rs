use kernel::{Command, Decision, Facts, Money, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Booking, BookingRejection, BookingState, PaymentRefunded, Stay};
use crate::group::travellers;
use crate::limits::check_amount;
use crate::{Group, Part};

/// Gives back some of what was paid for a booking, cancelled or not, never more than is left of it. Whoever paid
/// gets it, and the others owe their parts of it no longer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundPayment {
    /// The group.
    pub group_id: Uuid,
    /// The booking.
    pub booking_id: Uuid,
    /// How much, above 0, in the group's currency.
    pub amount: Money,
}

impl Command for RefundPayment {
    const NAME: &'static str = "refund-payment";
    type Decider = Booking;
    type Rejection = BookingRejection;

    fn validate(&self, violations: &mut Violations) {
        check_amount(violations, "amount", &self.amount);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.booking_id)
    }

    fn owner(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, _: Uuid, _: &BookingState) -> Reads {
        Reads::of::<Group>(self.group_id)
    }

    fn decide(&self, state: &BookingState, facts: &Facts) -> Verdict<Self> {
        travellers(facts, self.group_id)?;
        let stay = match state {
            BookingState::Unknown => return Err(BookingRejection::UnknownBooking),
            BookingState::Booked(stay) | BookingState::Cancelled(stay) => stay,
        };
        if self.amount.currency != stay.price.currency {
            return Err(BookingRejection::CurrencyMismatch);
        }
        if self.amount.amount > stay.cost() {
            return Err(BookingRejection::RefundExceedsPayment);
        }
        Ok(Decision::record(PaymentRefunded {
            group_id: self.group_id,
            booking_id: self.booking_id,
            amount: self.amount,
            category: stay.category.clone(),
            paid_by: stay.paid_by,
            parts: taken_off(stay, self.amount.amount),
        }))
    }
}

/// How much less falls to whom. Equal parts of more are nowhere less: nobody is left with more than before.
fn taken_off(stay: &Stay, amount: i64) -> Vec<Part> {
    let after = Stay { refunded: stay.refunded + amount, ..stay.clone() };
    let less = |(before, after): (Part, Part)| Part {
        user_id: before.user_id,
        amount: before.amount - after.amount,
    };
    stay.parts().into_iter().zip(after.parts()).map(less).collect()
}
