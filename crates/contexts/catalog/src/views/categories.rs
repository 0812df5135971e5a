use kernel::{Keys, ReadStore, Recorded, RowKey, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::begun;
use crate::{CatalogEvent, CategoryEvent, ProductEvent};

/// The categories, each with how many products it has.
#[derive(Debug, Clone, Copy)]
pub struct Categories;

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CategoryRow {
    /// The category.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// How many products are sold in it; discontinued ones do not count.
    pub product_count: i64,
}

impl View for Categories {
    const NAME: &'static str = "categories";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = CatalogEvent;
    type Row = CategoryRow;

    fn keys(event: &Recorded<CatalogEvent>) -> Keys {
        match &event.event {
            CatalogEvent::Category(CategoryEvent::CategoryCreated(created)) => Keys::one(created.category_id),
            CatalogEvent::Category(CategoryEvent::CategoryRenamed(renamed)) => Keys::one(renamed.category_id),
            CatalogEvent::Product(ProductEvent::ProductCreated(created)) => Keys::one(created.category_id),
            CatalogEvent::Product(ProductEvent::ProductRecategorised(moved)) => {
                Keys::These(vec![moved.previous_category_id.into(), moved.category_id.into()])
            }
            CatalogEvent::Product(ProductEvent::ProductDiscontinued(ended)) => Keys::one(ended.category_id),
            CatalogEvent::Product(ProductEvent::ProductDescribed(_) | ProductEvent::PriceChanged(_))
            | CatalogEvent::Stock(_) => Keys::None,
        }
    }

    fn evolve(
        key: &RowKey,
        row: Option<CategoryRow>,
        event: &Recorded<CatalogEvent>,
    ) -> Result<Option<CategoryRow>, Unfoldable> {
        if let CatalogEvent::Category(CategoryEvent::CategoryCreated(created)) = &event.event {
            let name = created.name.clone();
            return Ok(Some(CategoryRow { id: created.category_id, name, product_count: 0 }));
        }
        let mut row = begun(row, "category")?;
        match &event.event {
            CatalogEvent::Category(CategoryEvent::CategoryRenamed(renamed)) => {
                row.name.clone_from(&renamed.name);
            }
            CatalogEvent::Product(ProductEvent::ProductCreated(_)) => row.product_count += 1,
            CatalogEvent::Product(ProductEvent::ProductRecategorised(moved)) => {
                let arrives = *key == RowKey::from(moved.category_id);
                row.product_count += if arrives { 1 } else { -1 };
            }
            CatalogEvent::Product(ProductEvent::ProductDiscontinued(_)) => row.product_count -= 1,
            CatalogEvent::Category(CategoryEvent::CategoryCreated(_))
            | CatalogEvent::Product(ProductEvent::ProductDescribed(_) | ProductEvent::PriceChanged(_))
            | CatalogEvent::Stock(_) => {}
        }
        Ok(Some(row))
    }
}
