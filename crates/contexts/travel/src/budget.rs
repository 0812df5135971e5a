//! A budget: how much a group wants to spend on what. It limits nothing; it shows.

mod set;

pub use set::SetBudget;

use std::collections::BTreeMap;

use kernel::{Decider, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stream of one group's budget, apart from the group: setting it keeps nobody else waiting.
#[derive(Debug, Clone, Copy)]
pub struct Budget;

kernel::events! {
    /// What can happen to a budget.
    pub enum BudgetEvent in "schemas/travel" { BudgetSet }
}

/// The limit of a category was set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetSet {
    /// The group.
    pub group_id: Uuid,
    /// On what.
    pub category: String,
    /// How much.
    pub limit: Money,
}

/// Where a budget stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum BudgetState {
    /// No limit was ever set.
    #[default]
    Unset,
    /// The limits by category, in minor units.
    Set(BTreeMap<String, i64>),
}

kernel::rejections! {
    /// Why a budget is not set.
    pub enum BudgetRejection {
        /// There is no such group.
        UnknownGroup = "unknown-group": "there is no group with this id",
        /// It has settled up.
        GroupClosed = "group-closed": "the group has settled up and is closed",
        /// The limit is not in what the group counts in.
        CurrencyMismatch = "currency-mismatch": "the group counts in another currency",
        /// It has limits for as many categories as there can be.
        TooManyCategories = "too-many-categories": "the budget has as many categories as it can have",
    }
}

crate::group::needs_a_group!(BudgetRejection);

impl Decider for Budget {
    const STREAM: &'static str = "budget";
    const STATE_VERSION: u32 = 1;
    type Event = BudgetEvent;
    type State = BudgetState;

    fn evolve(state: BudgetState, event: &BudgetEvent) -> BudgetState {
        let BudgetEvent::BudgetSet(set) = event;
        let mut limits = match state {
            BudgetState::Unset => BTreeMap::new(),
            BudgetState::Set(limits) => limits,
        };
        limits.insert(set.category.clone(), set.limit.amount);
        BudgetState::Set(limits)
    }
}

impl BudgetState {
    fn limit(&self, category: &str) -> Option<i64> {
        match self {
            Self::Unset => None,
            Self::Set(limits) => limits.get(category).copied(),
        }
    }

    fn categories(&self) -> usize {
        match self {
            Self::Unset => 0,
            Self::Set(limits) => limits.len(),
        }
    }
}

#[cfg(test)]
mod tests;
