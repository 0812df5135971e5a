use kernel::{Keys, Money, ReadStore, Recorded, RowKey, Sequence, Timestamp, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PartRow, begun};
use crate::{ExpenseEvent, ExpenseSubmitted, TravelEvent};

/// The expenses, and what was decided on them.
#[derive(Debug, Clone, Copy)]
pub struct Expenses;

/// An expense.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpenseRow {
    /// The group.
    pub group_id: Uuid,
    /// The expense.
    pub expense_id: Uuid,
    /// Whether it counts.
    pub status: ExpenseStatus,
    /// Who submitted it and does not decide on it.
    pub submitted_by: Uuid,
    /// Who paid.
    pub paid_by: Uuid,
    /// How much.
    pub amount: Money,
    /// The budget that it belongs to.
    pub category: String,
    /// What it was for.
    pub description: Option<String>,
    /// What of it falls to whom.
    pub parts: Vec<PartRow>,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// Who decided.
    pub decided_by: Option<Uuid>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Why it does not count.
    pub reason: Option<String>,
    /// The event that submitted it: what lists are sorted by where times could be equal. Not shown.
    #[schemars(skip)]
    pub submitted_sequence: Sequence,
}

/// Whether an expense counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExpenseStatus {
    /// Nobody has decided yet.
    Pending,
    /// It does.
    Approved,
    /// It does not.
    Rejected,
}

impl View for Expenses {
    const NAME: &'static str = "travel-expenses";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = TravelEvent;
    type Row = ExpenseRow;

    fn keys(event: &Recorded<TravelEvent>) -> Keys {
        let TravelEvent::Expense(event) = &event.event else { return Keys::None };
        let (group, expense) = match event {
            ExpenseEvent::ExpenseSubmitted(event) => (event.group_id, event.expense_id),
            ExpenseEvent::ExpenseApproved(event) => (event.group_id, event.expense_id),
            ExpenseEvent::ExpenseRejected(event) => (event.group_id, event.expense_id),
        };
        Keys::one(format!("{group}/{expense}"))
    }

    fn evolve(
        _: &RowKey,
        row: Option<ExpenseRow>,
        event: &Recorded<TravelEvent>,
    ) -> Result<Option<ExpenseRow>, Unfoldable> {
        let TravelEvent::Expense(happened) = &event.event else { return Ok(row) };
        if let ExpenseEvent::ExpenseSubmitted(submitted) = happened {
            return Ok(Some(ExpenseRow::new(submitted, event)));
        }
        let mut row = begun(row, "expense")?;
        match happened {
            ExpenseEvent::ExpenseSubmitted(_) => {}
            ExpenseEvent::ExpenseApproved(approved) => {
                row.status = ExpenseStatus::Approved;
                row.decided_by = Some(approved.by);
            }
            ExpenseEvent::ExpenseRejected(rejected) => {
                row.status = ExpenseStatus::Rejected;
                row.decided_by = Some(rejected.by);
                row.reason.clone_from(&rejected.reason);
            }
        }
        row.decided_at = Some(event.recorded_at);
        Ok(Some(row))
    }
}

impl ExpenseRow {
    fn new(submitted: &ExpenseSubmitted, event: &Recorded<TravelEvent>) -> Self {
        Self {
            group_id: submitted.group_id,
            expense_id: submitted.expense_id,
            status: ExpenseStatus::Pending,
            submitted_by: submitted.submitted_by,
            paid_by: submitted.paid_by,
            amount: submitted.amount,
            category: submitted.category.clone(),
            description: submitted.description.clone(),
            parts: PartRow::all(&submitted.parts, submitted.amount.currency),
            submitted_at: event.recorded_at,
            decided_by: None,
            decided_at: None,
            reason: None,
            submitted_sequence: event.sequence,
        }
    }
}
