//! Every command can be asked as a question.

use reqwest::Method;
use serde_json::{Value, json};
use test_servers::TestDatabase;

use crate::harness::{Reply, Service, new_id, product, reply};

async fn asked(service: &Service, name: &str, body: &Value) -> Reply {
    let before = service.head().await;
    let path = format!("/v1/catalog/{name}?dry_run=true");
    let reply = reply(service.request(Method::POST, &path).json(body)).await;
    assert_eq!(service.head().await, before, "a dry run recorded something");
    reply
}

#[tokio::test]
async fn it_tells_what_would_be_recorded() {
    let service = Service::start().await;
    let category = service.category("Books").await;
    let mut body = product("sku-1", &category);
    let id = new_id();
    body["product_id"] = json!(id);
    let tried = asked(&service, "create-product", &body).await;
    assert_eq!(tried.status.as_u16(), 200);
    assert_eq!(tried.header("etag"), None);
    assert_eq!(tried.body["dry_run"], true);
    assert_eq!(tried.body["stream"], format!("product-{id}"));
    assert_eq!((&tried.body["id"], &tried.body["version"]), (&json!(id), &json!(1)));
    assert!(tried.body["lane"].is_u64());
    let event = &tried.body["events"][0];
    assert_eq!(event["type"], "ProductCreated");
    assert_eq!(event["data"]["category_name"], "Books");
    assert_eq!(event["data"]["price"], json!({"amount": 1999, "currency": "EUR"}));
    // And nothing stands in the way of doing it.
    let done = service.done("create-product", &body).await;
    assert_eq!(done.status.as_u16(), 201);
}

#[tokio::test]
async fn it_refuses_what_would_be_refused() {
    let database = TestDatabase::create().await;
    let (service, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let category = service.category("Books").await;
    let id = service.done("create-product", &product("sku-1", &category)).await.id();
    asked(&service, "create-product", &product("sku-1", &category)).await.is_refused("sku-taken");
    asked(&service, "create-product", &product("sku-2", &new_id())).await.is_refused("unknown-category");
    let mut existing = product("sku-1", &category);
    existing["product_id"] = json!(id);
    asked(&service, "create-product", &existing).await.is_refused("product-exists");
    asked(&service, "create-product", &json!({})).await.is_problem(422, "invalid-body");
    // Even where only another service knows.
    other.done("discontinue-product", &json!({"product_id": id, "reason": "gone"})).await;
    asked(&service, "describe-product", &json!({"product_id": id, "name": "x"}))
        .await
        .is_refused("discontinued");
}

#[tokio::test]
async fn it_takes_no_key_no_claim_and_not_even_a_lane() {
    let service = Service::start().await;
    let body = json!({"name": "Books"});
    let path = "/v1/catalog/create-category?dry_run=true";
    let request = service.request(Method::POST, path).header("idempotency-key", "key").json(&body);
    let tried = reply(request).await;
    assert_eq!((tried.status.as_u16(), &tried.body["lane"]), (200, &Value::Null));
    let done = reply(service.command("create-category", &body).header("idempotency-key", "key")).await;
    assert_eq!((done.status.as_u16(), done.header("idempotency-replayed")), (201, None));
    // `dry_run=false` is a command like any other.
    let path = "/v1/catalog/create-category?dry_run=false";
    let reply = reply(service.request(Method::POST, path).json(&json!({"name": "Tools"}))).await;
    assert_eq!(reply.status.as_u16(), 201);
}
