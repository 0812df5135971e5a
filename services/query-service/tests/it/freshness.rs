//! Reading what was written.

use crate::client::{Got, product, stock};
use crate::service;
use crate::shop::*;

/// Each kind of query.
fn every_query() -> [String; 6] {
    [
        product(CHAIR),
        "/v1/catalog/products/by-sku/CHAIR%2F161".into(),
        "/v1/catalog/products?facets=category".into(),
        "/v1/catalog/categories".into(),
        "/v1/catalog/stock/low".into(),
        stock(CHAIR),
    ]
}

async fn shop_with_a_chair() -> Shop {
    let mut shop = Shop::open().await;
    shop.creates_category(FURNITURE, "Furniture").creates_product(CHAIR, "Chair", 1999);
    shop.reaches_the_views().await;
    shop
}

#[tokio::test]
async fn an_answer_reflects_what_the_client_names_once_it_is_there() {
    let mut shop = shop_with_a_chair().await;
    let service = service::over(&shop).await;
    let client = service.client("acme");
    for path in every_query() {
        shop.receives(CHAIR, "Berlin", 1);
        let token = shop.token();
        let headers = [("twofold-after", token.as_str()), ("prefer", "wait=20")];
        let (got, ()) = tokio::join!(client.get_with(&path, &headers), shop.reaches_the_views());
        assert_eq!(got.ok().header("twofold-sequence"), token, "{path}");
    }
}

#[tokio::test]
async fn an_answer_that_would_be_too_old_is_not_given() {
    let mut shop = shop_with_a_chair().await;
    shop.receives(CHAIR, "Berlin", 1);
    let service = service::over(&shop).await;
    let client = service.client("acme");
    for path in every_query() {
        let token = shop.token();
        let headers = [("twofold-after", token.as_str()), ("prefer", "wait=0")];
        let got = client.get_with(&path, &headers).await.problem(503, "read-model-behind");
        assert_eq!(got.header("retry-after"), "1", "{path}");
    }
    let got =
        client.get_with(&product(CHAIR), &[("twofold-after", "catalog/3=3"), ("prefer", "wait=0")]).await;
    assert_eq!(got.body["reflects"], "catalog/3=2");
}

#[tokio::test]
async fn what_is_there_already_is_answered_at_once() {
    let shop = shop_with_a_chair().await;
    let service = service::over(&shop).await;
    let token = shop.token();
    for path in every_query() {
        let headers = [("twofold-after", token.as_str()), ("prefer", "wait=0")];
        service.client("acme").get_with(&path, &headers).await.ok();
    }
}

#[tokio::test]
async fn logs_that_are_no_part_of_the_answer_are_not_waited_for() {
    let shop = shop_with_a_chair().await;
    let service = service::over(&shop).await;
    let others = [("twofold-after", "catalog/5=99, orders/3=99, catalog/3=2"), ("prefer", "wait=0")];
    for path in every_query() {
        service.client("acme").get_with(&path, &others).await.ok();
    }
}

#[tokio::test]
async fn a_tenant_that_was_just_born_reads_its_first_write() {
    let mut shop = shop_with_a_chair().await;
    let service = service::over(&shop).await;
    let client = service.client("faraway");
    shop.of("faraway").creates_category(FURNITURE, "Furniture").creates_product(CHAIR, "Chair", 1999);
    let token = shop.token();
    let headers = [("twofold-after", token.as_str()), ("prefer", "wait=20")];
    let path = product(CHAIR);
    let (got, ()) = tokio::join!(client.get_with(&path, &headers), shop.reaches_the_views());
    assert_eq!((got.ok().header("twofold-sequence"), token.as_str()), ("catalog/5=2", "catalog/5=2"));
}

#[tokio::test]
async fn a_tenant_that_was_just_born_is_not_told_that_it_has_nothing() {
    let mut shop = shop_with_a_chair().await;
    shop.of("faraway").creates_category(FURNITURE, "Furniture").creates_product(CHAIR, "Chair", 1999);
    let service = service::over(&shop).await;
    let token = shop.token();
    for path in every_query() {
        let headers = [("twofold-after", token.as_str()), ("prefer", "wait=0")];
        let got = service.client("faraway").get_with(&path, &headers).await;
        got.problem(503, "read-model-behind");
    }
}

#[tokio::test]
async fn a_tenant_to_whom_nothing_has_happened_gets_empty_answers_that_reflect_nothing() {
    let shop = shop_with_a_chair().await;
    let service = service::over(&shop).await;
    for path in every_query() {
        let got: Got = service.client("newcomer").get(&path).await;
        assert_eq!(got.header("twofold-sequence"), "catalog/0=0", "{path}");
        match got.status {
            200 => assert_eq!(got.items().len(), 0, "{path}"),
            _ => drop(got.problem(404, "not-found")),
        }
    }
}

#[tokio::test]
async fn a_token_that_is_none_is_refused() {
    let shop = shop_with_a_chair().await;
    let service = service::over(&shop).await;
    for path in every_query() {
        let got = service.client("acme").get_with(&path, &[("twofold-after", "yesterday")]).await;
        got.problem(400, "invalid-header");
    }
}
