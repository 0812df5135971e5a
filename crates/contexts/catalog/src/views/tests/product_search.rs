use super::*;

#[test]
fn a_found_product_says_what_a_list_shows() {
    let expected = FoundProduct {
        id: CHAIR,
        sku: "CHAIR".into(),
        name: "Chair".into(),
        description: "Oak.".into(),
        category: CategoryOfProduct { id: FURNITURE, name: "Inside".into() },
        price: euro(1999),
        stock: StockSums { total: 9, available: 9, reserved: 0 },
        discontinued: false,
        created_at: day(1),
        created_sequence: kernel::Sequence::new(6),
    };
    two_shops::<ProductSearch>().then_row(CHAIR, &expected).holds_however_delivered();
}

#[test]
fn the_sums_are_those_of_the_details() {
    let steps: [fn(ViewCase<ProductSearch>) -> ViewCase<ProductSearch>; 5] = [
        |told| told.receives(CHAIR, "Berlin", 5),
        |told| told.reserves(CHAIR, ORDER, &[part("Berlin", 2)]),
        |told| told.transfers(CHAIR, "Berlin", "Paris", 1),
        |told| told.counts(CHAIR, "Berlin", 4, 3),
        |told| told.ships(CHAIR, ORDER, &[part("Berlin", 2)]),
    ];
    let seen: Vec<_> = (1..=steps.len())
        .map(|count| {
            let created = history::<ProductSearch>().creates_product(CHAIR, "Chair", FURNITURE, "Furniture");
            let stock = steps[..count].iter().fold(created, |told, step| step(told)).row(CHAIR).stock;
            (stock.total, stock.available, stock.reserved)
        })
        .collect();
    assert_eq!(seen, [(5, 5, 0), (5, 3, 2), (5, 3, 2), (4, 2, 2), (2, 2, 0)]);
}

#[test]
fn a_discontinued_product_stays_in_the_rows_and_says_so() {
    let told = history::<ProductSearch>()
        .creates_product(CHAIR, "Chair", FURNITURE, "Furniture")
        .discontinues(CHAIR, FURNITURE)
        .holds_however_delivered();
    assert!(told.row(CHAIR).discontinued);
}

#[test]
fn a_rename_of_product_or_category_is_found_under_the_new_name() {
    let told = history::<ProductSearch>()
        .creates_product(CHAIR, "Chair", FURNITURE, "Furniture")
        .renames_product(CHAIR, "Armchair")
        .renames_category(FURNITURE, "Inside")
        .moves_product(CHAIR, FURNITURE, GARDEN, "Garden")
        .renames_category(FURNITURE, "Indoors")
        .holds_however_delivered();
    assert_eq!(
        (told.row(CHAIR).name.as_str(), told.row(CHAIR).category.name.as_str()),
        ("Armchair", "Garden")
    );
}

#[test]
fn price_and_description_follow_the_product() {
    let described = ProductDescribed {
        product_id: CHAIR,
        name: None,
        description: Some("Elm.".into()),
        attributes: None,
    };
    let told = history::<ProductSearch>()
        .creates_product(CHAIR, "Chair", FURNITURE, "Furniture")
        .product(CHAIR, described)
        .product(CHAIR, PriceChanged { product_id: CHAIR, price: euro(5), previous_price: euro(1999) })
        .holds_however_delivered();
    assert_eq!((told.row(CHAIR).description.as_str(), told.row(CHAIR).price), ("Elm.", euro(5)));
}
