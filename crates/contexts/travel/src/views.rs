//! What those who travel together can be asked: each view is a fold of the context's events into rows.

mod bookings;
mod budgets;
mod expenses;
mod groups;
mod itinerary;
mod rooms;

pub use bookings::{BookingRow, BookingStatus, Bookings};
pub use budgets::{BudgetRow, Budgets};
pub use expenses::{ExpenseRow, ExpenseStatus, Expenses};
pub use groups::{GroupRow, GroupStatus, Groups, MemberRow, PaymentRow};
pub use itinerary::{ItemRow, Itinerary};
pub use rooms::{NightSold, Rooms, RoomsOfType, RoomsRow};

use kernel::{Currency, Money, Unfoldable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Part;

/// What falls to a member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartRow {
    /// To whom.
    pub user_id: Uuid,
    /// How much.
    pub amount: Money,
}

impl PartRow {
    fn all(parts: &[Part], currency: Currency) -> Vec<Self> {
        let row = |part: &Part| Self { user_id: part.user_id, amount: Money::new(part.amount, currency) };
        parts.iter().map(row).collect()
    }
}

/// The row that an event takes for granted.
fn begun<R>(row: Option<R>, what: &str) -> Result<R, Unfoldable> {
    row.ok_or_else(|| Unfoldable::because(format!("something happened to a {what} that there never was")))
}

#[cfg(test)]
mod tests;
