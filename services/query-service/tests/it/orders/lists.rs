use serde_json::{Value, json};
use uuid::Uuid;

use super::desk::*;

/// Seven orders, one a day; the even ones are Bob's.
async fn week() -> Desk {
    let mut desk = Desk::open().await;
    for day in 1..=7_u8 {
        let id = Uuid::from_u128(u128::from(day));
        let customer = if day % 2 == 0 { BOB } else { ANN };
        desk.on(i64::from(day)).places(id, customer, euro(100));
        match day {
            1 => desk.confirms(id, customer).ships(id, customer),
            2 | 3 => desk.confirms(id, customer),
            4 => desk.rejects(id, customer),
            5 => desk.cancels(id, customer, "changed my mind"),
            _ => &mut desk,
        };
    }
    desk.reaches_the_views().await;
    desk
}

fn days(items: &[Value]) -> Vec<u128> {
    items.iter().map(|item| item["id"].as_str().unwrap().parse::<Uuid>().unwrap().as_u128()).collect()
}

#[tokio::test]
async fn orders_are_listed_with_the_newest_first() {
    let desk = week().await;
    let got = desk.client("acme").get("/v1/orders").await.ok();
    assert_eq!(days(got.items()), [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(got.header("twofold-sequence"), desk.token());
    assert_eq!(
        got.items()[3],
        json!({
            "id": Uuid::from_u128(4),
            "customer_id": BOB,
            "status": "rejected",
            "reason": "insufficient-stock",
            "line_count": 2,
            "total": { "amount": 300, "currency": "EUR" },
            "payment_method": "card-ok",
            "placed_at": "2026-11-04T12:00:00Z",
            "updated_at": "2026-11-04T12:00:00Z",
        })
    );
}

#[tokio::test]
async fn orders_are_filtered_by_customer_status_and_time() {
    let desk = week().await;
    let client = desk.client("acme");
    for (filter, expected) in [
        (format!("customer_id={BOB}"), vec![6, 4, 2]),
        ("status=pending".into(), vec![7, 6]),
        ("status=confirmed".into(), vec![3, 2]),
        ("status=rejected".into(), vec![4]),
        ("status=cancelled".into(), vec![5]),
        ("status=shipped".into(), vec![1]),
        ("status=delivered".into(), vec![]),
        ("placed_from=2026-11-05T12:00:00Z".into(), vec![7, 6, 5]),
        ("placed_to=2026-11-02T12:00:00Z".into(), vec![2, 1]),
        ("placed_from=2026-11-02T12:00:00.000001Z&placed_to=2026-11-04T13:00:00%2B01:00".into(), vec![4, 3]),
        (format!("customer_id={ANN}&status=confirmed&placed_from=2026-11-01T00:00:00Z"), vec![3]),
        (format!("customer_id={}", Uuid::from_u128(9)), vec![]),
        ("customer_id=&status=&placed_from=&placed_to=&limit=&after=".into(), vec![7, 6, 5, 4, 3, 2, 1]),
    ] {
        let got = client.get(&format!("/v1/orders?{filter}")).await.ok();
        assert_eq!(days(got.items()), expected, "{filter}");
    }
}

#[tokio::test]
async fn orders_come_in_pages() {
    let desk = week().await;
    let client = desk.client("acme");
    for filter in ["", "&status=pending", "&placed_to=2026-11-06T00:00:00Z"] {
        let whole = client.pages(&format!("/v1/orders?limit=200{filter}")).await;
        for limit in [1, 2, 7] {
            assert_eq!(client.pages(&format!("/v1/orders?limit={limit}{filter}")).await, whole);
        }
    }
}

#[tokio::test]
async fn orders_of_one_moment_are_all_on_some_page() {
    let mut desk = Desk::open().await;
    for number in 1..=5 {
        desk.places(Uuid::from_u128(number), ANN, euro(1));
    }
    desk.reaches_the_views().await;
    let listed = desk.client("acme").pages("/v1/orders?limit=2").await;
    assert_eq!(days(&listed), [5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn an_order_that_comes_further_keeps_its_place() {
    let mut desk = week().await;
    desk.on(9).confirms(Uuid::from_u128(6), BOB).reaches_the_views().await;
    let got = desk.client("acme").get("/v1/orders").await.ok();
    assert_eq!(days(got.items())[..2], [7, 6]);
    assert_eq!(got.items()[1]["status"], "confirmed");
}

#[tokio::test]
async fn what_is_asked_of_orders_is_checked() {
    let desk = week().await;
    let client = desk.client("acme");
    client.get("/v1/orders?customer_id=ann").await.invalid("customer_id", "malformed");
    client.get("/v1/orders?status=paid").await.invalid("status", "malformed");
    client.get("/v1/orders?placed_from=yesterday").await.invalid("placed_from", "malformed");
    client.get("/v1/orders?limit=201").await.invalid("limit", "out-of-range");
    let foreign = "eyJjYXRlZ29yeSI6ImEiLCJrZXkiOiJhIn0";
    client.get(&format!("/v1/orders?after={foreign}")).await.problem(400, "invalid-cursor");
}
