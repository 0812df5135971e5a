use kernel::{Command, Decision, Facts, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Expense, ExpenseRejected, ExpenseRejection, ExpenseState};
use crate::Group;
use crate::limits::DESCRIPTION_LONGEST;

/// Does not agree that an expense counts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectExpense {
    /// The group.
    pub group_id: Uuid,
    /// The expense.
    pub expense_id: Uuid,
    /// The member who does not agree; not the one who submitted it.
    pub by: Uuid,
    /// Why.
    #[serde(default)]
    #[schemars(length(max = DESCRIPTION_LONGEST))]
    pub reason: Option<String>,
}

impl Command for RejectExpense {
    const NAME: &'static str = "reject-expense";
    type Decider = Expense;
    type Rejection = ExpenseRejection;

    fn validate(&self, violations: &mut Violations) {
        if let Some(reason) = &self.reason {
            violations.prose("reason", reason, DESCRIPTION_LONGEST);
        }
    }

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
        Ok(Decision::record(ExpenseRejected {
            group_id: self.group_id,
            expense_id: self.expense_id,
            by: self.by,
            reason: self.reason.clone(),
            amount: submission.amount,
            category: submission.category.clone(),
        }))
    }
}
