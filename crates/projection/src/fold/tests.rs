use std::collections::BTreeMap;

use catalog::views::ProductDetails;
use catalog::{
    CatalogEvent, CategoryEvent, CategoryRenamed, ProductCreated, ProductEvent, ProductRecategorised,
};
use kernel::{
    Actor, Currency, EventId, EventMetadata, Lane, Money, Recorded, StreamName, StreamVersion, Timestamp,
    View,
};
use uuid::Uuid;

use super::*;

const TOOLS: Uuid = Uuid::from_u128(1);
const TOYS: Uuid = Uuid::from_u128(2);
const SAW: Uuid = Uuid::from_u128(10);
const DOLL: Uuid = Uuid::from_u128(11);

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn other() -> TenantId {
    TenantId::new("other").unwrap()
}

fn event(tenant: &TenantId, sequence: u64, event: CatalogEvent) -> Recorded<CatalogEvent> {
    Recorded {
        id: EventId(Uuid::from_u128(u128::from(sequence))),
        tenant: tenant.clone(),
        lane: Lane::new(0),
        sequence: Sequence::new(sequence),
        stream: StreamName::of("product", SAW),
        version: StreamVersion::new(sequence),
        recorded_at: Timestamp::from_micros(0),
        metadata: EventMetadata::from_outside(Uuid::from_u128(1), Actor::new("tester")),
        event,
    }
}

fn created(id: Uuid, category: Uuid, name: &str) -> CatalogEvent {
    let price = Money { amount: 1, currency: "EUR".parse::<Currency>().unwrap() };
    CatalogEvent::Product(ProductEvent::ProductCreated(ProductCreated {
        product_id: id,
        sku: id.to_string(),
        name: "n".to_owned(),
        description: String::new(),
        category_id: category,
        category_name: name.to_owned(),
        price,
        attributes: BTreeMap::new(),
    }))
}

fn renamed(category: Uuid, name: &str) -> CatalogEvent {
    CatalogEvent::Category(CategoryEvent::CategoryRenamed(CategoryRenamed {
        category_id: category,
        name: name.to_owned(),
    }))
}

fn moved(id: Uuid, from: Uuid, to: Uuid, name: &str) -> CatalogEvent {
    CatalogEvent::Product(ProductEvent::ProductRecategorised(ProductRecategorised {
        product_id: id,
        previous_category_id: from,
        category_id: to,
        category_name: name.to_owned(),
    }))
}

fn stored(tenant: &TenantId, events: &[Recorded<CatalogEvent>]) -> Vec<StoredRow> {
    let changes = folded(Vec::new(), events);
    let row =
        |change: RowChange| StoredRow { at: change.at, stamp: change.stamp, body: change.body.unwrap() };
    changes.into_iter().map(row).filter(|row| row.at.tenant == *tenant).collect()
}

fn folded(rows: Vec<StoredRow>, events: &[Recorded<CatalogEvent>]) -> Vec<RowChange> {
    let parked = Parked::default();
    let mut fold = Fold::new(AnyView::of::<ProductDetails>().unwrap(), OnFailure::Stop);
    fold.take_in(rows, None);
    for event in events {
        fold.apply(&event.clone().into(), &touched(event), &parked).unwrap();
    }
    fold.into_outcome().unwrap().changes
}

fn touched(event: &Recorded<CatalogEvent>) -> Touched {
    Touched::Rows(ProductDetails::keys(event))
}

fn row_of(tenant: &TenantId, product: Uuid) -> RowAddress {
    RowAddress { tenant: tenant.clone(), key: product.into() }
}

fn category_of(changes: &[RowChange], tenant: &TenantId, product: Uuid) -> Option<String> {
    let at = RowAddress { tenant: tenant.clone(), key: product.into() };
    let body = changes.iter().find(|change| change.at == at)?.body.clone()?;
    let row: serde_json::Value = serde_json::from_str(&body).unwrap();
    Some(row["category"]["name"].as_str().unwrap().to_owned())
}

#[test]
fn a_rename_reaches_rows_loaded_and_rows_made_in_the_batch_but_not_those_that_left() {
    let before = stored(
        &acme(),
        &[event(&acme(), 1, created(SAW, TOOLS, "tools")), event(&acme(), 2, created(DOLL, TOOLS, "tools"))],
    );
    let made = Uuid::from_u128(12);
    let changes = folded(
        before,
        &[
            event(&acme(), 3, created(made, TOOLS, "tools")),
            event(&acme(), 4, moved(DOLL, TOOLS, TOYS, "toys")),
            event(&acme(), 5, renamed(TOOLS, "instruments")),
        ],
    );
    assert_eq!(category_of(&changes, &acme(), SAW).as_deref(), Some("instruments"));
    assert_eq!(category_of(&changes, &acme(), made).as_deref(), Some("instruments"));
    assert_eq!(category_of(&changes, &acme(), DOLL).as_deref(), Some("toys"));
}

#[test]
fn a_rename_reaches_no_other_tenant_s_rows() {
    let changes = folded(
        Vec::new(),
        &[
            event(&acme(), 1, created(SAW, TOOLS, "tools")),
            event(&other(), 2, created(SAW, TOOLS, "tools")),
            event(&acme(), 3, renamed(TOOLS, "instruments")),
        ],
    );
    assert_eq!(category_of(&changes, &acme(), SAW).as_deref(), Some("instruments"));
    assert_eq!(category_of(&changes, &other(), SAW).as_deref(), Some("tools"));
}

#[test]
fn an_event_that_a_row_has_is_not_folded_again() {
    let events = [event(&acme(), 1, created(SAW, TOOLS, "tools")), event(&acme(), 2, renamed(TOOLS, "x"))];
    let rows = stored(&acme(), &events);
    assert!(folded(rows.clone(), &events).is_empty());
    let changes =
        folded(rows, &[event(&acme(), 2, renamed(TOOLS, "y")), event(&acme(), 3, renamed(TOOLS, "z"))]);
    assert_eq!(category_of(&changes, &acme(), SAW).as_deref(), Some("z"));
    assert_eq!(changes[0].stamp, Sequence::new(3));
}

#[test]
fn links_that_a_row_had_and_has_are_both_told() {
    let rows = stored(&acme(), &[event(&acme(), 1, created(DOLL, TOOLS, "tools"))]);
    let changes = folded(rows, &[event(&acme(), 2, moved(DOLL, TOOLS, TOYS, "toys"))]);
    let link = |category: Uuid| vec![Link::new(format!("category:{category}"))];
    assert_eq!((&changes[0].links_before, &changes[0].links), (&link(TOOLS), &link(TOYS)));
}

#[test]
fn what_cannot_be_folded_says_why() {
    let parked = Parked::default();
    let mut fold = Fold::new(AnyView::of::<ProductDetails>().unwrap(), OnFailure::Stop);
    let event = event(&acme(), 1, moved(DOLL, TOOLS, TOYS, "toys"));
    let failure = fold.apply(&event.clone().into(), &touched(&event), &parked).unwrap_err();
    assert_eq!(failure.reason, Reason::Unfoldable);
    assert!(failure.why.contains("never created"), "{failure:?}");
}

#[test]
fn a_row_that_does_not_read_is_not_taken_for_none() {
    let at = RowAddress { tenant: acme(), key: SAW.into() };
    let row = StoredRow { at, stamp: Sequence::new(1), body: r#"{"secret":1}"#.to_owned() };
    let parked = Parked::default();
    let mut fold = Fold::new(AnyView::of::<ProductDetails>().unwrap(), OnFailure::Stop);
    fold.take_in(vec![row], Some(&Link::new(format!("category:{TOOLS}"))));
    let event = event(&acme(), 2, renamed(TOOLS, "instruments"));
    let failure = fold.apply(&event.clone().into(), &touched(&event), &parked).unwrap_err();
    assert_eq!(failure.reason, Reason::UnreadableRow);
    assert!(!failure.why.contains("secret"), "{failure:?}");
}

#[test]
fn a_row_that_fails_is_left_as_it_is_and_the_others_are_folded() {
    let parked = Parked::default();
    let mut fold = Fold::new(AnyView::of::<ProductDetails>().unwrap(), OnFailure::Park);
    let at = row_of(&acme(), SAW);
    let broken = StoredRow { at: at.clone(), stamp: Sequence::new(1), body: "{}".to_owned() };
    fold.take_in(vec![broken], Some(&Link::new(format!("category:{TOOLS}"))));
    fold.take_in(stored(&acme(), &[event(&acme(), 2, created(DOLL, TOOLS, "tools"))]), None);
    let event = event(&acme(), 3, renamed(TOOLS, "instruments"));
    fold.apply(&event.clone().into(), &touched(&event), &parked).unwrap();
    let Outcome { changes, left_out } = fold.into_outcome().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(category_of(&changes, &acme(), DOLL).as_deref(), Some("instruments"));
    assert_eq!((left_out.len(), &left_out[0].subject), (1, &Subject::Row(at)));
}

#[test]
fn events_of_what_is_parked_are_left_out_and_change_nothing() {
    let saw = Subject::Row(row_of(&acme(), SAW));
    let parked: Parked = [saw.clone()].into_iter().collect();
    let mut fold = Fold::new(AnyView::of::<ProductDetails>().unwrap(), OnFailure::Stop);
    for event in
        [event(&acme(), 1, created(SAW, TOOLS, "tools")), event(&other(), 2, created(SAW, TOOLS, "tools"))]
    {
        fold.apply(&event.clone().into(), &touched(&event), &parked).unwrap();
    }
    let Outcome { changes, left_out } = fold.into_outcome().unwrap();
    assert_eq!(category_of(&changes, &other(), SAW).as_deref(), Some("tools"));
    assert_eq!(changes.len(), 1);
    let expected = LeftOut { sequence: Sequence::new(1), subject: saw, failure: Failure::behind() };
    assert_eq!(left_out, [expected]);
}
