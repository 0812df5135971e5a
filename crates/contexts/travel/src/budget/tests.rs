use kernel::testing::{DeciderCase, given, given_nothing};

use super::*;
use crate::Group;
use crate::scene::*;

fn set(category: &str, limit: Money) -> SetBudget {
    SetBudget { group_id: GROUP, category: category.into(), limit }
}

fn was_set(category: &str, limit: i64) -> BudgetSet {
    BudgetSet { group_id: GROUP, category: category.into(), limit: euro(limit) }
}

fn of_group(events: impl IntoIterator<Item = BudgetSet>) -> DeciderCase<Budget> {
    given::<Budget, _>(events).and_stream::<Group, _>(GROUP, three())
}

#[test]
fn a_limit_is_set_by_category() {
    of_group([]).when(&set(" food ", euro(500))).then([was_set("food", 500)]);
    of_group([was_set("food", 500)]).when(&set("food", euro(0))).then([was_set("food", 0)]);
    of_group([was_set("food", 500)]).when(&set("food", euro(500))).then_nothing();
}

#[test]
fn a_limit_is_not_below_zero_and_in_the_groups_currency() {
    of_group([]).when(&set("food", euro(-1))).then_invalid("limit.amount", "negative");
    of_group([]).when(&set("", euro(1))).then_invalid("category", "empty");
    of_group([]).when(&set("food", dollar(1))).then_refused(&BudgetRejection::CurrencyMismatch);
}

#[test]
fn a_budget_has_at_most_two_hundred_categories() {
    let full = || of_group((0..200).map(|number| was_set(&format!("c{number}"), 1)));
    full().when(&set("food", euro(1))).then_refused(&BudgetRejection::TooManyCategories);
    full().when(&set("c7", euro(2))).then([was_set("c7", 2)]);
}

#[test]
fn a_group_has_a_budget_until_it_has_settled_up() {
    given_nothing::<Budget>().when(&set("food", euro(1))).then_refused(&BudgetRejection::UnknownGroup);
    given_nothing::<Budget>()
        .and_stream::<Group, _>(GROUP, closed())
        .when(&set("food", euro(1)))
        .then_refused(&BudgetRejection::GroupClosed);
}
