use super::*;

fn chair() -> ProductRow {
    ProductRow {
        id: CHAIR,
        sku: "CHAIR".into(),
        name: "Chair".into(),
        description: "Oak.".into(),
        category: CategoryOfProduct { id: FURNITURE, name: "Furniture".into() },
        price: euro(1999),
        attributes: BTreeMap::from([("colour".into(), "brown".into())]),
        stock: StockLevels::default(),
        discontinued: false,
        discontinued_reason: None,
        created_at: day(1),
        updated_at: day(1),
    }
}

fn created() -> ViewCase<ProductDetails> {
    history().at(day(1)).creates_category(FURNITURE, "Furniture").creates_product(
        CHAIR,
        "Chair",
        FURNITURE,
        "Furniture",
    )
}

#[test]
fn a_product_shows_as_it_was_created() {
    created().then_row(CHAIR, &chair()).holds_however_delivered();
}

#[test]
fn a_category_rename_shows_on_all_of_its_products_and_on_no_others() {
    let told = created()
        .creates_product(TABLE, "Table", GARDEN, "Garden")
        .at(day(2))
        .renames_category(FURNITURE, "Inside")
        .holds_however_delivered();
    assert_eq!(told.row(CHAIR).category.name, "Inside");
    assert_eq!(told.row(CHAIR).updated_at, day(2));
    assert_eq!(told.row(TABLE).category.name, "Garden");
}

#[test]
fn a_product_that_moved_hears_of_its_new_category_only() {
    let told = created()
        .moves_product(CHAIR, FURNITURE, GARDEN, "Garden")
        .renames_category(FURNITURE, "Inside")
        .renames_category(GARDEN, "Outside")
        .holds_however_delivered();
    assert_eq!(told.row(CHAIR).category, CategoryOfProduct { id: GARDEN, name: "Outside".into() });
}

#[test]
fn what_is_said_about_a_product_changes_piece_by_piece() {
    let described = ProductDescribed {
        product_id: CHAIR,
        name: None,
        description: Some("Elm.".into()),
        attributes: Some(BTreeMap::new()),
    };
    let cheaper = PriceChanged { product_id: CHAIR, price: euro(999), previous_price: euro(1999) };
    created()
        .renames_product(CHAIR, "Armchair")
        .product(CHAIR, described)
        .at(day(2))
        .product(CHAIR, cheaper)
        .then_row(
            CHAIR,
            &ProductRow {
                name: "Armchair".into(),
                description: "Elm.".into(),
                attributes: BTreeMap::new(),
                price: euro(999),
                updated_at: day(2),
                ..chair()
            },
        )
        .holds_however_delivered();
}

#[test]
fn a_product_shows_its_stock_by_location() {
    let told = two_shops::<ProductDetails>();
    let stock = told.row(CHAIR).stock;
    assert_eq!((stock.total, stock.available, stock.reserved), (9, 9, 0));
    assert_eq!(stock.locations, [level("Berlin", 0, 0), level("Paris", 4, 0), level("Rome", 5, 0)]);
}

#[test]
fn what_is_reserved_is_there_but_not_available() {
    let parts = [part("Berlin", 3)];
    let told = created().receives(CHAIR, "Berlin", 5).reserves(CHAIR, ORDER, &parts);
    let stock = told.row(CHAIR).stock;
    assert_eq!((stock.total, stock.available, stock.reserved), (5, 2, 3));
    assert_eq!(stock.locations, [level("Berlin", 5, 3)]);
    assert_eq!(told.releases(CHAIR, ORDER, &parts).row(CHAIR).stock.available, 5);
}

#[test]
fn a_discontinued_product_says_so_and_why() {
    let told = created().discontinues(CHAIR, FURNITURE).holds_however_delivered();
    let row = told.row(CHAIR);
    assert_eq!((row.discontinued, row.discontinued_reason.as_deref()), (true, Some("moths")));
}

#[test]
fn tenants_with_the_same_ids_have_rows_of_their_own() {
    let told = two_shops::<ProductDetails>().holds_however_delivered();
    assert_eq!(told.row(CHAIR).category.name, "Inside");
    assert!(!told.row(CHAIR).discontinued);
    let globex = told.tenant("globex");
    assert_eq!(globex.row(CHAIR).category.name, "Globex furniture");
    assert_eq!(globex.row(CHAIR).stock.total, 100);
    globex.then_no_row(TABLE);
}

#[test]
fn what_happens_to_a_product_that_was_never_created_is_an_error_and_no_row() {
    assert!(begun(None::<ProductRow>, "product").is_err());
}
