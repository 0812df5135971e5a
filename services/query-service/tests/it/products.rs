use serde_json::json;
use tokio::net::TcpListener;

use crate::client::{product, until};
use crate::service::{self, config, start};
use crate::shop::*;

async fn shop_with_a_chair() -> Shop {
    let mut shop = Shop::open().await;
    shop.of("acme").creates_category(FURNITURE, "Furniture").creates_product(CHAIR, "Chair", 1999);
    shop.receives(CHAIR, "Berlin", 5).receives(CHAIR, "Paris", 2).reserves(CHAIR, ORDER, &[("Berlin", 3)]);
    shop
}

#[tokio::test]
async fn a_product_is_answered_with_its_category_and_its_stock() {
    let mut shop = shop_with_a_chair().await;
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let got = service.client("acme").get(&product(CHAIR)).await.ok();
    assert_eq!(
        got.body,
        json!({
            "id": CHAIR,
            "sku": "CHAIR/161",
            "name": "Chair",
            "description": "",
            "category": { "id": FURNITURE, "name": "Furniture" },
            "price": { "amount": 1999, "currency": "EUR" },
            "attributes": { "colour": "brown" },
            "stock": { "total": 7, "available": 4, "reserved": 3, "locations": [
                { "location": "Berlin", "total": 5, "available": 2, "reserved": 3 },
                { "location": "Paris", "total": 2, "available": 2, "reserved": 0 },
            ] },
            "discontinued": false,
            "discontinued_reason": null,
            "created_at": "2026-09-21T14:13:20.000002Z",
            "updated_at": "2026-09-21T14:13:20.000005Z",
        })
    );
    assert_eq!(got.header("twofold-sequence"), "catalog/3=5");
    assert_eq!(got.header("cache-control"), "private, no-cache");
}

#[tokio::test]
async fn a_category_rename_shows_on_its_products() {
    let mut shop = shop_with_a_chair().await;
    shop.creates_product(TABLE, "Table", 4999).renames_category(FURNITURE, "Indoors");
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    for id in [CHAIR, TABLE] {
        let got = service.client("acme").get(&product(id)).await.ok();
        assert_eq!(got.body["category"]["name"], "Indoors");
    }
}

#[tokio::test]
async fn a_product_that_is_not_there_is_a_problem_that_says_as_of_when() {
    let mut shop = shop_with_a_chair().await;
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    for path in [product(TABLE), "/v1/catalog/products/by-sku/nothing".into()] {
        let got = client.get(&path).await.problem(404, "not-found");
        assert_eq!(got.body["code"], "unknown-product");
        assert_eq!(got.header("twofold-sequence"), "catalog/3=5");
    }
    client.get("/v1/catalog/products/chair").await.invalid("id", "malformed");
}

#[tokio::test]
async fn a_product_is_found_by_its_sku_to_the_letter() {
    let mut shop = shop_with_a_chair().await;
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    let got = client.get("/v1/catalog/products/by-sku/CHAIR%2F161").await.ok();
    assert_eq!(got.body, client.get(&product(CHAIR)).await.body);
    assert_eq!(got.header("twofold-sequence"), "catalog/3=5");
    for other in ["chair%2F161", "CHAIR%2F16", "%00", "CHAIR%2F161%00"] {
        let path = format!("/v1/catalog/products/by-sku/{other}");
        client.get(&path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn who_has_the_answer_already_is_told_so_until_it_changes() {
    let mut shop = shop_with_a_chair().await;
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    for path in [product(CHAIR), "/v1/catalog/products/by-sku/CHAIR%2F161".into()] {
        let tag = client.get(&path).await.ok().header("etag").to_owned();
        let got = client.get_with(&path, &[("if-none-match", &tag)]).await;
        assert_eq!((got.status, got.body.as_str()), (304, Some("")));
        assert_eq!(
            (got.header("etag"), got.header("twofold-sequence")),
            (tag.as_str(), shop.token().as_str())
        );

        shop.creates_product(uuid::Uuid::new_v4(), "Lamp", 1);
        shop.reaches_the_views().await;
        let got = client.get_with(&path, &[("if-none-match", &tag)]).await;
        assert_eq!((got.status, got.header("twofold-sequence")), (304, shop.token().as_str()));

        shop.changes_price(CHAIR, 1000 + i64::try_from(path.len()).unwrap());
        shop.reaches_the_views().await;
        let got = client.get_with(&path, &[("if-none-match", &tag)]).await.ok();
        assert_ne!(got.header("etag"), tag);
    }
}

#[tokio::test]
async fn postgres_answers_while_redis_cannot_be_reached() {
    let mut shop = shop_with_a_chair().await;
    shop.reaches_the_views().await;
    let mut config = config(&shop);
    config.redis.url = "redis://127.0.0.1:1".into();
    let service = start(config).await;
    let client = service.client("acme");
    let got = client.get(&product(CHAIR)).await.ok();
    assert_eq!((&got.body["name"], got.header("twofold-sequence")), (&json!("Chair"), shop.token().as_str()));
    let ready = until(&client, "/readyz", |got| got.status == 200).await;
    let redis = &ready.body["dependencies"][1];
    assert_eq!(
        (&redis["name"], &redis["ready"], &redis["optional"]),
        (&json!("redis"), &json!(false), &json!(true))
    );
}

#[tokio::test]
async fn postgres_answers_while_redis_is_there_but_not_filled() {
    let mut shop = shop_with_a_chair().await;
    shop.reaches_the_views().await;
    let mut config = config(&shop);
    config.redis.prefix = test_servers::redis().prefix;
    let service = start(config).await;
    assert_eq!(service.client("acme").get(&product(CHAIR)).await.ok().body["name"], "Chair");
}

#[tokio::test]
async fn postgres_answers_while_redis_takes_connections_and_says_nothing() {
    let mut shop = shop_with_a_chair().await;
    shop.reaches_the_views().await;
    let frozen = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&shop);
    config.redis.url = format!("redis://{}", frozen.local_addr().unwrap()).into();
    let service = start(config).await;
    for _ in 0..3 {
        assert_eq!(service.client("acme").get(&product(CHAIR)).await.ok().body["name"], "Chair");
    }
}

#[tokio::test]
async fn redis_answers_while_it_is_there() {
    let mut shop = shop_with_a_chair().await;
    shop.reaches_the_views().await;
    shop.changes_price(CHAIR, 5);
    shop.reaches_postgres().await;
    let service = service::over(&shop).await;
    let got = service.client("acme").get(&product(CHAIR)).await.ok();
    assert_eq!((&got.body["price"]["amount"], got.header("twofold-sequence")), (&json!(1999), "catalog/3=5"));
}

#[tokio::test]
async fn without_any_store_there_is_no_answer_and_it_says_when_to_come_back() {
    let shop = Shop::open().await;
    let mut config = config(&shop);
    config.views.url = "postgres://nobody@127.0.0.1:1/nothing".into();
    config.redis.url = "redis://127.0.0.1:1".into();
    let service = start(config).await;
    let client = service.client("acme");
    for path in [product(CHAIR), "/v1/catalog/products".into(), "/v1/catalog/categories".into()] {
        let got = client.get(&path).await.problem(503, "read-model-away");
        assert_eq!(got.header("retry-after"), "1");
    }
    assert_eq!(client.get("/readyz").await.status, 503);
    assert_eq!(client.get("/healthz").await.status, 200);
}
