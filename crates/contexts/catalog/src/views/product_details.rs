use std::collections::BTreeMap;

use kernel::{Keys, Link, Money, ReadStore, Recorded, RowKey, Source, Timestamp, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CategoryOfProduct, begun, product_of, stocked_product_of};
use crate::{
    CatalogEvent, Category, CategoryEvent, Product, ProductCreated, ProductEvent, Stock, StockLevels,
};

/// Everything about one product: itself, its category's name, its stock by location.
#[derive(Debug, Clone, Copy)]
pub struct ProductDetails;

/// A product with its category and its stock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProductRow {
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
    /// Further properties.
    pub attributes: BTreeMap<String, String>,
    /// How much there is of it, and where.
    pub stock: StockLevels,
    /// Whether it is sold no longer.
    pub discontinued: bool,
    /// Why it is sold no longer.
    pub discontinued_reason: Option<String>,
    /// When it was taken into the catalog.
    pub created_at: Timestamp,
    /// When anything of this last changed.
    pub updated_at: Timestamp,
}

impl View for ProductDetails {
    const NAME: &'static str = "product-details";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Redis, ReadStore::Postgres];
    type Event = CatalogEvent;
    type Row = ProductRow;

    fn keys(event: &Recorded<CatalogEvent>) -> Keys {
        match &event.event {
            CatalogEvent::Category(CategoryEvent::CategoryCreated(_)) => Keys::None,
            CatalogEvent::Category(CategoryEvent::CategoryRenamed(renamed)) => {
                Keys::Linked(CategoryOfProduct::link(renamed.category_id))
            }
            CatalogEvent::Product(event) => Keys::one(product_of(event)),
            CatalogEvent::Stock(event) => Keys::one(stocked_product_of(event)),
        }
    }

    fn links(row: &ProductRow) -> Vec<Link> {
        vec![CategoryOfProduct::link(row.category.id)]
    }

    fn sources(key: &RowKey, _: Option<&ProductRow>) -> Vec<Source> {
        let of_product = |id| vec![Source::of::<Product>(id), Source::of::<Stock>(id)];
        key.as_str().parse().map(of_product).unwrap_or_default()
    }

    fn leads_to(event: &CatalogEvent) -> Vec<Source> {
        match event {
            CatalogEvent::Product(ProductEvent::ProductCreated(created)) => {
                vec![Source::of::<Category>(created.category_id)]
            }
            CatalogEvent::Product(ProductEvent::ProductRecategorised(moved)) => {
                vec![Source::of::<Category>(moved.category_id)]
            }
            _ => Vec::new(),
        }
    }

    fn evolve(
        _: &RowKey,
        row: Option<ProductRow>,
        event: &Recorded<CatalogEvent>,
    ) -> Result<Option<ProductRow>, Unfoldable> {
        if let CatalogEvent::Product(ProductEvent::ProductCreated(created)) = &event.event {
            return Ok(Some(ProductRow::new(created, event.recorded_at)));
        }
        let mut row = begun(row, "product")?;
        match &event.event {
            CatalogEvent::Category(CategoryEvent::CategoryCreated(_)) => return Ok(Some(row)),
            CatalogEvent::Category(CategoryEvent::CategoryRenamed(renamed)) => {
                row.category.name.clone_from(&renamed.name);
            }
            CatalogEvent::Product(event) => row.apply(event),
            CatalogEvent::Stock(event) => row.stock.apply(event),
        }
        row.updated_at = event.recorded_at;
        Ok(Some(row))
    }
}

impl ProductRow {
    fn new(created: &ProductCreated, at: Timestamp) -> Self {
        Self {
            id: created.product_id,
            sku: created.sku.clone(),
            name: created.name.clone(),
            description: created.description.clone(),
            category: CategoryOfProduct { id: created.category_id, name: created.category_name.clone() },
            price: created.price,
            attributes: created.attributes.clone(),
            stock: StockLevels::default(),
            discontinued: false,
            discontinued_reason: None,
            created_at: at,
            updated_at: at,
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
                if let Some(attributes) = &described.attributes {
                    self.attributes.clone_from(attributes);
                }
            }
            ProductEvent::PriceChanged(changed) => self.price = changed.price,
            ProductEvent::ProductRecategorised(moved) => {
                self.category =
                    CategoryOfProduct { id: moved.category_id, name: moved.category_name.clone() };
            }
            ProductEvent::ProductDiscontinued(discontinued) => {
                self.discontinued = true;
                self.discontinued_reason = Some(discontinued.reason.clone());
            }
        }
    }
}
