//! One command's way through the whole system.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::system::System;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_becomes_the_answer_of_queries_in_redis_and_postgres() {
    let system = System::start().await;
    let token = system.token("acme", "catalog:write catalog:read").await;

    let category = system
        .command("/v1/catalog/create-category", &token, &json!({"name": "Books"}))
        .send()
        .await
        .unwrap();
    assert_eq!(category.status(), StatusCode::CREATED);
    let category: Value = category.json().await.unwrap();
    let product = json!({
        "sku": "BK-1", "name": "A Book", "category_id": category["id"],
        "price": {"amount": 1999, "currency": "EUR"},
    });
    let created = system.command("/v1/catalog/create-product", &token, &product).send().await.unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let after = created.headers()["twofold-sequence"].to_str().unwrap().to_owned();
    let created: Value = created.json().await.unwrap();
    let id = created["id"].as_str().unwrap();

    // The product by its id comes from Redis, the list from Postgres; both shall include the command.
    for path in [format!("/v1/catalog/products/{id}"), "/v1/catalog/products?q=boo".to_owned()] {
        let request = system.query(&path, &token).header("Twofold-After", &after).header("Prefer", "wait=30");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["twofold-sequence"].to_str().unwrap(), after, "{path}");
        let answer: Value = answer.json().await.unwrap();
        let shown = if answer["items"].is_array() { &answer["items"][0] } else { &answer };
        assert_eq!(shown["id"], created["id"], "{path}: {answer}");
        assert_eq!(shown["sku"], "BK-1", "{path}");
        assert_eq!(shown["category"]["name"], "Books", "{path}");
        assert_eq!(shown["price"], json!({"amount": 1999, "currency": "EUR"}), "{path}");
    }

    let other = system.token("other", "catalog:read").await;
    let answer = system.query(&format!("/v1/catalog/products/{id}"), &other).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);

    let told = system.twofold(&["events", "tail"]).await;
    let events: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 2, "{told}");
    assert_eq!(events[1]["type"], "ProductCreated");
    assert_eq!(events[1]["data"]["sku"], "BK-1");
    let shown: Value = serde_json::from_str(&system.twofold(&["events", "show", &after]).await).unwrap();
    assert_eq!(shown, events[1]);
    let verified = system.twofold(&["verify", "log"]).await;
    assert!(verified.contains("2 events, whole"), "{verified}");
    let lag = system.twofold(&["lag"]).await;
    assert!(lag.contains("product-details"), "{lag}");
}
