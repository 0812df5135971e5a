//! What a service answers beside its queries.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::until;
use crate::service;
use crate::shop::Shop;

#[tokio::test]
async fn a_service_is_ready_when_its_views_are_there() {
    let mut shop = Shop::open().await;
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    let got = until(&service.stranger(), "/readyz", |got| {
        got.status == 200 && got.body["dependencies"][1]["ready"] == true
    })
    .await;
    assert_eq!(
        got.body["dependencies"],
        json!([
            { "name": "views", "ready": true },
            { "name": "redis", "ready": true, "optional": true },
        ])
    );
}

#[tokio::test]
async fn a_service_whose_views_no_projector_has_made_yet_says_so_and_waits() {
    let shop = Shop::open().await;
    let mut config = service::config(&shop);
    config.views.url = test_servers::TestDatabase::create().await.url().into();
    let service = service::start(config).await;
    let got = until(&service.stranger(), "/readyz", |got| {
        got.body["dependencies"][0]["why"].as_str().is_some_and(|why| why.contains("a table is missing"))
    })
    .await;
    assert_eq!(got.status, 503);
    service.client("acme").get("/v1/catalog/products").await.problem(503, "read-model-away");
}

#[tokio::test]
async fn every_query_is_described() {
    let shop = Shop::open().await;
    let service = service::over(&shop).await;
    let got = service.stranger().get("/openapi.json").await.ok();
    assert_eq!(got.body["openapi"], "3.1.0");
    let paths: Vec<_> =
        got.body["paths"].as_object().unwrap().keys().filter(|path| path.starts_with("/v1/")).collect();
    assert_eq!(
        paths,
        [
            "/v1/accounts/statistics",
            "/v1/accounts/users",
            "/v1/accounts/users/{id}",
            "/v1/accounts/users/{id}/live",
            "/v1/catalog/categories",
            "/v1/catalog/products",
            "/v1/catalog/products/by-sku/{sku}",
            "/v1/catalog/products/{id}",
            "/v1/catalog/products/{id}/live",
            "/v1/catalog/stock/low",
            "/v1/catalog/stock/{product_id}",
            "/v1/catalog/stock/{product_id}/live",
            "/v1/orders",
            "/v1/orders/customers/{id}/history",
            "/v1/orders/revenue",
            "/v1/orders/{id}",
            "/v1/orders/{id}/fulfilment",
            "/v1/orders/{id}/live",
            "/v1/travel/approvals",
            "/v1/travel/bookings/{id}",
            "/v1/travel/bookings/{id}/live",
            "/v1/travel/dashboard",
            "/v1/travel/groups/{id}",
            "/v1/travel/groups/{id}/balances",
            "/v1/travel/groups/{id}/budget",
            "/v1/travel/groups/{id}/itinerary",
            "/v1/travel/groups/{id}/live",
            "/v1/travel/rooms",
        ]
    );
    for path in paths {
        let operation = &got.body["paths"][path]["get"];
        assert!(operation["summary"].is_string(), "{path}");
        let context = path.split('/').nth(2).unwrap();
        assert_eq!(operation["security"], json!([{ "bearer": [format!("{context}:read")] }]), "{path}");
        for status in ["200", "400", "401", "403", "500", "503"] {
            assert!(operation["responses"][status].is_object(), "{path} does not describe {status}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{path} {}", parameter["name"]);
        }
        assert_described(path, &got.body, &operation["responses"]["200"]["content"]);
    }
}

/// What the tests with two tenants and two owners ask, each in the file of its query.
fn every_query_that_is_asked_across_tenants() -> Vec<String> {
    let mut paths = crate::tenants::every_query();
    paths.extend(crate::tenants::every_stream());
    paths.extend(crate::users::every_query());
    paths.extend(crate::users::every_stream());
    paths.push(crate::accounts::STATISTICS.to_owned());
    paths.extend(crate::orders::tenants::every_query());
    paths.extend(crate::orders::one::every_stream());
    paths.push(crate::orders::fulfilments::path(uuid::Uuid::nil()));
    paths.extend(crate::travel::every_query());
    paths.extend(crate::travel::every_stream());
    paths
}

#[tokio::test]
async fn no_query_is_without_a_test_of_two_tenants() {
    let shop = Shop::open().await;
    let service = service::over(&shop).await;
    let got = service.stranger().get("/openapi.json").await.ok();
    let described: BTreeSet<_> =
        got.body["paths"].as_object().unwrap().keys().filter(|path| path.starts_with("/v1/")).collect();
    let template = |asked: &String| {
        let path = asked.split('?').next().unwrap();
        let fits = |described: &&&String| {
            let (left, right) = (described.split('/'), path.split('/'));
            left.clone().count() == right.clone().count()
                && left.zip(right).all(|(of_template, of_path)| {
                    of_template == of_path
                        || of_template == "{sku}"
                        || of_template.starts_with('{') && of_path.parse::<uuid::Uuid>().is_ok()
                })
        };
        *described.iter().find(fits).unwrap_or_else(|| panic!("{asked} is no query"))
    };
    let asked = every_query_that_is_asked_across_tenants();
    let asked: BTreeSet<_> = asked.iter().map(template).collect();
    let never: Vec<_> = described.difference(&asked).collect();
    assert!(never.is_empty(), "without a test of two tenants: {never:?}");
}

/// Each member of what is answered has a description.
fn assert_described(place: &str, document: &Value, schema: &Value) {
    match schema {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let pointer = reference.trim_start_matches('#');
                return assert_described(reference, document, document.pointer(pointer).unwrap());
            }
            for (name, property) in members.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                let described = property["description"].is_string() || property["$ref"].is_string();
                assert!(described, "{place}: {name} has no description");
            }
            members.values().for_each(|member| assert_described(place, document, member));
        }
        Value::Array(items) => items.iter().for_each(|item| assert_described(place, document, item)),
        _ => {}
    }
}

#[tokio::test]
async fn every_answer_is_as_it_is_described() {
    let mut shop = Shop::open().await;
    shop.creates_category(crate::shop::FURNITURE, "Furniture");
    shop.creates_product(crate::shop::CHAIR, "Chair", 1).receives(crate::shop::CHAIR, "Berlin", 2);
    shop.reserves(crate::shop::CHAIR, crate::shop::ORDER, &[("Berlin", 1)]).reaches_the_views().await;
    let service = service::over(&shop).await;
    let document = service.stranger().get("/openapi.json").await.body;
    for (path, described) in [
        (crate::client::product(crate::shop::CHAIR), "/v1/catalog/products/{id}"),
        ("/v1/catalog/products?facets=category,price,in_stock".into(), "/v1/catalog/products"),
        ("/v1/catalog/categories".into(), "/v1/catalog/categories"),
        ("/v1/catalog/stock/low".into(), "/v1/catalog/stock/low"),
        (crate::client::stock(crate::shop::CHAIR), "/v1/catalog/stock/{product_id}"),
    ] {
        let got = service.client("acme").get(&path).await.ok();
        let content = &document["paths"][described]["get"]["responses"]["200"]["content"];
        let schema = &content["application/json"]["schema"];
        assert_fits(described, &document, schema, &got.body);
    }
}

/// The value has just the members that its schema names.
pub(crate) fn assert_fits(place: &str, document: &Value, schema: &Value, value: &Value) {
    let schema = resolved(document, schema);
    match value {
        Value::Object(members) if schema["properties"].is_object() => {
            for (name, member) in members {
                let property = &schema["properties"][name];
                assert!(property.is_object(), "{place} answers {name}, which is not described");
                assert_fits(&format!("{place} {name}"), document, property, member);
            }
            for required in schema["required"].as_array().into_iter().flatten() {
                assert!(members.contains_key(required.as_str().unwrap()), "{place} lacks {required}");
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| assert_fits(place, document, &schema["items"], item));
        }
        _ => {}
    }
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolved(document, document.pointer(reference.trim_start_matches('#')).unwrap());
    }
    let choice = schema["anyOf"].as_array().and_then(|any| any.iter().find(|one| one["type"] != "null"));
    choice.map_or(schema, |choice| resolved(document, choice))
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let shop = Shop::open().await;
    let service = service::over(&shop).await;
    service.client("acme").get("/v1/catalog/nothing").await.problem(404, "no-such-path");
    let response = reqwest::Client::new()
        .post(format!("http://{}/v1/catalog/products", service.address))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["allow"].to_str().unwrap()),
        (405, "GET,HEAD")
    );
}

#[tokio::test]
async fn numbers_and_docs_are_served_to_anybody() {
    let shop = Shop::open().await;
    let service = service::over(&shop).await;
    for path in ["/metrics", "/docs", "/healthz", "/problems/read-model-behind"] {
        assert_eq!(service.stranger().get(path).await.status, 200, "{path}");
    }
}
