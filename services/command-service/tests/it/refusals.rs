//! A refusal is never decided on stale state.

use serde_json::json;
use test_servers::TestDatabase;

use crate::harness::{Service, new_id, product};

#[tokio::test]
async fn what_another_service_made_true_is_not_refused() {
    let database = TestDatabase::create().await;
    let (stale, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let category = stale.category("Books").await;
    let id = stale.done("create-product", &product("sku-1", &category)).await.id();
    let receive = |quantity: i64| json!({"product_id": id, "location": "A", "quantity": quantity});
    stale.done("receive-stock", &receive(1)).await;
    // The first service holds a state with one piece; the other knows of ten more.
    other.done("receive-stock", &receive(10)).await;
    let reserve = json!({"product_id": id, "quantity": 11, "reservation_id": new_id()});
    stale.done("reserve-stock", &reserve).await;

    // The same with a stream that did not exist when it was asked for last.
    let category = new_id();
    stale.send("create-product", &product("sku-2", &category)).await.is_refused("unknown-category");
    other.done("create-category", &json!({"category_id": category, "name": "Tools"})).await;
    stale.done("create-product", &product("sku-2", &category)).await;
}

#[tokio::test]
async fn what_another_service_made_false_is_refused() {
    let database = TestDatabase::create().await;
    let (stale, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let id = stale.product("sku-1").await;
    stale.done("receive-stock", &json!({"product_id": id, "location": "A", "quantity": 10})).await;
    let reserve = |quantity: i64| json!({"product_id": id, "quantity": quantity, "reservation_id": new_id()});
    other.done("reserve-stock", &reserve(8)).await;
    stale.send("reserve-stock", &reserve(3)).await.is_refused("insufficient-stock");
    stale.done("reserve-stock", &reserve(2)).await;
    // A fact of another stream: the product is sold no longer.
    other.done("discontinue-product", &json!({"product_id": id, "reason": "gone"})).await;
    stale.send("reserve-stock", &reserve(1)).await.is_refused("discontinued");
}

#[tokio::test]
async fn a_version_that_another_service_made_counts() {
    let database = TestDatabase::create().await;
    let (stale, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let id = stale.category("Books").await;
    let rename = |name: &str| json!({"category_id": id, "name": name});
    other.done("rename-category", &rename("Printed")).await;
    let command =
        |version: &str| stale.command("rename-category", &rename("Read")).header("if-match", version);
    let refused = crate::harness::reply(command("\"1\"")).await;
    refused.is_problem(412, "stale-version");
    assert_eq!(refused.body["version"], 2);
    // The warm state says 1, and 2 is right all the same.
    stale.done("rename-category", &rename("Warm")).await;
    other.done("rename-category", &rename("Printed anew")).await;
    assert_eq!(crate::harness::reply(command("\"4\"")).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_name_that_another_service_freed_is_free() {
    let database = TestDatabase::create().await;
    let (one, other) = (Service::start_on(&database).await, Service::start_on(&database).await);
    let id = one.category("Books").await;
    other.send("create-category", &json!({"name": "Books"})).await.is_refused("category-name-taken");
    one.done("rename-category", &json!({"category_id": id, "name": "Printed"})).await;
    other.done("create-category", &json!({"name": "Books"})).await;
}
