use kernel::RowKey;

use super::*;

fn totals(told: &ViewCase<CustomerHistory>, customer: Uuid) -> CustomerTotals {
    match told.row(customer) {
        HistoryRow::Customer(totals) => totals,
        HistoryRow::Order(order) => panic!("{order:?}"),
    }
}

fn order(told: &ViewCase<CustomerHistory>, customer: Uuid, order: Uuid) -> OrderSummary {
    match told.row(RowKey::new(format!("{customer}/{order}"))) {
        HistoryRow::Order(order) => order,
        HistoryRow::Customer(totals) => panic!("{totals:?}"),
    }
}

#[test]
fn a_customer_has_what_became_of_their_orders_and_what_they_paid() {
    let told = two_shops::<CustomerHistory>()
        .at(day(4))
        .places(Uuid::from_u128(1), ANN, money(10, "JPY"))
        .captures(Uuid::from_u128(1), ANN, money(30, "JPY"))
        .confirms(Uuid::from_u128(1), ANN)
        .places(Uuid::from_u128(2), ANN, euro(1))
        .cancels(Uuid::from_u128(1), ANN, true)
        .refunds(Uuid::from_u128(1), ANN, money(30, "JPY"))
        .holds_however_delivered();
    let spent = |currency: &str, captured, refunded| Spent {
        captured: money(captured, currency),
        refunded: money(refunded, currency),
    };
    assert_eq!(
        totals(&told, ANN),
        CustomerTotals {
            customer_id: ANN,
            order_count: 3,
            pending: 1,
            confirmed: 1,
            rejected: 0,
            cancelled: 1,
            spent: vec![spent("EUR", 300, 50), spent("JPY", 30, 30)],
            first_order_at: day(1),
            last_order_at: day(4),
        }
    );
    let bob = totals(&told, BOB);
    assert_eq!((bob.order_count, bob.rejected, bob.pending), (1, 1, 0));
    assert!(bob.spent.is_empty());
}

#[test]
fn an_order_that_was_called_off_before_it_was_confirmed_waits_no_longer() {
    let told = history().places(ORDER, ANN, euro(1)).cancels(ORDER, ANN, false).holds_however_delivered();
    let ann = totals(&told, ANN);
    assert_eq!((ann.pending, ann.confirmed, ann.cancelled), (0, 0, 1));
}

#[test]
fn each_order_of_a_customer_is_a_row_of_its_own() {
    let told = two_shops::<CustomerHistory>();
    assert_eq!(order(&told, ANN, ORDER).status, OrderStatus::Delivered);
    assert_eq!(order(&told, BOB, OTHER_ORDER).status, OrderStatus::Rejected);
}

#[test]
fn tenants_with_the_same_ids_have_rows_of_their_own() {
    let globex = two_shops::<CustomerHistory>().tenant("globex");
    assert_eq!(order(&globex, ANN, ORDER).status, OrderStatus::Cancelled);
    assert_eq!(totals(&globex, ANN).spent[0].captured, euro(3_000_000));
    globex.then_no_row(BOB);
}
