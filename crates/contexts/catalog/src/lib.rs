//! Products, categories and stock of a tenant.
//!
//! Three kinds of stream decide: a [`Category`], a [`Product`] and the [`Stock`] of one product. Each has its own
//! file for its state and events, and one for every command. [`views`] holds what the catalog can be asked.
//!
//! Where a rule looks across streams, the command names the other stream and decides on its state, which the log
//! guards: a product is created in a category that exists under that very name, and stock is reserved of a
//! product that is not discontinued at that point of history.

mod category;
mod product;
mod stock;
mod texts;
pub mod views;

use kernel::{Context, Registry};

pub use category::{
    Category, CategoryCreated, CategoryEvent, CategoryRejection, CategoryRenamed, CategoryState,
    CreateCategory, RenameCategory,
};
pub use product::{
    ChangePrice, CreateProduct, DescribeProduct, DiscontinueProduct, Offer, PriceChanged, Product,
    ProductCreated, ProductDescribed, ProductDiscontinued, ProductEvent, ProductRecategorised,
    ProductRejection, ProductState, RecategoriseProduct,
};
pub use stock::{
    AdjustStock, LocationLevel, ReceiveStock, ReleaseStock, ReserveStock, ShipStock, Stock, StockAdjusted,
    StockEvent, StockLevels, StockPart, StockReceived, StockRejection, StockReleased, StockReserved,
    StockShipped, StockState, StockTransferred, TransferStock,
};

kernel::context_events! {
    /// Everything that can happen in the catalog.
    pub enum CatalogEvent { Category(CategoryEvent), Product(ProductEvent), Stock(StockEvent) }
}

/// The context: what it can be told and what it can be asked.
#[derive(Debug, Clone, Copy)]
pub struct Catalog;

impl Context for Catalog {
    const NAME: &'static str = "catalog";
    type Event = CatalogEvent;

    fn register<R: Registry>(registry: &mut R) {
        registry.command::<CreateCategory>();
        registry.command::<RenameCategory>();

        registry.command::<CreateProduct>();
        registry.command::<DescribeProduct>();
        registry.command::<ChangePrice>();
        registry.command::<RecategoriseProduct>();
        registry.command::<DiscontinueProduct>();

        registry.command::<ReceiveStock>();
        registry.command::<ReserveStock>();
        registry.command::<ReleaseStock>();
        registry.command::<ShipStock>();
        registry.command::<AdjustStock>();
        registry.command::<TransferStock>();

        registry.view::<views::ProductDetails>();
        registry.view::<views::ProductSearch>();
        registry.view::<views::Categories>();
        registry.view::<views::StockByProduct>();
        registry.view::<views::ProductNames>();
    }
}

#[cfg(test)]
mod tests;
