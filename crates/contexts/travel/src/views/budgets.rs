use kernel::{Currency, Keys, Money, ReadStore, Recorded, RowKey, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{BookingEvent, BudgetEvent, ExpenseEvent, TravelEvent};

/// What each group wants to spend on what, and what it has spent.
#[derive(Debug, Clone, Copy)]
pub struct Budgets;

/// A category of a group's budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetRow {
    /// The group. Not shown with each category.
    #[schemars(skip)]
    pub group_id: Uuid,
    /// On what.
    pub category: String,
    /// How much the group wants to spend, where it said so.
    pub limit: Option<Money>,
    /// What it has spent: approved expenses, and bookings less what was refunded.
    pub spent: Money,
    /// What waits for a decision: expenses that were submitted.
    pub committed: Money,
    /// What is left of the limit; below 0, by how much it is exceeded.
    pub left: Option<Money>,
}

/// What an event changes in a category.
struct Change<'a> {
    group_id: Uuid,
    category: &'a str,
    currency: Currency,
    limit: Option<i64>,
    spent: i64,
    committed: i64,
}

impl<'a> Change<'a> {
    fn of(event: &'a TravelEvent) -> Option<Self> {
        let change = |group_id, category, money: &Money, [limit, spent, committed]: [i64; 3]| Self {
            group_id,
            category,
            currency: money.currency,
            limit: (limit != 0).then_some(money.amount),
            spent: spent * money.amount,
            committed: committed * money.amount,
        };
        Some(match event {
            TravelEvent::Budget(BudgetEvent::BudgetSet(it)) => {
                change(it.group_id, &it.category, &it.limit, [1, 0, 0])
            }
            TravelEvent::Expense(ExpenseEvent::ExpenseSubmitted(it)) => {
                change(it.group_id, &it.category, &it.amount, [0, 0, 1])
            }
            TravelEvent::Expense(ExpenseEvent::ExpenseApproved(it)) => {
                change(it.group_id, &it.category, &it.amount, [0, 1, -1])
            }
            TravelEvent::Expense(ExpenseEvent::ExpenseRejected(it)) => {
                change(it.group_id, &it.category, &it.amount, [0, 0, -1])
            }
            TravelEvent::Booking(BookingEvent::HotelRoomBooked(it)) => {
                change(it.group_id, &it.category, &it.price, [0, 1, 0])
            }
            TravelEvent::Booking(BookingEvent::PaymentRefunded(it)) => {
                change(it.group_id, &it.category, &it.amount, [0, -1, 0])
            }
            TravelEvent::Booking(BookingEvent::BookingCancelled(_))
            | TravelEvent::Group(_)
            | TravelEvent::Wallet(_)
            | TravelEvent::Item(_)
            | TravelEvent::Hotel(_) => return None,
        })
    }
}

impl View for Budgets {
    const NAME: &'static str = "travel-budgets";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = TravelEvent;
    type Row = BudgetRow;

    fn keys(event: &Recorded<TravelEvent>) -> Keys {
        match Change::of(&event.event) {
            Some(Change { group_id, category, .. }) => Keys::one(format!("{group_id}/{category}")),
            None => Keys::None,
        }
    }

    fn evolve(
        _: &RowKey,
        row: Option<BudgetRow>,
        event: &Recorded<TravelEvent>,
    ) -> Result<Option<BudgetRow>, Unfoldable> {
        let Some(change) = Change::of(&event.event) else { return Ok(row) };
        let money = |amount| Money::new(amount, change.currency);
        let mut row = row.unwrap_or_else(|| BudgetRow {
            group_id: change.group_id,
            category: change.category.to_owned(),
            limit: None,
            spent: money(0),
            committed: money(0),
            left: None,
        });
        row.limit = change.limit.map(money).or(row.limit);
        row.spent.amount += change.spent;
        row.committed.amount += change.committed;
        let used = row.spent.amount + row.committed.amount;
        row.left = row.limit.map(|limit| money(limit.amount - used));
        Ok(Some(row))
    }
}
