use kernel::{Keys, Money, ReadStore, Recorded, RowKey, Timestamp, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{OrderSummary, order_of};
use crate::{OrderEvent, OrdersEvent, PaymentEvent};

/// What each customer has ordered and paid.
///
/// An order is a row of its own, so that a customer of many years has small rows all the same.
#[derive(Debug, Clone, Copy)]
pub struct CustomerHistory;

/// A row: a customer, or one of their orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HistoryRow {
    /// Of the key `<customer>`.
    Customer(CustomerTotals),
    /// Of the key `<customer>/<order>`.
    Order(OrderSummary),
}

/// What a customer has come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerTotals {
    /// The customer.
    pub customer_id: Uuid,
    /// How many orders were placed, whatever became of them.
    pub order_count: i64,
    /// How many of them wait for being confirmed.
    pub pending: i64,
    /// How many of them are confirmed, shipped or delivered.
    pub confirmed: i64,
    /// How many of them came to nothing.
    pub rejected: i64,
    /// How many of them were called off.
    pub cancelled: i64,
    /// What was paid, for each currency, by its code.
    pub spent: Vec<Spent>,
    /// When the first was placed.
    pub first_order_at: Timestamp,
    /// When the latest was placed.
    pub last_order_at: Timestamp,
}

/// What was paid in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spent {
    /// How much was taken.
    pub captured: Money,
    /// How much of that was given back.
    pub refunded: Money,
}

impl View for CustomerHistory {
    const NAME: &'static str = "customer-history";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = OrdersEvent;
    type Row = HistoryRow;

    fn keys(event: &Recorded<OrdersEvent>) -> Keys {
        let (order, customer) = order_of(&event.event);
        match &event.event {
            OrdersEvent::Order(_) => {
                Keys::These(vec![customer.into(), RowKey::new(format!("{customer}/{order}"))])
            }
            OrdersEvent::Payment(PaymentEvent::PaymentCaptured(_) | PaymentEvent::PaymentRefunded(_)) => {
                Keys::one(customer)
            }
            OrdersEvent::Payment(_) => Keys::None,
        }
    }

    fn evolve(
        key: &RowKey,
        row: Option<HistoryRow>,
        event: &Recorded<OrdersEvent>,
    ) -> Result<Option<HistoryRow>, Unfoldable> {
        let (_, customer) = order_of(&event.event);
        match (&event.event, row) {
            (OrdersEvent::Order(change), row) if *key != RowKey::from(customer) => {
                let order = match row {
                    Some(HistoryRow::Order(order)) => Some(order),
                    Some(HistoryRow::Customer(_)) => return Err(mixed_up()),
                    None => None,
                };
                Ok(Some(HistoryRow::Order(OrderSummary::after(order, change, event)?)))
            }
            (_, Some(HistoryRow::Order(_))) => Err(mixed_up()),
            (change, row) => {
                let mut totals = match row {
                    Some(HistoryRow::Customer(totals)) => totals,
                    _ => CustomerTotals {
                        customer_id: customer,
                        first_order_at: event.recorded_at,
                        ..CustomerTotals::default()
                    },
                };
                totals.apply(change, event.recorded_at);
                Ok(Some(HistoryRow::Customer(totals)))
            }
        }
    }
}

fn mixed_up() -> Unfoldable {
    Unfoldable::because("a customer's row holds an order, or an order's a customer")
}

impl CustomerTotals {
    fn apply(&mut self, event: &OrdersEvent, at: Timestamp) {
        match event {
            OrdersEvent::Order(OrderEvent::OrderPlaced(_)) => {
                self.order_count += 1;
                self.pending += 1;
                self.last_order_at = at;
            }
            OrdersEvent::Order(OrderEvent::OrderConfirmed(_)) => {
                self.pending -= 1;
                self.confirmed += 1;
            }
            OrdersEvent::Order(OrderEvent::OrderRejected(_)) => {
                self.pending -= 1;
                self.rejected += 1;
            }
            OrdersEvent::Order(OrderEvent::OrderCancelled(cancelled)) => {
                match cancelled.was_confirmed {
                    true => self.confirmed -= 1,
                    false => self.pending -= 1,
                }
                self.cancelled += 1;
            }
            OrdersEvent::Payment(PaymentEvent::PaymentCaptured(captured)) => {
                self.spent_in(captured.amount).captured.amount += captured.amount.amount;
            }
            OrdersEvent::Payment(PaymentEvent::PaymentRefunded(refunded)) => {
                self.spent_in(refunded.amount).refunded.amount += refunded.amount.amount;
            }
            OrdersEvent::Order(_) | OrdersEvent::Payment(_) => {}
        }
    }

    /// There are as many as there are currencies.
    fn spent_in(&mut self, money: Money) -> &mut Spent {
        let code = money.currency.code();
        let index = self.spent.binary_search_by(|spent| spent.captured.currency.code().cmp(code));
        let index = index.unwrap_or_else(|index| {
            let nothing = Money::new(0, money.currency);
            self.spent.insert(index, Spent { captured: nothing, refunded: nothing });
            index
        });
        &mut self.spent[index]
    }
}
