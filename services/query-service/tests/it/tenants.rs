//! Nobody reads across tenants, and nothing is served without a token.

use serde_json::Value;
use uuid::Uuid;

use crate::client::{product, stock};
use crate::service::{self, Service};
use crate::shop::*;

const SECRET: Uuid = Uuid::from_u128(0x5ec);

/// Two tenants of one lane with a product of the same id; `globex` has one more, and a category and a reservation of
/// its own.
async fn two_tenants() -> (Shop, Service) {
    let mut shop = Shop::open().await;
    for name in ["acme", "globex"] {
        shop.of(name).creates_category(FURNITURE, &format!("{name} furniture"));
        shop.creates_product(CHAIR, &format!("{name} chair"), 1999).receives(CHAIR, name, 3);
    }
    shop.of("globex").creates_category(GARDEN, "globex garden");
    shop.creates_product(SECRET, "globex secret", 2999).receives(SECRET, "globex vault", 1);
    shop.reserves(CHAIR, ORDER, &[("globex", 2)]);
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    (shop, service)
}

pub(crate) fn every_query() -> Vec<String> {
    vec![
        product(CHAIR),
        stock(CHAIR),
        "/v1/catalog/products".into(),
        "/v1/catalog/products?q=chair&facets=category,price,in_stock&include_discontinued=true".into(),
        "/v1/catalog/products?q=chiar".into(),
        "/v1/catalog/products?q=secrt".into(),
        "/v1/catalog/products/by-sku/ACME%20CHAIR%2F161".into(),
        "/v1/catalog/products/by-sku/GLOBEX%20CHAIR%2F161".into(),
        "/v1/catalog/categories".into(),
        "/v1/catalog/stock/low?below=100".into(),
        product(SECRET),
        stock(SECRET),
    ]
}

/// What streams changes.
pub(crate) fn every_stream() -> Vec<String> {
    vec![format!("{}/live", product(CHAIR)), format!("{}/live", stock(CHAIR))]
}

#[tokio::test]
async fn every_query_answers_of_its_own_tenant_only() {
    let (_shop, service) = two_tenants().await;
    for (own, other) in [("acme", "globex"), ("globex", "acme")] {
        for path in every_query() {
            let body = service.client(own).get(&path).await.body.to_string().to_lowercase();
            assert!(!body.contains(other), "{own} sees {other} in {path}: {body}");
        }
    }
    let facets = "/v1/catalog/products?facets=category,price,in_stock";
    let got = service.client("acme").get(facets).await.ok();
    assert_eq!(got.body["facets"]["in_stock"]["true"], 1);
    assert_eq!(got.body["facets"]["category"][0]["count"], 1);
    assert_eq!(service.client("acme").get(&stock(CHAIR)).await.ok().body["reservation_count"], 0);
}

#[tokio::test]
async fn every_query_answers_of_the_product_that_it_asks_for_only() {
    let mut shop = Shop::open().await;
    for name in ["acme", "globex"] {
        shop.of(name).creates_described(CHAIR, &format!("{name} chair"), "", FURNITURE, 1999);
        shop.receives(CHAIR, &format!("{name} hall"), 3).reserves(
            CHAIR,
            ORDER,
            &[(&format!("{name} hall"), 1)],
        );
        shop.creates_described(TABLE, &format!("{name} table"), "", GARDEN, 2999);
        shop.receives(TABLE, &format!("{name} yard"), 70);
    }
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let (chair, table) = (["chair", "hall", "furniture"], ["table", "yard", "garden"]);
    for (own, other) in [("acme", "globex"), ("globex", "acme")] {
        let client = service.client(own);
        for (id, category, words, others) in [(CHAIR, FURNITURE, chair, table), (TABLE, GARDEN, table, chair)]
        {
            let (word, sku) = (words[0], format!("{own}%20{}%2F{}", words[0], id.as_u128()).to_uppercase());
            for path in [
                product(id),
                stock(id),
                format!("/v1/catalog/products/by-sku/{sku}"),
                format!("/v1/catalog/products?category={category}"),
                format!("/v1/catalog/products?q={word}"),
            ] {
                let body = client.get(&path).await.ok().body.to_string().to_lowercase();
                assert!(body.contains(word), "{own} finds no {word} in {path}: {body}");
                for wrong in others.iter().chain([&other]) {
                    assert!(!body.contains(wrong), "{own} sees {wrong} in {path}: {body}");
                }
            }
        }
        let low = client.get("/v1/catalog/stock/low?below=100").await.ok();
        let places: Vec<_> = low.items().iter().map(|item| &item["locations"][0]["location"]).collect();
        assert_eq!(places, [&Value::from(format!("{own} hall")), &Value::from(format!("{own} yard"))]);
        let counts = client.get("/v1/catalog/categories").await.ok();
        let counts: Vec<_> =
            counts.items().iter().map(|item| (&item["id"], &item["product_count"])).collect();
        let (one, of_garden) = (Value::from(1), Value::from(GARDEN.to_string()));
        assert_eq!(counts, [(&Value::from(FURNITURE.to_string()), &one), (&of_garden, &one)]);
    }
}

#[tokio::test]
async fn typing_errors_are_judged_by_ones_own_products_only() {
    let (mut shop, service) = two_tenants().await;
    for letter in 'a'..='j' {
        shop.of("globex").creates_product(Uuid::new_v4(), &format!("Chiar{letter}"), 1);
    }
    shop.reaches_the_views().await;
    let got = service.client("acme").get("/v1/catalog/products?q=chiar").await.ok();
    assert_eq!(got.names(), ["acme chair"]);
}

#[tokio::test]
async fn what_another_tenant_has_is_not_there() {
    let (_shop, service) = two_tenants().await;
    for path in [
        product(SECRET),
        stock(SECRET),
        "/v1/catalog/products/by-sku/GLOBEX%20SECRET%2F1516".into(),
        format!("{}/live", product(SECRET)),
        format!("{}/live", stock(SECRET)),
    ] {
        service.client("acme").get(&path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn another_tenants_cursor_moves_ones_own_list_only() {
    let (_shop, service) = two_tenants().await;
    for path in [
        "/v1/catalog/products?limit=1",
        "/v1/catalog/products?limit=1&q=globex",
        "/v1/catalog/categories?limit=1",
        "/v1/catalog/stock/low?below=100&limit=1",
    ] {
        let theirs = service.client("globex").get(path).await.ok();
        let after = theirs.body["next"].as_str().unwrap();
        let got = service.client("acme").get(&format!("{path}&after={after}")).await.ok();
        assert!(!got.body["items"].to_string().contains("globex"), "{path}: {}", got.body);
    }
}

#[tokio::test]
async fn another_tenants_tag_is_no_tag_of_ones_own() {
    let (_shop, service) = two_tenants().await;
    let empty = "/v1/catalog/products?q=nothing";
    for path in every_query().iter().map(String::as_str).chain([empty]) {
        let theirs = service.client("globex").get(path).await;
        let Some(tag) = theirs.headers.get("etag").and_then(|tag| tag.to_str().ok()) else { continue };
        let got = service.client("acme").get_with(path, &[("if-none-match", tag)]).await;
        assert_ne!(got.status, 304, "{path}");
    }
}

#[tokio::test]
async fn a_stream_shows_its_own_tenant_and_product_only() {
    let (mut shop, service) = two_tenants().await;
    for path in every_stream() {
        let mut stream = service.client("acme").send(&path, &[]).await;
        shop.of("globex").receives(CHAIR, "globex", 1);
        shop.of("acme").creates_product(TABLE, "Table", 1).receives(TABLE, "Table", 1);
        shop.receives(CHAIR, "acme", 1).reaches_the_views().await;
        let mut text = String::new();
        while !text.contains(&format!("id: {}", shop.token())) {
            let chunk = stream.chunk().await.unwrap().unwrap();
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        assert!(!text.contains("globex") && !text.to_lowercase().contains("table"), "{text}");
    }
}

#[tokio::test]
async fn nothing_is_answered_without_a_token_and_its_scope() {
    let (_shop, service) = two_tenants().await;
    for path in every_query().into_iter().chain(every_stream()) {
        let got = service.stranger().get(&path).await.problem(401, "unauthenticated");
        assert_eq!(got.header("www-authenticate"), "Bearer");
        for scope in ["", "catalog:write", "orders:read", "catalog:reads"] {
            let got = service.client_with("acme", scope).get(&path).await.problem(403, "missing-scope");
            assert_eq!(got.body["scope"], Value::from("catalog:read"));
        }
    }
}
