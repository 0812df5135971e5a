//! Nothing of one tenant is seen, taken or touched by another.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Reply, Service, TENANT, new_id, product, reply, token};

const STRANGER: &str = "stranger";

async fn send_as(service: &Service, tenant: &str, name: &str, key: Option<&str>, body: &Value) -> Reply {
    let mut request = service
        .client
        .post(service.url(&format!("/v1/catalog/{name}")))
        .bearer_auth(token(tenant, "catalog:write", Duration::from_secs(60)))
        .json(body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    reply(request).await
}

#[tokio::test]
async fn claims_and_keys_of_two_tenants_do_not_meet() {
    let service = Service::start().await;
    let body = json!({"name": "Books"});
    let ours = send_as(&service, TENANT, "create-category", Some("key"), &body).await;
    let theirs = send_as(&service, STRANGER, "create-category", Some("key"), &body).await;
    assert_eq!((ours.status.as_u16(), theirs.status.as_u16()), (201, 201));
    assert_eq!(theirs.header("idempotency-replayed"), None);
    assert_ne!(ours.id(), theirs.id());
    let other =
        send_as(&service, STRANGER, "create-category", Some("key-2"), &json!({"name": "Tools"})).await;
    assert_eq!(other.status.as_u16(), 201);
    let reply = send_as(&service, TENANT, "create-category", Some("key-2"), &json!({"name": "Else"})).await;
    assert_eq!(reply.status.as_u16(), 201);
}

#[tokio::test]
async fn a_stranger_finds_nothing_to_change() {
    let service = Service::start().await;
    let category = service.category("Books").await;
    let id = service.done("create-product", &product("sku-1", &category)).await.id();
    service.done("receive-stock", &json!({"product_id": id, "location": "A", "quantity": 5})).await;
    let reservation = new_id();
    let reserve = json!({"product_id": id, "quantity": 1, "reservation_id": reservation});
    service.done("reserve-stock", &reserve).await;
    let (before, strangers) = (service.head().await, service.head_of(STRANGER).await);

    let price = json!({"amount": 1, "currency": "EUR"});
    let cases: Vec<(&str, Value, &str)> = vec![
        ("rename-category", json!({"category_id": category, "name": "x"}), "unknown-category"),
        ("create-product", product("sku-9", &category), "unknown-category"),
        ("describe-product", json!({"product_id": id, "name": "x"}), "unknown-product"),
        ("change-price", json!({"product_id": id, "price": price}), "unknown-product"),
        ("discontinue-product", json!({"product_id": id, "reason": "x"}), "unknown-product"),
        ("receive-stock", json!({"product_id": id, "location": "A", "quantity": 1}), "unknown-product"),
        ("reserve-stock", reserve, "unknown-product"),
        ("release-stock", json!({"product_id": id, "reservation_id": reservation}), "unknown-reservation"),
        ("ship-stock", json!({"product_id": id, "reservation_id": reservation}), "unknown-reservation"),
    ];
    for (name, body, code) in cases {
        let reply = send_as(&service, STRANGER, name, None, &body).await;
        assert!(
            reply.body["code"] == code || reply.body["code"] == "unknown-product",
            "{name} was answered {reply:?}"
        );
        reply.is_problem(409, "rejected");
    }
    assert_eq!((service.head().await, service.head_of(STRANGER).await), (before, strangers));
}

#[tokio::test]
async fn one_id_in_two_tenants_is_two_streams() {
    let service = Service::start().await;
    let id = new_id();
    let body = |name: &str| json!({"category_id": id, "name": name});
    let ours = send_as(&service, TENANT, "create-category", None, &body("Ours")).await;
    let theirs = send_as(&service, STRANGER, "create-category", None, &body("Theirs")).await;
    assert_eq!((ours.status.as_u16(), theirs.status.as_u16()), (201, 201));
    // Each goes on from its own version, warm as both are.
    for tenant in [TENANT, STRANGER] {
        let reply = send_as(&service, tenant, "rename-category", None, &body("Renamed")).await;
        assert_eq!((reply.status.as_u16(), &reply.body["version"]), (200, &json!(2)));
    }
    assert_eq!(service.events("category", &id).await.len(), 2);
}

#[tokio::test]
async fn the_tenant_comes_from_the_token_and_from_nowhere_else() {
    let service = Service::start().await;
    let request = service.command("create-category", &json!({"name": "x", "tenant": STRANGER}));
    reply(request).await.is_problem(422, "invalid-body").has_errors(&[("tenant", "unknown-field")]);
    let request = service.command("create-category", &json!({"name": "x"})).header("tenant", STRANGER);
    assert_eq!(reply(request).await.status.as_u16(), 201);
    assert_eq!(service.head_of(STRANGER).await.number(), 0);
}
