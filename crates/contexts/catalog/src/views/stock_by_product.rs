use kernel::{Keys, ReadStore, Recorded, RowKey, Source, Timestamp, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{begun, product_of, stocked_product_of};
use crate::{
    CatalogEvent, Product, ProductCreated, ProductEvent, Stock, StockEvent, StockLevels, StockPart,
    StockReleased, StockReserved, StockShipped,
};

/// The stock of each product by location, and what is reserved of it.
///
/// A reservation is a row of its own, so that a product with many of them has small rows all the same.
#[derive(Debug, Clone, Copy)]
pub struct StockByProduct;

/// A row: a product's stock or a reservation of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StockRow {
    /// Of the key `<product>`.
    Product(ProductStock),
    /// Of the key `<product>/<reservation>`.
    Reservation(Reservation),
}

/// The stock of one product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProductStock {
    /// The product.
    pub product_id: Uuid,
    /// The stock keeping unit.
    pub sku: String,
    /// The product's name.
    pub name: String,
    /// Whether the product is sold no longer.
    pub discontinued: bool,
    /// How much there is of it, and where.
    #[serde(flatten)]
    pub stock: StockLevels,
    /// When the stock last changed; when the product was created, where it never did.
    pub updated_at: Timestamp,
}

/// Pieces of a product that are set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reservation {
    /// The product.
    pub product_id: Uuid,
    /// The reservation.
    pub reservation_id: Uuid,
    /// How many pieces over all locations.
    pub quantity: i64,
    /// Where they are.
    pub parts: Vec<StockPart>,
    /// Since when.
    pub reserved_at: Timestamp,
}

impl View for StockByProduct {
    const NAME: &'static str = "stock";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = CatalogEvent;
    type Row = StockRow;

    fn keys(event: &Recorded<CatalogEvent>) -> Keys {
        match &event.event {
            CatalogEvent::Category(_)
            | CatalogEvent::Product(ProductEvent::PriceChanged(_) | ProductEvent::ProductRecategorised(_)) => {
                Keys::None
            }
            CatalogEvent::Product(event) => Keys::one(product_of(event)),
            CatalogEvent::Stock(event) => match reservation_of(event) {
                Some(reservation) => {
                    let product = stocked_product_of(event);
                    Keys::These(vec![product.into(), reservation_key(product, reservation)])
                }
                None => Keys::one(stocked_product_of(event)),
            },
        }
    }

    fn sources(key: &RowKey, _: Option<&StockRow>) -> Vec<Source> {
        let product = key.as_str().split('/').next().unwrap_or_default();
        let of_product = |id| vec![Source::of::<Product>(id), Source::of::<Stock>(id)];
        product.parse().map(of_product).unwrap_or_default()
    }

    fn evolve(
        key: &RowKey,
        row: Option<StockRow>,
        event: &Recorded<CatalogEvent>,
    ) -> Result<Option<StockRow>, Unfoldable> {
        match &event.event {
            CatalogEvent::Category(_) => Ok(row),
            CatalogEvent::Product(ProductEvent::ProductCreated(created)) => {
                Ok(Some(StockRow::Product(ProductStock::new(created, event.recorded_at))))
            }
            CatalogEvent::Product(change) => {
                let mut product = product_row(row)?;
                product.apply(change);
                Ok(Some(StockRow::Product(product)))
            }
            CatalogEvent::Stock(change) if *key == RowKey::from(stocked_product_of(change)) => {
                let mut product = product_row(row)?;
                product.stock.apply(change);
                product.updated_at = event.recorded_at;
                Ok(Some(StockRow::Product(product)))
            }
            CatalogEvent::Stock(StockEvent::StockReserved(reserved)) => {
                Ok(Some(StockRow::Reservation(Reservation::new(reserved, event.recorded_at))))
            }
            CatalogEvent::Stock(_) => Ok(None),
        }
    }
}

fn reservation_of(event: &StockEvent) -> Option<Uuid> {
    match event {
        StockEvent::StockReserved(StockReserved { reservation_id, .. })
        | StockEvent::StockReleased(StockReleased { reservation_id, .. })
        | StockEvent::StockShipped(StockShipped { reservation_id, .. }) => Some(*reservation_id),
        StockEvent::StockReceived(_) | StockEvent::StockAdjusted(_) | StockEvent::StockTransferred(_) => None,
    }
}

fn reservation_key(product: Uuid, reservation: Uuid) -> RowKey {
    RowKey::new(format!("{product}/{reservation}"))
}

fn product_row(row: Option<StockRow>) -> Result<ProductStock, Unfoldable> {
    match begun(row, "product")? {
        StockRow::Product(product) => Ok(product),
        StockRow::Reservation(_) => Err(Unfoldable::because("a product's row holds a reservation")),
    }
}

impl ProductStock {
    fn new(created: &ProductCreated, at: Timestamp) -> Self {
        Self {
            product_id: created.product_id,
            sku: created.sku.clone(),
            name: created.name.clone(),
            discontinued: false,
            stock: StockLevels::default(),
            updated_at: at,
        }
    }

    fn apply(&mut self, event: &ProductEvent) {
        match event {
            ProductEvent::ProductDescribed(described) => {
                if let Some(name) = &described.name {
                    self.name.clone_from(name);
                }
            }
            ProductEvent::ProductDiscontinued(_) => self.discontinued = true,
            ProductEvent::ProductCreated(_)
            | ProductEvent::PriceChanged(_)
            | ProductEvent::ProductRecategorised(_) => {}
        }
    }
}

impl Reservation {
    fn new(reserved: &StockReserved, at: Timestamp) -> Self {
        Self {
            product_id: reserved.product_id,
            reservation_id: reserved.reservation_id,
            quantity: reserved.parts.iter().map(|part| part.quantity).sum(),
            parts: reserved.parts.clone(),
            reserved_at: at,
        }
    }
}
