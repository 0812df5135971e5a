//! A tenant that sells products, on a whole system.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::system::System;

/// Longer than anything takes on a busy machine; only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Products {
    pub(crate) system: System,
    pub(crate) token: String,
    pub(crate) category: String,
    /// What the tenant's log was answered to be at last: `catalog/3=17`.
    pub(crate) at: String,
}

impl Products {
    pub(crate) async fn open() -> Self {
        let system = System::start().await;
        let token = system.token("acme", "catalog:write catalog:read").await;
        let mut products = Self { system, token, category: String::new(), at: String::new() };
        let created = products.done("create-category", &json!({"name": "Books"})).await;
        created["id"].as_str().unwrap().clone_into(&mut products.category);
        products
    }

    /// Creates a product and answers its id.
    pub(crate) async fn create(&mut self, sku: &str) -> String {
        let product = json!({
            "sku": sku, "name": format!("The product {sku}"), "category_id": self.category,
            "price": {"amount": 1, "currency": "EUR"},
        });
        self.done("create-product", &product).await["id"].as_str().unwrap().to_owned()
    }

    async fn done(&mut self, command: &str, body: &Value) -> Value {
        let path = format!("/v1/catalog/{command}");
        let answer = self.system.command(&path, &self.token, body).send().await.unwrap();
        assert!(answer.status().is_success(), "{command}: {answer:?}");
        answer.headers()["twofold-sequence"].to_str().unwrap().clone_into(&mut self.at);
        answer.json().await.unwrap()
    }

    /// The lane, and the sequence of the last event.
    pub(crate) fn place(&self) -> (u16, u64) {
        place(&self.at)
    }

    /// A resource as it is once it has everything that was done here.
    pub(crate) async fn got(&self, path: &str) -> Value {
        let ask = async {
            loop {
                let request = self.system.query(path, &self.token).header("Twofold-After", &self.at);
                let answer = request.header("Prefer", "wait=5").send().await.unwrap();
                if answer.status() == StatusCode::OK {
                    return answer.json().await.unwrap();
                }
            }
        };
        tokio::time::timeout(PATIENCE, ask).await.unwrap()
    }

    /// Waits until both stores have a product with all that was done.
    pub(crate) async fn are_shown(&self, id: &str, sku: &str) {
        for path in [format!("/v1/catalog/products/{id}"), format!("/v1/catalog/products/by-sku/{sku}")] {
            self.got(&path).await;
        }
    }

    /// Whether there is no product of this id once everything is there that was done here.
    pub(crate) async fn is_missing(&self, id: &str) -> bool {
        let request = self.system.query(&format!("/v1/catalog/products/{id}"), &self.token);
        let request = request.header("Twofold-After", &self.at).header("Prefer", "wait=30");
        request.send().await.unwrap().status() == StatusCode::NOT_FOUND
    }
}

/// `catalog/3=17`: 3 and 17.
pub(crate) fn place(token: &str) -> (u16, u64) {
    let (lane, sequence) = token.strip_prefix("catalog/").unwrap().split_once('=').unwrap();
    (lane.parse().unwrap(), sequence.parse().unwrap())
}
