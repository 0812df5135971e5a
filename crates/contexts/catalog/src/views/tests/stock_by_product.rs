use super::*;

fn reservation_key(reservation: Uuid) -> kernel::RowKey {
    kernel::RowKey::new(format!("{CHAIR}/{reservation}"))
}

fn created() -> ViewCase<StockByProduct> {
    history().at(day(1)).creates_product(CHAIR, "Chair", FURNITURE, "Furniture")
}

fn product(told: &ViewCase<StockByProduct>) -> ProductStock {
    match told.row(CHAIR) {
        StockRow::Product(product) => product,
        StockRow::Reservation(other) => panic!("expected a product, found {other:?}"),
    }
}

#[test]
fn a_product_that_never_had_stock_has_a_row_of_zeros() {
    created()
        .then_row(
            CHAIR,
            &StockRow::Product(ProductStock {
                product_id: CHAIR,
                sku: "CHAIR".into(),
                name: "Chair".into(),
                discontinued: false,
                stock: StockLevels::default(),
                updated_at: day(1),
            }),
        )
        .holds_however_delivered();
}

#[test]
fn stock_shows_by_location() {
    let told = created().receives(CHAIR, "Paris", 9).at(day(2)).receives(CHAIR, "Berlin", 2);
    let row = product(&told);
    assert_eq!(row.stock.locations, [level("Berlin", 2, 0), level("Paris", 9, 0)]);
    assert_eq!((row.stock.total, row.updated_at), (11, day(2)));
}

#[test]
fn a_reservation_is_a_row_until_it_ends() {
    let parts = [part("Berlin", 2), part("Paris", 1)];
    let expected = StockRow::Reservation(Reservation {
        product_id: CHAIR,
        reservation_id: ORDER,
        quantity: 3,
        parts: parts.to_vec(),
        reserved_at: day(2),
    });
    let reserved = created()
        .receives(CHAIR, "Berlin", 2)
        .receives(CHAIR, "Paris", 9)
        .at(day(2))
        .reserves(CHAIR, ORDER, &parts)
        .then_row(reservation_key(ORDER), &expected)
        .is_told_by_its_sources();
    assert_eq!(product(&reserved).stock.reserved, 3);
    let released = reserved.clone().releases(CHAIR, ORDER, &parts).holds_however_delivered();
    assert_eq!(product(&released).stock.available, 11);
    released.then_no_row(reservation_key(ORDER));
    let shipped = reserved.ships(CHAIR, ORDER, &parts).holds_however_delivered();
    assert_eq!(product(&shipped).stock.available, 8);
    shipped.then_no_row(reservation_key(ORDER));
}

#[test]
fn stock_takes_and_transfers_show_at_their_locations() {
    let told = created()
        .receives(CHAIR, "Berlin", 5)
        .transfers(CHAIR, "Berlin", "Paris", 2)
        .counts(CHAIR, "Paris", 2, 4)
        .holds_however_delivered();
    assert_eq!(product(&told).stock.locations, [level("Berlin", 3, 0), level("Paris", 4, 0)]);
}

#[test]
fn a_reorder_alert_knows_the_products_name_and_whether_it_is_still_sold() {
    let told =
        created().renames_product(CHAIR, "Armchair").discontinues(CHAIR, FURNITURE).holds_however_delivered();
    assert_eq!((product(&told).name.as_str(), product(&told).discontinued), ("Armchair", true));
    assert_eq!(product(&told).updated_at, day(1));
}

#[test]
fn tenants_have_stock_of_their_own() {
    let told = two_shops::<StockByProduct>().holds_however_delivered().is_told_by_its_sources();
    assert_eq!(product(&told).stock.total, 9);
    assert_eq!(product(&told.tenant("globex")).stock.total, 100);
}
