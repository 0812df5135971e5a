//! What the catalog can be asked: each view is a fold of the catalog's events into rows.

mod categories;
mod product_details;
mod product_names;
mod product_search;
mod stock_by_product;

pub use categories::{Categories, CategoryRow};
pub use product_details::{ProductDetails, ProductRow};
pub use product_names::{NameOfProduct, ProductNames, ProductNamesRow};
pub use product_search::{FoundProduct, ProductSearch, StockSums};
pub use stock_by_product::{ProductStock, Reservation, StockByProduct, StockRow};

use kernel::{Link, Unfoldable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ProductEvent, StockEvent};

/// A product's category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CategoryOfProduct {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

impl CategoryOfProduct {
    /// By what a category finds the rows of its products.
    fn link(id: Uuid) -> Link {
        Link::new(format!("category:{id}"))
    }
}

fn product_of(event: &ProductEvent) -> Uuid {
    match event {
        ProductEvent::ProductCreated(event) => event.product_id,
        ProductEvent::ProductDescribed(event) => event.product_id,
        ProductEvent::PriceChanged(event) => event.product_id,
        ProductEvent::ProductRecategorised(event) => event.product_id,
        ProductEvent::ProductDiscontinued(event) => event.product_id,
    }
}

fn stocked_product_of(event: &StockEvent) -> Uuid {
    match event {
        StockEvent::StockReceived(event) => event.product_id,
        StockEvent::StockReserved(event) => event.product_id,
        StockEvent::StockReleased(event) => event.product_id,
        StockEvent::StockShipped(event) => event.product_id,
        StockEvent::StockAdjusted(event) => event.product_id,
        StockEvent::StockTransferred(event) => event.product_id,
    }
}

/// The row that an event takes for granted: nothing happens to a product before it is created.
fn begun<R>(row: Option<R>, what: &str) -> Result<R, Unfoldable> {
    row.ok_or_else(|| Unfoldable::because(format!("something happened to a {what} that was never created")))
}

#[cfg(test)]
mod tests;
