use super::*;

fn category(id: Uuid, name: &str, product_count: i64) -> CategoryRow {
    CategoryRow { id, name: name.into(), product_count }
}

#[test]
fn a_category_begins_empty() {
    history::<Categories>()
        .creates_category(GARDEN, "Garden")
        .then_row(GARDEN, &category(GARDEN, "Garden", 0))
        .holds_however_delivered();
}

#[test]
fn a_category_counts_the_products_that_come_go_and_end() {
    let told = history::<Categories>()
        .creates_category(FURNITURE, "Furniture")
        .creates_category(GARDEN, "Garden")
        .creates_product(CHAIR, "Chair", FURNITURE, "Furniture")
        .creates_product(TABLE, "Table", FURNITURE, "Furniture")
        .then_row(FURNITURE, &category(FURNITURE, "Furniture", 2))
        .moves_product(TABLE, FURNITURE, GARDEN, "Garden")
        .then_row(FURNITURE, &category(FURNITURE, "Furniture", 1))
        .then_row(GARDEN, &category(GARDEN, "Garden", 1));
    told.discontinues(TABLE, GARDEN)
        .then_row(GARDEN, &category(GARDEN, "Garden", 0))
        .holds_however_delivered();
}

#[test]
fn a_category_shows_its_latest_name() {
    let told = two_shops::<Categories>().holds_however_delivered();
    told.then_row(FURNITURE, &category(FURNITURE, "Inside", 1))
        .then_row(GARDEN, &category(GARDEN, "Garden", 1));
}

#[test]
fn tenants_count_for_themselves() {
    two_shops::<Categories>()
        .tenant("globex")
        .then_row(FURNITURE, &category(FURNITURE, "Globex furniture", 0))
        .then_no_row(GARDEN);
}
