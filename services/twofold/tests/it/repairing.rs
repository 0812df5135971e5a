//! What the whole system does about a topic that is lost, and a replay beside it.

use std::time::Duration;

use messaging::{Connection, Topics};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::system::System;

const PATIENCE: Duration = Duration::from_secs(60);

struct Shop {
    system: System,
    token: String,
    category: Value,
}

impl Shop {
    async fn open() -> Self {
        let system = System::start().await;
        let token = system.token("acme", "catalog:write catalog:read").await;
        let name = json!({"name": "Books"});
        let created = system.command("/v1/catalog/create-category", &token, &name).send().await.unwrap();
        let created: Value = created.json().await.unwrap();
        Self { category: created["id"].clone(), system, token }
    }

    /// Creates a product and waits until both stores show it.
    async fn sells(&self, sku: &str) {
        let product = json!({
            "sku": sku, "name": "A Book", "category_id": self.category,
            "price": {"amount": 1999, "currency": "EUR"},
        });
        let created =
            self.system.command("/v1/catalog/create-product", &self.token, &product).send().await.unwrap();
        assert_eq!(created.status(), StatusCode::CREATED);
        let after = created.headers()["twofold-sequence"].to_str().unwrap().to_owned();
        let created: Value = created.json().await.unwrap();
        let id = created["id"].as_str().unwrap();
        for path in [format!("/v1/catalog/products/{id}"), format!("/v1/catalog/products?q={sku}")] {
            self.is_answered(&path, &after).await;
        }
    }

    async fn is_answered(&self, path: &str, after: &str) {
        let ask = async {
            loop {
                let request = self.system.query(path, &self.token);
                let request = request.header("Twofold-After", after).header("Prefer", "wait=5");
                if request.send().await.unwrap().status() == StatusCode::OK {
                    return;
                }
            }
        };
        assert!(tokio::time::timeout(PATIENCE, ask).await.is_ok(), "{path} did not reach {after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_deleted_is_made_whole_and_a_replay_changes_nothing() {
    let shop = Shop::open().await;
    for sku in ["bk-1", "bk-2"] {
        shop.sells(sku).await;
    }
    let kafka = &shop.system.kafka;
    let topics = Topics::new(&Connection::new(&kafka.brokers), PATIENCE).unwrap();
    topics.delete(&wire::topic(&kafka.prefix, "catalog")).await.unwrap();
    shop.sells("bk-3").await;

    let told = shop.system.twofold(&["replay", "--log", "catalog", "--from-sequence", "2"]).await;
    assert!(told.contains("2 to 4, 3 events"), "{told}");
    shop.sells("bk-4").await;
    let verified = shop.system.twofold(&["verify", "log"]).await;
    assert!(verified.contains("5 events, whole"), "{verified}");
}
