use kernel::{Keys, Link, Money, ReadStore, Recorded, RowKey, Sequence, Timestamp, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CategoryOfProduct, begun, product_of, stocked_product_of};
use crate::{CatalogEvent, CategoryEvent, ProductCreated, ProductEvent, StockEvent};

/// The products to search in: what a list of them shows, and nothing more.
#[derive(Debug, Clone, Copy)]
pub struct ProductSearch;

/// A product as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoundProduct {
    /// The product.
    pub id: Uuid,
    /// The stock keeping unit.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// What it is; may be empty.
    pub description: String,
    /// The category it is in.
    pub category: CategoryOfProduct,
    /// What it costs.
    pub price: Money,
    /// How much there is of it over all locations.
    pub stock: StockSums,
    /// Whether it is sold no longer.
    pub discontinued: bool,
    /// When it was taken into the catalog.
    pub created_at: Timestamp,
    /// The event that took it into the catalog: what lists are sorted by where times could be equal. Not shown.
    #[schemars(skip)]
    pub created_sequence: Sequence,
}

/// The stock of a product over all locations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockSums {
    /// How many pieces there are.
    pub total: i64,
    /// How many of them nobody has reserved.
    pub available: i64,
    /// How many of them are reserved.
    pub reserved: i64,
}

impl View for ProductSearch {
    const NAME: &'static str = "product-search";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = CatalogEvent;
    type Row = FoundProduct;

    fn keys(event: &Recorded<CatalogEvent>) -> Keys {
        match &event.event {
            CatalogEvent::Category(CategoryEvent::CategoryCreated(_))
            | CatalogEvent::Stock(StockEvent::StockTransferred(_)) => Keys::None,
            CatalogEvent::Category(CategoryEvent::CategoryRenamed(renamed)) => {
                Keys::Linked(CategoryOfProduct::link(renamed.category_id))
            }
            CatalogEvent::Product(event) => Keys::one(product_of(event)),
            CatalogEvent::Stock(event) => Keys::one(stocked_product_of(event)),
        }
    }

    fn links(row: &FoundProduct) -> Vec<Link> {
        vec![CategoryOfProduct::link(row.category.id)]
    }

    fn evolve(
        _: &RowKey,
        row: Option<FoundProduct>,
        event: &Recorded<CatalogEvent>,
    ) -> Result<Option<FoundProduct>, Unfoldable> {
        if let CatalogEvent::Product(ProductEvent::ProductCreated(created)) = &event.event {
            return Ok(Some(FoundProduct::new(created, event)));
        }
        let mut row = begun(row, "product")?;
        match &event.event {
            CatalogEvent::Category(CategoryEvent::CategoryCreated(_)) => {}
            CatalogEvent::Category(CategoryEvent::CategoryRenamed(renamed)) => {
                row.category.name.clone_from(&renamed.name);
            }
            CatalogEvent::Product(event) => row.apply(event),
            CatalogEvent::Stock(event) => row.stock.apply(event),
        }
        Ok(Some(row))
    }
}

impl FoundProduct {
    fn new(created: &ProductCreated, event: &Recorded<CatalogEvent>) -> Self {
        Self {
            id: created.product_id,
            sku: created.sku.clone(),
            name: created.name.clone(),
            description: created.description.clone(),
            category: CategoryOfProduct { id: created.category_id, name: created.category_name.clone() },
            price: created.price,
            stock: StockSums::default(),
            discontinued: false,
            created_at: event.recorded_at,
            created_sequence: event.sequence,
        }
    }

    fn apply(&mut self, event: &ProductEvent) {
        match event {
            ProductEvent::ProductCreated(_) => {}
            ProductEvent::ProductDescribed(described) => {
                if let Some(name) = &described.name {
                    self.name.clone_from(name);
                }
                if let Some(description) = &described.description {
                    self.description.clone_from(description);
                }
            }
            ProductEvent::PriceChanged(changed) => self.price = changed.price,
            ProductEvent::ProductRecategorised(moved) => {
                self.category =
                    CategoryOfProduct { id: moved.category_id, name: moved.category_name.clone() };
            }
            ProductEvent::ProductDiscontinued(_) => self.discontinued = true,
        }
    }
}

impl StockSums {
    fn apply(&mut self, event: &StockEvent) {
        let sum = |parts: &[crate::StockPart]| parts.iter().map(|part| part.quantity).sum::<i64>();
        match event {
            StockEvent::StockReceived(received) => self.total += received.quantity,
            StockEvent::StockReserved(reserved) => self.reserved += sum(&reserved.parts),
            StockEvent::StockReleased(released) => self.reserved -= sum(&released.parts),
            StockEvent::StockShipped(shipped) => {
                self.total -= sum(&shipped.parts);
                self.reserved -= sum(&shipped.parts);
            }
            StockEvent::StockAdjusted(adjusted) => self.total += adjusted.counted - adjusted.previous,
            StockEvent::StockTransferred(_) => {}
        }
        self.available = self.total - self.reserved;
    }
}
