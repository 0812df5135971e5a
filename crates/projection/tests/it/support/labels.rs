//! A small view that can be made to fail.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex};

use catalog::{CatalogEvent, CategoryEvent, ProductEvent};
use kernel::{Keys, Link, ReadStore, Recorded, RowKey, Unfoldable, View};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Products that the fold cannot take, for now: a faulty release, until it is replaced.
static FAULTY: LazyLock<Mutex<HashSet<u128>>> = LazyLock::new(Mutex::default);

pub(crate) fn make_faulty(product: u128) {
    FAULTY.lock().unwrap().insert(product);
}

/// Products whose labels the fold panics on when they change.
static BRITTLE: LazyLock<Mutex<HashSet<u128>>> = LazyLock::new(Mutex::default);

pub(crate) fn make_brittle(product: u128) {
    BRITTLE.lock().unwrap().insert(product);
}

pub(crate) fn mend(product: u128) {
    FAULTY.lock().unwrap().remove(&product);
    BRITTLE.lock().unwrap().remove(&product);
}

fn is_brittle(key: &RowKey) -> bool {
    let product = key.as_str().parse().map(|id: Uuid| id.as_u128());
    product.is_ok_and(|product| BRITTLE.lock().unwrap().contains(&product))
}

fn is_faulty(product: Uuid) -> bool {
    FAULTY.lock().unwrap().contains(&product.as_u128())
}

/// Products' names, at a version of its own.
pub(crate) struct Labels<const VERSION: u32>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Label {
    pub(crate) text: String,
    pub(crate) category: Uuid,
    pub(crate) changes: u64,
}

impl<const VERSION: u32> View for Labels<VERSION> {
    const NAME: &'static str = "labels";
    const VERSION: u32 = VERSION;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres, ReadStore::Redis];
    type Event = CatalogEvent;
    type Row = Label;

    fn keys(event: &Recorded<CatalogEvent>) -> Keys {
        match &event.event {
            CatalogEvent::Product(ProductEvent::ProductCreated(event)) => Keys::one(event.product_id),
            CatalogEvent::Product(ProductEvent::PriceChanged(event)) => Keys::one(event.product_id),
            CatalogEvent::Category(CategoryEvent::CategoryRenamed(event)) => {
                Keys::Linked(Link::new(format!("category:{}", event.category_id)))
            }
            _ => Keys::None,
        }
    }

    fn links(row: &Label) -> Vec<Link> {
        vec![Link::new(format!("category:{}", row.category))]
    }

    fn evolve(
        key: &RowKey,
        row: Option<Label>,
        event: &Recorded<CatalogEvent>,
    ) -> Result<Option<Label>, Unfoldable> {
        if let CatalogEvent::Product(ProductEvent::ProductCreated(created)) = &event.event {
            if is_faulty(created.product_id) {
                assert!(created.name != "panic", "a fault of the fold");
                return Err(Unfoldable::because("a label that cannot be printed"));
            }
            let text = format!("v{VERSION} {}", created.name);
            return Ok(Some(Label { text, category: created.category_id, changes: 0 }));
        }
        let mut row = row.ok_or_else(|| Unfoldable::because("no label"))?;
        assert!(!is_brittle(key), "a fault of the fold");
        row.changes += 1;
        Ok(Some(row))
    }
}

/// Products' names again, by a fold that changes while its version does not.
pub(crate) struct Forgotten<const FOLD: u32>;

impl<const FOLD: u32> View for Forgotten<FOLD> {
    const NAME: &'static str = "forgotten";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres, ReadStore::Redis];
    type Event = CatalogEvent;
    type Row = Label;

    fn keys(event: &Recorded<CatalogEvent>) -> Keys {
        Labels::<FOLD>::keys(event)
    }

    fn links(row: &Label) -> Vec<Link> {
        Labels::<FOLD>::links(row)
    }

    fn evolve(
        key: &RowKey,
        row: Option<Label>,
        event: &Recorded<CatalogEvent>,
    ) -> Result<Option<Label>, Unfoldable> {
        Labels::<FOLD>::evolve(key, row, event)
    }
}
