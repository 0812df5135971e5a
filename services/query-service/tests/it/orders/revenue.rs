use serde_json::{Value, json};

use super::desk::*;

const REVENUE: &str = "/v1/orders/revenue";

/// Money that moves on a few days of two months, in two currencies.
async fn books() -> Desk {
    let mut desk = Desk::open().await;
    desk.places(FIRST, ANN, euro(100)).pays(FIRST, ANN, euro(300));
    desk.places(SECOND, BOB, dollar(100)).pays(SECOND, BOB, dollar(300));
    desk.on(30).places(THIRD, ANN, euro(5)).pays(THIRD, ANN, euro(15)).refunds(FIRST, ANN, euro(100));
    desk.on(31).refunds(FIRST, ANN, euro(200));
    desk.reaches_the_views().await;
    desk
}

fn sums(items: &[Value]) -> Vec<(&str, &str, i64)> {
    items
        .iter()
        .map(|item| {
            let money = &item["revenue"];
            let period = item["period"].as_str().unwrap();
            (period, money["currency"].as_str().unwrap(), money["amount"].as_i64().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn revenue_is_by_day_and_currency_and_a_refund_counts_on_its_own_day() {
    let desk = books().await;
    let got = desk.client("acme").get(REVENUE).await.ok();
    assert_eq!(
        sums(got.items()),
        [
            ("2026-11-01", "EUR", 300),
            ("2026-11-01", "USD", 300),
            ("2026-11-30", "EUR", -85),
            ("2026-12-01", "EUR", -200),
        ]
    );
    let money = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    assert_eq!(
        got.items()[2],
        json!({
            "period": "2026-11-30", "revenue": money(-85), "captured": money(15), "captures": 1,
            "refunded": money(100), "refunds": 1,
        })
    );
    assert_eq!(got.header("twofold-sequence"), desk.token());
}

#[tokio::test]
async fn revenue_is_by_month() {
    let desk = books().await;
    let got = desk.client("acme").get("/v1/orders/revenue?by=month").await.ok();
    assert_eq!(
        sums(got.items()),
        [("2026-11", "EUR", 215), ("2026-11", "USD", 300), ("2026-12", "EUR", -200)]
    );
}

#[tokio::test]
async fn revenue_is_of_the_days_that_are_asked_for_both_ends_included() {
    let desk = books().await;
    let client = desk.client("acme");
    for (range, expected) in [
        ("from=2026-11-02", vec![("2026-11-30", "EUR", -85), ("2026-12-01", "EUR", -200)]),
        ("from=2026-11-30&to=2026-11-30", vec![("2026-11-30", "EUR", -85)]),
        ("to=2026-11-01", vec![("2026-11-01", "EUR", 300), ("2026-11-01", "USD", 300)]),
        ("from=2026-11-30T23:59:59Z&to=2026-11-30T00:00:00Z", vec![("2026-11-30", "EUR", -85)]),
        ("from=2026-11-30&by=month", vec![("2026-11", "EUR", -85), ("2026-12", "EUR", -200)]),
        ("from=2027-01-01", vec![]),
    ] {
        let got = client.get(&format!("{REVENUE}?{range}")).await.ok();
        assert_eq!(sums(got.items()), expected, "{range}");
    }
}

#[tokio::test]
async fn revenue_comes_in_pages() {
    let desk = books().await;
    let client = desk.client("acme");
    for by in ["day", "month"] {
        let whole = client.pages(&format!("{REVENUE}?by={by}&limit=1000")).await;
        for limit in [1, 2, 3] {
            assert_eq!(client.pages(&format!("{REVENUE}?by={by}&limit={limit}")).await, whole);
        }
    }
}

#[tokio::test]
async fn what_is_asked_of_revenue_is_checked() {
    let desk = books().await;
    let client = desk.client("acme");
    client.get(&format!("{REVENUE}?from=november")).await.invalid("from", "malformed");
    client.get(&format!("{REVENUE}?to=2026-13-01")).await.invalid("to", "malformed");
    client.get(&format!("{REVENUE}?by=year")).await.invalid("by", "malformed");
    client.get(&format!("{REVENUE}?limit=1001")).await.invalid("limit", "out-of-range");
    let first = client.get(&format!("{REVENUE}?limit=1")).await.ok();
    let after = first.body["next"].as_str().unwrap();
    client.get(&format!("{REVENUE}?by=month&after={after}")).await.problem(400, "invalid-cursor");
}
