use kernel::{Currency, Keys, Money, ReadStore, Recorded, RowKey, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{OrdersEvent, PaymentEvent};

/// What was taken and given back on each day, for each currency.
#[derive(Debug, Clone, Copy)]
pub struct Revenue;

/// The revenue of one day in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevenueOfDay {
    /// The day, in UTC.
    pub day: String,
    /// The currency.
    pub currency: Currency,
    /// How much was taken on it.
    pub captured: i64,
    /// In how many payments.
    pub captures: i64,
    /// How much was given back on it, whenever it had been taken.
    pub refunded: i64,
    /// In how many parts.
    pub refunds: i64,
}

impl View for Revenue {
    const NAME: &'static str = "revenue";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = OrdersEvent;
    type Row = RevenueOfDay;

    fn keys(event: &Recorded<OrdersEvent>) -> Keys {
        match moved(&event.event) {
            Some(money) => {
                let (day, currency) = (event.recorded_at.day(), money.currency);
                Keys::These(vec![RowKey::new(format!("{day}/{currency}"))])
            }
            None => Keys::None,
        }
    }

    fn evolve(
        _: &RowKey,
        row: Option<RevenueOfDay>,
        event: &Recorded<OrdersEvent>,
    ) -> Result<Option<RevenueOfDay>, Unfoldable> {
        let Some(money) = moved(&event.event) else { return Ok(row) };
        let mut row = row.unwrap_or_else(|| RevenueOfDay {
            day: event.recorded_at.day(),
            currency: money.currency,
            captured: 0,
            captures: 0,
            refunded: 0,
            refunds: 0,
        });
        if let OrdersEvent::Payment(PaymentEvent::PaymentRefunded(_)) = &event.event {
            row.refunded += money.amount;
            row.refunds += 1;
        } else {
            row.captured += money.amount;
            row.captures += 1;
        }
        Ok(Some(row))
    }
}

/// The money that an event took or gave back.
fn moved(event: &OrdersEvent) -> Option<Money> {
    match event {
        OrdersEvent::Payment(PaymentEvent::PaymentCaptured(captured)) => Some(captured.amount),
        OrdersEvent::Payment(PaymentEvent::PaymentRefunded(refunded)) => Some(refunded.amount),
        OrdersEvent::Payment(_) | OrdersEvent::Order(_) => None,
    }
}
