use super::*;

#[test]
fn a_list_shows_of_each_order_how_far_it_has_come() {
    let told = two_shops::<OrderList>().holds_however_delivered();
    let row = told.row(ORDER);
    assert_eq!((row.status, row.line_count, row.total), (OrderStatus::Delivered, 2, euro(300)));
    assert_eq!((row.placed_at, row.updated_at, row.placed_sequence.number()), (day(1), day(3), 3));
    let other = told.row(OTHER_ORDER);
    assert_eq!((other.status, other.reason.as_deref()), (OrderStatus::Rejected, Some("insufficient-stock")));
}

#[test]
fn tenants_with_the_same_ids_have_rows_of_their_own() {
    let globex = two_shops::<OrderList>().tenant("globex");
    assert_eq!(globex.row(ORDER).status, OrderStatus::Cancelled);
    globex.then_no_row(OTHER_ORDER);
}
