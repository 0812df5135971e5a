use std::collections::HashSet;
use std::marker::PhantomData;

use catalog::{CatalogEvent, ProductEvent};
use kernel::{EventSet, ReadStore, Recorded, Unfoldable, View};
use serde::{Deserialize, Serialize};

use super::*;

kernel::context_events! {
    /// The catalog before there was anything but products.
    pub enum Earlier { Product(ProductEvent) }
}

trait Products: EventSet {
    fn product(&self) -> Option<&ProductEvent>;
}

impl Products for Earlier {
    fn product(&self) -> Option<&ProductEvent> {
        let Self::Product(event) = self;
        Some(event)
    }
}

impl Products for CatalogEvent {
    fn product(&self) -> Option<&ProductEvent> {
        if let Self::Product(event) = self { Some(event) } else { None }
    }
}

/// How often each product's price has changed; by so many each time.
struct Changes<E, const BY: u32>(PhantomData<E>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counted {
    changes: u32,
    kinds: HashSet<String>,
}

impl<E: Products, const BY: u32> View for Changes<E, BY> {
    const NAME: &'static str = "changes";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[];
    type Event = E;
    type Row = Counted;

    fn keys(event: &Recorded<E>) -> Keys {
        match event.event.product() {
            Some(ProductEvent::ProductCreated(created)) => Keys::one(created.product_id),
            Some(ProductEvent::PriceChanged(changed)) => Keys::one(changed.product_id),
            _ => Keys::None,
        }
    }

    fn evolve(_: &RowKey, row: Option<Counted>, event: &Recorded<E>) -> Result<Option<Counted>, Unfoldable> {
        if let Some(ProductEvent::ProductCreated(_)) = event.event.product() {
            return Ok(Some(Counted { changes: 0, kinds: HashSet::new() }));
        }
        let mut row = row.ok_or_else(|| Unfoldable::because("no product"))?;
        row.changes += BY;
        if BY > 10 {
            row.kinds.extend(('a'..='z').map(String::from));
        }
        Ok(Some(row))
    }
}

fn of<V: View>() -> Option<FoldFingerprint> {
    fingerprint(&AnyView::of::<V>().unwrap())
}

#[test]
fn a_fold_that_changed_has_another_fingerprint() {
    assert!(of::<Changes<CatalogEvent, 1>>().is_some());
    assert_ne!(of::<Changes<CatalogEvent, 1>>(), of::<Changes<CatalogEvent, 2>>());
}

#[test]
fn event_types_that_a_view_does_not_touch_leave_its_fingerprint_as_it_was() {
    assert_eq!(of::<Changes<Earlier, 1>>(), of::<Changes<CatalogEvent, 1>>());
}

#[test]
fn a_fold_that_never_comes_to_the_same_rows_has_none() {
    assert_eq!(of::<Changes<CatalogEvent, 11>>(), None);
}
