use serde_json::json;
use uuid::Uuid;

use crate::service;
use crate::shop::*;

#[tokio::test]
async fn categories_are_listed_by_name_with_their_products_counted() {
    let mut shop = Shop::open().await;
    shop.creates_category(GARDEN, "garden").creates_category(FURNITURE, "Furniture");
    shop.creates_product(CHAIR, "Chair", 1).creates_product(TABLE, "Table", 1).discontinues(TABLE);
    shop.renames_category(GARDEN, "Attic");
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let got = service.client("acme").get("/v1/catalog/categories").await.ok();
    assert_eq!(
        got.body,
        json!({ "items": [
            { "id": GARDEN, "name": "Attic", "product_count": 0 },
            { "id": FURNITURE, "name": "Furniture", "product_count": 1 },
        ], "next": null })
    );
    assert_eq!(got.header("twofold-sequence"), shop.token());
}

#[tokio::test]
async fn categories_come_in_pages_each_once_and_in_order() {
    let mut shop = Shop::open().await;
    for number in (0..23).rev() {
        // Every name twice, so that only the key tells such neighbours apart.
        shop.creates_category(Uuid::from_u128(number), &format!("Category {:02}", number / 2));
    }
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    let whole = client.pages("/v1/catalog/categories?limit=500").await;
    assert_eq!(whole.len(), 23);
    assert!(
        whole.is_sorted_by_key(|item| (item["name"].as_str().unwrap().to_owned(), item["id"].to_string()))
    );
    for limit in [1, 4, 23, 24] {
        assert_eq!(client.pages(&format!("/v1/catalog/categories?limit={limit}")).await, whole);
    }
}

#[tokio::test]
async fn what_is_asked_of_categories_is_checked() {
    let mut shop = Shop::open().await;
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    let list = |query: &str| format!("/v1/catalog/categories?{query}");
    for limit in ["0", "501", "-1"] {
        client.get(&list(&format!("limit={limit}"))).await.invalid("limit", "out-of-range");
    }
    client.get(&list("limit=many")).await.invalid("limit", "malformed");
    client.get(&list("name=Chairs")).await.invalid("name", "unknown-parameter");
    client.get(&list("limit=1&limit=2")).await.invalid("limit", "repeated");
    client.get(&list("after=%21")).await.problem(400, "invalid-cursor");
    assert_eq!(client.get(&list("limit=&after=")).await.ok().body, json!({ "items": [], "next": null }));
}
