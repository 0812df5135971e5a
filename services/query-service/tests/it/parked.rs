//! Rows that lack events are never passed off as current.

use kernel::{RowKey, StreamName, TenantId};
use read_store::{RowAddress, Subject};

use crate::client::{product, stock};
use crate::service;
use crate::shop::*;

const SEARCH: &str = "/v1/catalog/products";
const BY_SKU: &str = "/v1/catalog/products/by-sku/CHAIR%2F161";
const CATEGORIES: &str = "/v1/catalog/categories";
const LOW: &str = "/v1/catalog/stock/low";

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

/// A chair, a table, and one more event of the chair.
async fn shop() -> Shop {
    let mut shop = Shop::open().await;
    shop.creates_category(FURNITURE, "Furniture").creates_product(CHAIR, "Chair", 1999);
    shop.creates_product(TABLE, "Table", 4999).receives(CHAIR, "Berlin", 1);
    shop.reaches_the_views().await;
    shop
}

#[tokio::test]
async fn a_parked_row_is_told_or_refused_where_the_client_named_what_it_lacks() {
    let mut shop = shop().await;
    let row = Subject::Row(RowAddress { tenant: acme(), key: RowKey::from(CHAIR) });
    shop.is_parked(&row).await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    let token = shop.token();
    for path in [
        &product(CHAIR),
        BY_SKU,
        SEARCH,
        "/v1/catalog/products?facets=category",
        &stock(CHAIR),
        CATEGORIES,
        LOW,
    ] {
        let got = client.get(path).await.ok();
        assert_eq!(got.header("twofold-parked"), "4", "{path}");
        assert_eq!(got.header("twofold-sequence"), token, "{path}");
        let before = [("twofold-after", "catalog/3=3")];
        assert_eq!(client.get_with(path, &before).await.ok().header("twofold-parked"), "4", "{path}");
        let after = [("twofold-after", token.as_str())];
        let got = client.get_with(path, &after).await.problem(503, "view-parked");
        assert_eq!(got.body["parked"], "catalog/3=4", "{path}");
    }
    let other = client.get_with(&product(TABLE), &[("twofold-after", &token)]).await.ok();
    assert!(!other.headers.contains_key("twofold-parked"));
    let other = service.client("other").get(SEARCH).await.ok();
    assert!(!other.headers.contains_key("twofold-parked"));
}

#[tokio::test]
async fn while_a_stream_is_parked_so_is_every_row_of_its_tenant() {
    let mut shop = shop().await;
    let stream = StreamName::of("category", FURNITURE);
    shop.is_parked(&Subject::Stream { tenant: acme(), stream }).await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    for path in [&product(CHAIR), &product(TABLE), SEARCH] {
        assert_eq!(client.get(path).await.ok().header("twofold-parked"), "4", "{path}");
        let after = [("twofold-after", "catalog/3=4")];
        client.get_with(path, &after).await.problem(503, "view-parked");
    }
    assert!(!service.client("other").get(SEARCH).await.ok().headers.contains_key("twofold-parked"));
}

#[tokio::test]
async fn a_row_that_is_not_there_because_it_is_parked_says_so() {
    let mut shop = shop().await;
    let key = uuid::Uuid::from_u128(0xdead);
    shop.is_parked(&Subject::Row(RowAddress { tenant: acme(), key: RowKey::from(key) })).await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    let got = client.get(&product(key)).await.problem(404, "not-found");
    assert_eq!(got.header("twofold-parked"), "4");
    client.get_with(&product(key), &[("twofold-after", "catalog/3=4")]).await.problem(503, "view-parked");
}
