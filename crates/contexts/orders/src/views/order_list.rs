use kernel::{Keys, Money, ReadStore, Recorded, RowKey, Sequence, Timestamp, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{OrderStatus, begun};
use crate::{OrderEvent, OrderPlaced, OrdersEvent};

/// The orders to choose from: what a list of them shows, and nothing more.
#[derive(Debug, Clone, Copy)]
pub struct OrderList;

/// An order as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderSummary {
    /// The order.
    pub id: Uuid,
    /// Whose order it is.
    pub customer_id: Uuid,
    /// How far it has come.
    pub status: OrderStatus,
    /// Why it was rejected or cancelled.
    pub reason: Option<String>,
    /// How many lines it has.
    pub line_count: usize,
    /// What all of it costs.
    pub total: Money,
    /// How it is to be paid.
    pub payment_method: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it last came further.
    pub updated_at: Timestamp,
    /// When it was placed, in microseconds: what lists are sorted and filtered by. Not shown.
    #[schemars(skip)]
    pub placed_micros: i64,
    /// The event that placed it: what lists are sorted by where times are equal. Not shown.
    #[schemars(skip)]
    pub placed_sequence: Sequence,
}

impl View for OrderList {
    const NAME: &'static str = "order-list";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = OrdersEvent;
    type Row = OrderSummary;

    fn keys(event: &Recorded<OrdersEvent>) -> Keys {
        match &event.event {
            OrdersEvent::Order(_) => super::key_of_order(&event.event),
            OrdersEvent::Payment(_) => Keys::None,
        }
    }

    fn evolve(
        _: &RowKey,
        row: Option<OrderSummary>,
        event: &Recorded<OrdersEvent>,
    ) -> Result<Option<OrderSummary>, Unfoldable> {
        let OrdersEvent::Order(change) = &event.event else { return Ok(row) };
        OrderSummary::after(row, change, event).map(Some)
    }
}

impl OrderSummary {
    /// The order after one more of its events.
    pub(super) fn after(
        row: Option<Self>,
        change: &OrderEvent,
        event: &Recorded<OrdersEvent>,
    ) -> Result<Self, Unfoldable> {
        if let OrderEvent::OrderPlaced(placed) = change {
            return Ok(Self::new(placed, event));
        }
        let row = begun(row)?;
        let reason = match change {
            OrderEvent::OrderRejected(rejected) => Some(rejected.reason.clone()),
            OrderEvent::OrderCancelled(cancelled) => Some(cancelled.reason.clone()),
            _ => row.reason,
        };
        Ok(Self { status: OrderStatus::after(change), reason, updated_at: event.recorded_at, ..row })
    }

    fn new(placed: &OrderPlaced, event: &Recorded<OrdersEvent>) -> Self {
        Self {
            id: placed.order_id,
            customer_id: placed.customer_id,
            status: OrderStatus::Pending,
            reason: None,
            line_count: placed.items.len(),
            total: placed.total,
            payment_method: placed.payment_method.clone(),
            placed_at: event.recorded_at,
            updated_at: event.recorded_at,
            placed_micros: event.recorded_at.micros(),
            placed_sequence: event.sequence,
        }
    }
}
