use kernel::RowKey;

use super::*;

fn of(day: &str, currency: &str) -> RowKey {
    RowKey::new(format!("{day}/{currency}"))
}

#[test]
fn refunds_count_on_the_day_they_happen() {
    let told = two_shops::<Revenue>()
        .captures(OTHER_ORDER, BOB, euro(7))
        .captures(OTHER_ORDER, BOB, money(9, "USD"))
        .holds_however_delivered();
    let currency = "EUR".parse().unwrap();
    let taken = RevenueOfDay {
        day: "1970-01-02".into(),
        currency,
        captured: 300,
        captures: 1,
        refunded: 0,
        refunds: 0,
    };
    let given_back = RevenueOfDay {
        day: "1970-01-04".into(),
        currency,
        captured: 7,
        captures: 1,
        refunded: 50,
        refunds: 1,
    };
    told.then_row(of("1970-01-02", "EUR"), &taken)
        .then_row(of("1970-01-04", "EUR"), &given_back)
        .then_no_row(of("1970-01-03", "EUR"));
}

#[test]
fn each_currency_has_rows_of_its_own() {
    let told = history::<Revenue>()
        .captures(ORDER, ANN, money(3, "KWD"))
        .captures(ORDER, ANN, money(9, "USD"))
        .holds_however_delivered();
    assert_eq!(told.row(of("1970-01-01", "KWD")).captured, 3);
    assert_eq!(told.row(of("1970-01-01", "USD")).captured, 9);
}

#[test]
fn tenants_have_rows_of_their_own() {
    let globex = two_shops::<Revenue>().tenant("globex");
    assert_eq!(globex.row(of("1970-01-02", "EUR")).captured, 3_000_000);
    assert_eq!(globex.row(of("1970-01-03", "EUR")).refunded, 3_000_000);
}
