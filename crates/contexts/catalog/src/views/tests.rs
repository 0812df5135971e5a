//! A small shop, told in events: two tenants, so that a row that crosses over shows.

mod categories;
mod product_details;
mod product_names;
mod product_search;
mod stock_by_product;

use std::collections::BTreeMap;

use kernel::testing::{ViewCase, history};
use kernel::{Decider, Money, Timestamp, View};
use uuid::Uuid;

use super::*;
use crate::*;

const FURNITURE: Uuid = Uuid::from_u128(0xc1);
const GARDEN: Uuid = Uuid::from_u128(0xc2);
const CHAIR: Uuid = Uuid::from_u128(0xa1);
const TABLE: Uuid = Uuid::from_u128(0xa2);
const ORDER: Uuid = Uuid::from_u128(0xe1);

fn euro(amount: i64) -> Money {
    Money::new(amount, "EUR".parse().unwrap())
}

fn day(number: i64) -> Timestamp {
    Timestamp::from_micros(number * 86_400_000_000)
}

fn part(location: &str, quantity: i64) -> StockPart {
    StockPart { location: location.into(), quantity }
}

fn level(location: &str, total: i64, reserved: i64) -> LocationLevel {
    LocationLevel { location: location.into(), total, available: total - reserved, reserved }
}

/// Tells what happens in a shop, in the words of its commands.
trait Shop: Sized {
    fn category(self, id: Uuid, event: impl Into<CategoryEvent>) -> Self;
    fn product(self, id: Uuid, event: impl Into<ProductEvent>) -> Self;
    fn stock(self, id: Uuid, event: impl Into<StockEvent>) -> Self;

    fn creates_category(self, category_id: Uuid, name: &str) -> Self {
        self.category(category_id, CategoryCreated { category_id, name: name.into() })
    }

    fn renames_category(self, category_id: Uuid, name: &str) -> Self {
        self.category(category_id, CategoryRenamed { category_id, name: name.into() })
    }

    fn creates_product(self, product_id: Uuid, name: &str, category_id: Uuid, category_name: &str) -> Self {
        self.product(
            product_id,
            ProductCreated {
                product_id,
                sku: name.to_uppercase(),
                name: name.into(),
                description: "Oak.".into(),
                category_id,
                category_name: category_name.into(),
                price: euro(1999),
                attributes: BTreeMap::from([("colour".into(), "brown".into())]),
            },
        )
    }

    fn moves_product(self, product_id: Uuid, from: Uuid, to: Uuid, category_name: &str) -> Self {
        let category_name = category_name.into();
        let moved =
            ProductRecategorised { product_id, category_id: to, category_name, previous_category_id: from };
        self.product(product_id, moved)
    }

    fn renames_product(self, product_id: Uuid, name: &str) -> Self {
        let name = Some(name.into());
        self.product(product_id, ProductDescribed { product_id, name, description: None, attributes: None })
    }

    fn discontinues(self, product_id: Uuid, category_id: Uuid) -> Self {
        self.product(product_id, ProductDiscontinued { product_id, category_id, reason: "moths".into() })
    }

    fn receives(self, product_id: Uuid, location: &str, quantity: i64) -> Self {
        self.stock(product_id, StockReceived { product_id, location: location.into(), quantity })
    }

    fn reserves(self, product_id: Uuid, reservation_id: Uuid, parts: &[StockPart]) -> Self {
        self.stock(product_id, StockReserved { product_id, reservation_id, parts: parts.into() })
    }

    fn releases(self, product_id: Uuid, reservation_id: Uuid, parts: &[StockPart]) -> Self {
        self.stock(product_id, StockReleased { product_id, reservation_id, parts: parts.into() })
    }

    fn ships(self, product_id: Uuid, reservation_id: Uuid, parts: &[StockPart]) -> Self {
        self.stock(product_id, StockShipped { product_id, reservation_id, parts: parts.into() })
    }

    fn counts(self, product_id: Uuid, location: &str, previous: i64, counted: i64) -> Self {
        let (location, reason) = (location.into(), "stock-take".into());
        self.stock(product_id, StockAdjusted { product_id, location, counted, previous, reason })
    }

    fn transfers(self, product_id: Uuid, from: &str, to: &str, quantity: i64) -> Self {
        self.stock(product_id, StockTransferred { product_id, from: from.into(), to: to.into(), quantity })
    }
}

impl<V: View<Event = CatalogEvent>> Shop for ViewCase<V> {
    fn category(self, id: Uuid, event: impl Into<CategoryEvent>) -> Self {
        self.event(Category::STREAM, id, CatalogEvent::from(event.into()))
    }

    fn product(self, id: Uuid, event: impl Into<ProductEvent>) -> Self {
        self.event(Product::STREAM, id, CatalogEvent::from(event.into()))
    }

    fn stock(self, id: Uuid, event: impl Into<StockEvent>) -> Self {
        self.event(Stock::STREAM, id, CatalogEvent::from(event.into()))
    }
}

/// Two tenants with shops of the same ids and names, to whom the same things happen in another order.
fn two_shops<V: View<Event = CatalogEvent>>() -> ViewCase<V> {
    let reserved = [part("Berlin", 2), part("Paris", 1)];
    history::<V>()
        .tenant("globex")
        .creates_category(FURNITURE, "Furniture")
        .creates_product(CHAIR, "Globex chair", FURNITURE, "Furniture")
        .receives(CHAIR, "Berlin", 100)
        .tenant("acme")
        .at(day(1))
        .creates_category(FURNITURE, "Furniture")
        .creates_category(GARDEN, "Garden")
        .creates_product(CHAIR, "Chair", FURNITURE, "Furniture")
        .at(day(2))
        .creates_product(TABLE, "Table", FURNITURE, "Furniture")
        .receives(CHAIR, "Berlin", 2)
        .receives(CHAIR, "Paris", 9)
        .at(day(3))
        .reserves(CHAIR, ORDER, &reserved)
        .renames_category(FURNITURE, "Indoors")
        .transfers(CHAIR, "Paris", "Rome", 4)
        .counts(CHAIR, "Rome", 4, 5)
        .moves_product(TABLE, FURNITURE, GARDEN, "Garden")
        .at(day(4))
        .renames_category(FURNITURE, "Inside")
        .ships(CHAIR, ORDER, &reserved)
        .tenant("globex")
        .renames_category(FURNITURE, "Globex furniture")
        .discontinues(CHAIR, FURNITURE)
        .tenant("acme")
}
