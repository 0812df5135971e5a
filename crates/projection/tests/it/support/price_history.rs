//! The view of `docs/guide/add-a-view.md`. What follows the imports is in the guide letter for letter.

use catalog::{CatalogEvent, ProductEvent};
use kernel::{Keys, Money, ReadStore, Recorded, RowKey, Timestamp, Unfoldable, View};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How the price of a product has moved.
#[derive(Debug, Clone, Copy)]
pub struct PriceHistory;

/// What a product has cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriceHistoryRow {
    /// The product.
    pub product_id: Uuid,
    /// What it costs.
    pub price: Money,
    /// The least that it has cost.
    pub lowest: Money,
    /// How often its price has changed.
    pub changes: u32,
    /// When it last changed.
    pub since: Timestamp,
}

impl View for PriceHistory {
    const NAME: &'static str = "price-history";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres, ReadStore::Redis];
    type Event = CatalogEvent;
    type Row = PriceHistoryRow;

    fn keys(event: &Recorded<CatalogEvent>) -> Keys {
        match &event.event {
            CatalogEvent::Product(ProductEvent::ProductCreated(created)) => Keys::one(created.product_id),
            CatalogEvent::Product(ProductEvent::PriceChanged(changed)) => Keys::one(changed.product_id),
            _ => Keys::None,
        }
    }

    fn evolve(
        _: &RowKey,
        row: Option<PriceHistoryRow>,
        event: &Recorded<CatalogEvent>,
    ) -> Result<Option<PriceHistoryRow>, Unfoldable> {
        let since = event.recorded_at;
        match (&event.event, row) {
            (CatalogEvent::Product(ProductEvent::ProductCreated(created)), _) => Ok(Some(PriceHistoryRow {
                product_id: created.product_id,
                price: created.price,
                lowest: created.price,
                changes: 0,
                since,
            })),
            (CatalogEvent::Product(ProductEvent::PriceChanged(changed)), Some(row)) => {
                let price = changed.price;
                let lowest = if price.amount < row.lowest.amount { price } else { row.lowest };
                Ok(Some(PriceHistoryRow { price, lowest, changes: row.changes + 1, since, ..row }))
            }
            (CatalogEvent::Product(ProductEvent::PriceChanged(_)), None) => {
                Err(Unfoldable::because("the price of a product changed that was never created"))
            }
            (_, row) => Ok(row),
        }
    }
}
