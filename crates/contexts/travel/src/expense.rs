//! An expense: somebody paid for the others, and another member says whether that counts.

mod approve;
mod reject;
mod submit;

pub use approve::ApproveExpense;
pub use reject::RejectExpense;
pub use submit::{Split, SubmitExpense};

use kernel::{Decider, Facts, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Part;
use crate::group::travellers;

/// The stream of one expense of a group.
#[derive(Debug, Clone, Copy)]
pub struct Expense;

kernel::events! {
    /// What can happen to an expense.
    pub enum ExpenseEvent in "schemas/travel" { ExpenseSubmitted, ExpenseApproved, ExpenseRejected }
}

/// Somebody says that a member paid for others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpenseSubmitted {
    /// The group.
    pub group_id: Uuid,
    /// The expense.
    pub expense_id: Uuid,
    /// The member who says so and may not decide on it.
    pub submitted_by: Uuid,
    /// The member who paid.
    pub paid_by: Uuid,
    /// How much.
    pub amount: Money,
    /// The budget that it belongs to.
    pub category: String,
    /// What it was for.
    pub description: Option<String>,
    /// What of it falls to whom; they sum to the amount.
    pub parts: Vec<Part>,
}

/// Another member agreed that it counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpenseApproved {
    /// The group.
    pub group_id: Uuid,
    /// The expense.
    pub expense_id: Uuid,
    /// Who agreed.
    pub by: Uuid,
    /// The member who paid.
    pub paid_by: Uuid,
    /// How much.
    pub amount: Money,
    /// The budget that it belongs to.
    pub category: String,
    /// What of it falls to whom; they sum to the amount.
    pub parts: Vec<Part>,
}

/// Another member did not agree that it counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpenseRejected {
    /// The group.
    pub group_id: Uuid,
    /// The expense.
    pub expense_id: Uuid,
    /// Who did not agree.
    pub by: Uuid,
    /// Why.
    pub reason: Option<String>,
    /// How much it was.
    pub amount: Money,
    /// The budget that it belonged to.
    pub category: String,
}

/// Where an expense stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum ExpenseState {
    /// There is none.
    #[default]
    Unknown,
    /// Nobody has decided yet.
    Submitted(Submission),
    /// It counts.
    Approved(Submission),
    /// It does not.
    Rejected,
}

/// Who paid what for whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// The member who may not decide on it.
    pub submitted_by: Uuid,
    /// The member who paid.
    pub paid_by: Uuid,
    /// How much.
    pub amount: Money,
    /// The budget that it belongs to.
    pub category: String,
    /// What of it falls to whom.
    pub parts: Vec<Part>,
}

kernel::rejections! {
    /// Why an expense's command is refused.
    pub enum ExpenseRejection {
        /// There is no such group.
        UnknownGroup = "unknown-group": "there is no group with this id",
        /// It has settled up.
        GroupClosed = "group-closed": "the group has settled up and is closed",
        /// Somebody who is named is not in it.
        NotAMember = "not-a-member": "a user who is named is no member of the group",
        /// The amount is not in what the group counts in.
        CurrencyMismatch = "currency-mismatch": "the group counts in another currency",
        /// The id is in use.
        ExpenseExists = "expense-exists": "an expense of the group with this id exists already",
        /// There is no such expense.
        UnknownExpense = "unknown-expense": "the group has no expense with this id",
        /// Whoever submitted it leaves the decision to others.
        SelfApproval = "self-approval": "whoever submitted an expense does not decide on it",
        /// It was decided already.
        AlreadyDecided = "already-decided": "the expense was approved or rejected already",
    }
}

crate::group::needs_a_group!(ExpenseRejection);

impl Decider for Expense {
    const STREAM: &'static str = "expense";
    const STATE_VERSION: u32 = 1;
    type Event = ExpenseEvent;
    type State = ExpenseState;

    fn evolve(state: ExpenseState, event: &ExpenseEvent) -> ExpenseState {
        match (state, event) {
            (_, ExpenseEvent::ExpenseSubmitted(submitted)) => ExpenseState::Submitted(Submission {
                submitted_by: submitted.submitted_by,
                paid_by: submitted.paid_by,
                amount: submitted.amount,
                category: submitted.category.clone(),
                parts: submitted.parts.clone(),
            }),
            (ExpenseState::Submitted(submission), ExpenseEvent::ExpenseApproved(_)) => {
                ExpenseState::Approved(submission)
            }
            (ExpenseState::Submitted(_), ExpenseEvent::ExpenseRejected(_)) => ExpenseState::Rejected,
            (state, ExpenseEvent::ExpenseApproved(_) | ExpenseEvent::ExpenseRejected(_)) => state,
        }
    }
}

impl ExpenseState {
    /// What is still to be decided.
    pub(crate) fn pending(&self) -> Option<&Submission> {
        match self {
            Self::Submitted(submission) => Some(submission),
            Self::Unknown | Self::Approved(_) | Self::Rejected => None,
        }
    }

    /// Whether what is still to be decided would change what a member owes or is owed.
    pub(crate) fn waits_on(&self, user: Uuid) -> bool {
        self.pending().is_some_and(|submission| {
            submission.paid_by == user || submission.parts.iter().any(|part| part.user_id == user)
        })
    }

    /// What `by` is to decide on.
    fn to_be_decided(
        &self,
        group_id: Uuid,
        by: Uuid,
        facts: &Facts,
    ) -> Result<&Submission, ExpenseRejection> {
        let travellers = travellers(facts, group_id)?;
        if *self == Self::Unknown {
            return Err(ExpenseRejection::UnknownExpense);
        }
        if !travellers.members.contains(&by) {
            return Err(ExpenseRejection::NotAMember);
        }
        let submission = self.pending().ok_or(ExpenseRejection::AlreadyDecided)?;
        if submission.submitted_by == by {
            return Err(ExpenseRejection::SelfApproval);
        }
        Ok(submission)
    }
}

#[cfg(test)]
mod tests;
