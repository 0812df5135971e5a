use kernel::{Command, Decision, Facts, Money, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Budget, BudgetRejection, BudgetSet, BudgetState};
use crate::Group;
use crate::group::travellers;
use crate::limits::{AMOUNT_LARGEST, CATEGORIES_MOST, CATEGORY_LONGEST, trimmed};

/// Says how much a group wants to spend on a category.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetBudget {
    /// The group.
    pub group_id: Uuid,
    /// On what.
    #[schemars(length(min = 1, max = CATEGORY_LONGEST))]
    pub category: String,
    /// How much, 0 or more, in the group's currency.
    pub limit: Money,
}

impl Command for SetBudget {
    const NAME: &'static str = "set-budget";
    type Decider = Budget;
    type Rejection = BudgetRejection;

    fn validate(&self, violations: &mut Violations) {
        violations.line("category", &self.category, CATEGORY_LONGEST);
        violations.require(self.limit.amount >= 0, "limit.amount", "negative");
        violations.require(self.limit.amount <= AMOUNT_LARGEST, "limit.amount", "too-large");
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, group: Uuid, _: &BudgetState) -> Reads {
        Reads::of::<Group>(group)
    }

    fn decide(&self, state: &BudgetState, facts: &Facts) -> Verdict<Self> {
        let travellers = travellers(facts, self.group_id)?;
        if self.limit.currency != travellers.currency {
            return Err(BudgetRejection::CurrencyMismatch);
        }
        let category = trimmed(&self.category);
        match state.limit(&category) {
            Some(limit) if limit == self.limit.amount => return Ok(Decision::nothing()),
            None if state.categories() >= CATEGORIES_MOST => return Err(BudgetRejection::TooManyCategories),
            _ => {}
        }
        Ok(Decision::record(BudgetSet { group_id: self.group_id, category, limit: self.limit }))
    }
}
