use std::collections::BTreeMap;

use kernel::{Actor, Command, Decision, Facts, Money, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Expense, ExpenseRejection, ExpenseState, ExpenseSubmitted};
use crate::group::travellers;
use crate::limits::{
    CATEGORY_LONGEST, DESCRIPTION_LONGEST, MEMBERS_MOST, SHARES_LARGEST, check_amount, trimmed,
};
use crate::split::{by_shares, equally};
use crate::{Group, Part, Travellers};

/// Says that a member paid for others. Another member decides whether it counts.
///
/// It is submitted by the member whose token it is sent with; where that is nobody of the group, an agent, it is
/// submitted in the name of the member who paid.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitExpense {
    /// The group.
    pub group_id: Uuid,
    /// The expense's id; one is made where none is given.
    pub expense_id: Option<Uuid>,
    /// The member who paid.
    pub paid_by: Uuid,
    /// How much, above 0, in the group's currency.
    pub amount: Money,
    /// The budget that it belongs to.
    #[schemars(length(min = 1, max = CATEGORY_LONGEST))]
    pub category: String,
    /// For whom; for all members in equal parts where it is left out.
    #[serde(default)]
    pub split: Split,
    /// What it was for.
    #[serde(default)]
    #[schemars(length(max = DESCRIPTION_LONGEST))]
    pub description: Option<String>,
}

/// How an amount falls to the members. The parts sum to it exactly: each is rounded down to whole minor units, and
/// what is left goes out one unit at a time, first to whom the largest fraction was cut off, of equal ones to the
/// smaller user id.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// In equal parts to all who are members when it is submitted.
    #[default]
    Equal,
    /// By shares: user id to a number of shares. Who has twice as many pays twice as much.
    Shares(BTreeMap<Uuid, u32>),
}

impl Split {
    fn check(&self, violations: &mut Violations) {
        let Self::Shares(shares) = self else { return };
        violations.require(shares.values().any(|share| *share > 0), "split.shares", "empty");
        violations.require(shares.len() <= MEMBERS_MOST, "split.shares", "too-many");
        let small = shares.values().all(|share| *share <= SHARES_LARGEST);
        violations.require(small, "split.shares", "too-large");
    }

    /// The parts; `None` where they are for somebody who is no member.
    fn of(&self, amount: i64, travellers: &Travellers) -> Option<Vec<Part>> {
        match self {
            Self::Equal => Some(equally(amount, travellers.members.iter().copied())),
            Self::Shares(shares) => {
                let shares: Vec<_> = shares.iter().map(|(user, share)| (*user, *share)).collect();
                let all_travel = shares.iter().all(|(user, _)| travellers.members.contains(user));
                let parts =
                    || by_shares(amount, &shares).into_iter().filter(|part| part.amount > 0).collect();
                all_travel.then(parts)
            }
        }
    }
}

impl Command for SubmitExpense {
    const NAME: &'static str = "submit-expense";
    type Decider = Expense;
    type Rejection = ExpenseRejection;

    fn validate(&self, violations: &mut Violations) {
        check_amount(violations, "amount", &self.amount);
        violations.line("category", &self.category, CATEGORY_LONGEST);
        if let Some(description) = &self.description {
            violations.prose("description", description, DESCRIPTION_LONGEST);
        }
        self.split.check(violations);
    }

    fn stream_id(&self) -> Option<Uuid> {
        self.expense_id
    }

    fn owner(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, _: Uuid, _: &ExpenseState) -> Reads {
        Reads::of::<Group>(self.group_id)
    }

    fn decide(&self, state: &ExpenseState, facts: &Facts) -> Verdict<Self> {
        let travellers = travellers(facts, self.group_id)?;
        if *state != ExpenseState::Unknown {
            return Err(ExpenseRejection::ExpenseExists);
        }
        if !travellers.members.contains(&self.paid_by) {
            return Err(ExpenseRejection::NotAMember);
        }
        if self.amount.currency != travellers.currency {
            return Err(ExpenseRejection::CurrencyMismatch);
        }
        let parts = self.split.of(self.amount.amount, travellers).ok_or(ExpenseRejection::NotAMember)?;
        Ok(Decision::record(ExpenseSubmitted {
            group_id: self.group_id,
            expense_id: facts.id,
            submitted_by: member(&facts.actor, travellers).unwrap_or(self.paid_by),
            paid_by: self.paid_by,
            amount: self.amount,
            category: trimmed(&self.category),
            description: self.description.clone(),
            parts,
        }))
    }
}

/// Who asks, where that is a member.
fn member(actor: &Actor, travellers: &Travellers) -> Option<Uuid> {
    actor.as_str().parse().ok().filter(|user| travellers.members.contains(user))
}
