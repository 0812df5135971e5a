use super::*;

fn created() -> ViewCase<ProductNames> {
    history().at(day(1)).creates_category(FURNITURE, "Furniture").creates_product(
        CHAIR,
        "Chair",
        FURNITURE,
        "Furniture",
    )
}

#[test]
fn a_product_is_called_then_what_it_was_called_and_now_what_it_is() {
    let told = created().at(day(3)).renames_product(CHAIR, "Armchair").holds_however_delivered();
    let row = told.row(CHAIR);
    assert_eq!(row.now(), Some("Armchair"));
    let then = [day(0), day(1), day(2), day(3), day(4)].map(|time| row.at(time));
    assert_eq!(then, [None, Some("Chair"), Some("Chair"), Some("Armchair"), Some("Armchair")]);
}

#[test]
fn what_is_not_about_its_name_changes_nothing() {
    let described = ProductDescribed {
        product_id: CHAIR,
        name: None,
        description: Some("Elm.".into()),
        attributes: None,
    };
    let told =
        created().product(CHAIR, described).receives(CHAIR, "Berlin", 1).discontinues(CHAIR, FURNITURE);
    assert_eq!(told.row(CHAIR).names.len(), 1);
}

#[test]
fn of_many_names_the_latest_are_remembered() {
    let mut told = created();
    for number in 0..ProductNamesRow::REMEMBERED {
        told = told.at(day(2)).renames_product(CHAIR, &format!("Chair {number}"));
    }
    let row = told.row(CHAIR);
    assert_eq!((row.names.len(), row.now()), (100, Some("Chair 99")));
    assert_eq!((row.at(day(1)), row.at(day(2))), (None, Some("Chair 99")));
}

#[test]
fn tenants_with_the_same_ids_have_rows_of_their_own() {
    let told = two_shops::<ProductNames>().holds_however_delivered();
    assert_eq!(told.row(CHAIR).now(), Some("Chair"));
    let globex = told.tenant("globex");
    assert_eq!(globex.row(CHAIR).now(), Some("Globex chair"));
    globex.then_no_row(TABLE);
}
