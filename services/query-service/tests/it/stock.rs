use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::stock;
use crate::service;
use crate::shop::*;

#[tokio::test]
async fn stock_is_answered_by_location_with_its_reservations() {
    let mut shop = Shop::open().await;
    let other_order = Uuid::from_u128(0xe2);
    shop.creates_product(CHAIR, "Chair", 1).receives(CHAIR, "Berlin", 5).receives(CHAIR, "Paris", 2);
    shop.reserves(CHAIR, ORDER, &[("Berlin", 3), ("Paris", 1)]);
    shop.reserves(CHAIR, other_order, &[("Paris", 1)]).releases(CHAIR, other_order, &[("Paris", 1)]);
    shop.creates_product(TABLE, "Table", 1).receives(TABLE, "Berlin", 9);
    shop.reserves(TABLE, other_order, &[("Berlin", 9)]);
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let got = service.client("acme").get(&stock(CHAIR)).await.ok();
    assert_eq!(
        got.body,
        json!({
            "product_id": CHAIR,
            "sku": "CHAIR/161",
            "name": "Chair",
            "discontinued": false,
            "total": 7,
            "available": 3,
            "reserved": 4,
            "locations": [
                { "location": "Berlin", "total": 5, "available": 2, "reserved": 3 },
                { "location": "Paris", "total": 2, "available": 1, "reserved": 1 },
            ],
            "updated_at": "2026-09-21T14:13:20.000007Z",
            "reservation_count": 1,
            "reservations": [{
                "product_id": CHAIR,
                "reservation_id": ORDER,
                "quantity": 4,
                "parts": [{ "location": "Berlin", "quantity": 3 }, { "location": "Paris", "quantity": 1 }],
                "reserved_at": "2026-09-21T14:13:20.000005Z",
            }],
        })
    );
    assert_eq!(got.header("twofold-sequence"), shop.token());
}

#[tokio::test]
async fn of_very_many_reservations_the_first_thousand_are_listed() {
    let mut shop = Shop::open().await;
    shop.creates_product(CHAIR, "Chair", 1).receives(CHAIR, "Berlin", 5_000);
    for number in 0..1_005 {
        shop.reserves(CHAIR, Uuid::from_u128(number), &[("Berlin", 1)]);
    }
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let got = service.client("acme").get(&stock(CHAIR)).await.ok();
    assert_eq!(got.body["reservation_count"], 1_005);
    let listed = got.body["reservations"].as_array().unwrap();
    assert_eq!(listed.len(), 1_000);
    assert_eq!(listed[999]["reservation_id"], json!(Uuid::from_u128(999)));
}

#[tokio::test]
async fn stock_of_what_is_not_there_is_a_problem() {
    let mut shop = Shop::open().await;
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let got = service.client("acme").get(&stock(CHAIR)).await.problem(404, "not-found");
    assert_eq!(got.body["code"], "unknown-product");
    service.client("acme").get("/v1/catalog/stock/chair").await.invalid("product_id", "malformed");
}

/// Products 1 to 6 with that many available; 7 was never stocked, 8 is discontinued.
async fn shelves() -> Shop {
    let mut shop = Shop::open().await;
    for number in 1..=8_u8 {
        let id = Uuid::from_u128(u128::from(number));
        shop.creates_product(id, &format!("Product {number}"), 1);
        if number < 7 {
            shop.receives(id, "Berlin", i64::from(number) + 1).reserves(id, ORDER, &[("Berlin", 1)]);
        }
    }
    shop.discontinues(Uuid::from_u128(8));
    shop.reaches_the_views().await;
    shop
}

fn available(items: &[Value]) -> Vec<(&str, i64)> {
    items.iter().map(|item| (item["name"].as_str().unwrap(), item["available"].as_i64().unwrap())).collect()
}

#[tokio::test]
async fn what_runs_low_is_listed_with_the_scarcest_first() {
    let shop = shelves().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    let got = client.get("/v1/catalog/stock/low?below=3").await.ok();
    assert_eq!(available(got.items()), [("Product 7", 0), ("Product 1", 1), ("Product 2", 2)]);
    assert_eq!(got.items()[1]["locations"][0]["reserved"], 1);
    assert_eq!(got.items()[1].get("kind"), None);
    assert_eq!(got.header("twofold-sequence"), shop.token());
    let usually = client.get("/v1/catalog/stock/low").await.ok();
    assert_eq!(usually.items().len(), 7);
    assert_eq!(client.get("/v1/catalog/stock/low?below=1").await.ok().items().len(), 1);
}

#[tokio::test]
async fn what_runs_low_comes_in_pages() {
    let shop = shelves().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    let whole = client.pages("/v1/catalog/stock/low?below=6").await;
    assert_eq!(whole.len(), 6);
    for limit in [1, 2, 5, 6] {
        let path = format!("/v1/catalog/stock/low?below=6&limit={limit}");
        assert_eq!(client.pages(&path).await, whole);
    }
}

#[tokio::test]
async fn what_is_asked_of_low_stock_is_checked() {
    let mut shop = Shop::open().await;
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    client.get("/v1/catalog/stock/low?below=0").await.invalid("below", "out-of-range");
    client.get("/v1/catalog/stock/low?below=few").await.invalid("below", "malformed");
    client.get("/v1/catalog/stock/low?limit=201").await.invalid("limit", "out-of-range");
    let foreign = "eyJjYXRlZ29yeSI6ImEiLCJrZXkiOiJhIn0";
    client.get(&format!("/v1/catalog/stock/low?after={foreign}")).await.problem(400, "invalid-cursor");
}
