use kernel::{Command, Decision, Facts, Reads, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Expense, ExpenseApproved, ExpenseRejection, ExpenseState};
use crate::Group;

/// Agrees that an expense counts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveExpense {
    /// The group.
    pub group_id: Uuid,
    /// The expense.
    pub expense_id: Uuid,
    /// The member who agrees; not the one who submitted it.
    pub by: Uuid,
}

impl Command for ApproveExpense {
    const NAME: &'static str = "approve-expense";
    type Decider = Expense;
    type Rejection = ExpenseRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.expense_id)
    }

    fn owner(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, _: Uuid, _: &ExpenseState) -> Reads {
        Reads::of::<Group>(self.group_id)
    }

    fn decide(&self, state: &ExpenseState, facts: &Facts) -> Verdict<Self> {
        let submission = state.to_be_decided(self.group_id, self.by, facts)?;
        Ok(Decision::record(ExpenseApproved {
            group_id: self.group_id,
            expense_id: self.expense_id,
            by: self.by,
            paid_by: submission.paid_by,
            amount: submission.amount,
            category: submission.category.clone(),
            parts: submission.parts.clone(),
        }))
    }
}
