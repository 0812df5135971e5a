use kernel::{Keys, ReadStore, Recorded, RowKey, Timestamp, Unfoldable, View};
use serde::{Deserialize, Serialize};

use super::{begun, product_of};
use crate::{CatalogEvent, ProductEvent};

/// What each product is and was called, for whoever names products: other contexts' queries.
#[derive(Debug, Clone, Copy)]
pub struct ProductNames;

/// The names of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductNamesRow {
    /// The latest of them, oldest first; never empty.
    pub names: Vec<NameOfProduct>,
}

/// A name, from a moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameOfProduct {
    /// The name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
}

impl View for ProductNames {
    const NAME: &'static str = "product-names";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Redis, ReadStore::Postgres];
    type Event = CatalogEvent;
    type Row = ProductNamesRow;

    fn keys(event: &Recorded<CatalogEvent>) -> Keys {
        match &event.event {
            CatalogEvent::Product(event) => match name_in(event) {
                Some(_) => Keys::one(product_of(event)),
                None => Keys::None,
            },
            CatalogEvent::Category(_) | CatalogEvent::Stock(_) => Keys::None,
        }
    }

    fn evolve(
        _: &RowKey,
        row: Option<ProductNamesRow>,
        event: &Recorded<CatalogEvent>,
    ) -> Result<Option<ProductNamesRow>, Unfoldable> {
        let CatalogEvent::Product(change) = &event.event else { return Ok(row) };
        let Some(name) = name_in(change) else { return Ok(row) };
        let mut row = match change {
            ProductEvent::ProductCreated(_) => ProductNamesRow { names: Vec::new() },
            _ => begun(row, "product")?,
        };
        row.rename(name, event.recorded_at);
        Ok(Some(row))
    }
}

/// The name that an event gives.
fn name_in(event: &ProductEvent) -> Option<&str> {
    match event {
        ProductEvent::ProductCreated(created) => Some(&created.name),
        ProductEvent::ProductDescribed(described) => described.name.as_deref(),
        ProductEvent::PriceChanged(_)
        | ProductEvent::ProductRecategorised(_)
        | ProductEvent::ProductDiscontinued(_) => None,
    }
}

impl ProductNamesRow {
    /// How many names of a product are kept; older ones are forgotten.
    pub const REMEMBERED: usize = 100;

    /// What it is called now.
    pub fn now(&self) -> Option<&str> {
        self.names.last().map(|latest| latest.name.as_str())
    }

    /// What it was called then; none where it did not exist, or where that name is forgotten.
    pub fn at(&self, time: Timestamp) -> Option<&str> {
        let names = self.names.iter().rev();
        names
            .map(|name| (name.since, name.name.as_str()))
            .find(|(since, _)| *since <= time)
            .map(|(_, name)| name)
    }

    fn rename(&mut self, name: &str, since: Timestamp) {
        if self.names.len() == Self::REMEMBERED {
            self.names.remove(0);
        }
        self.names.push(NameOfProduct { name: name.to_owned(), since });
    }
}
