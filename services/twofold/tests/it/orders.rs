//! Orders on their way through the whole system: commands, the process-manager, queries.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::system::{System, pause};

/// How long an order may take, on a busy machine.
const SOON: Duration = Duration::from_secs(120);

/// A tenant's shop.
struct Shop<'a> {
    system: &'a System,
    token: String,
}

impl<'a> Shop<'a> {
    async fn open(system: &'a System, tenant: &str) -> Self {
        let scope = "catalog:write catalog:read orders:write orders:read";
        Self { system, token: system.token(tenant, scope).await }
    }

    /// A command, repeated with one key until it is answered.
    async fn tells(&self, command: &str, body: Value) -> (StatusCode, Value) {
        let (key, deadline) = (Uuid::new_v4().to_string(), Instant::now() + SOON);
        loop {
            let request = self.system.command(&format!("/v1/{command}"), &self.token, &body);
            if let Ok(answer) = request.header("Idempotency-Key", &key).send().await
                && !answer.status().is_server_error()
            {
                let status = answer.status();
                return (status, answer.json().await.unwrap());
            }
            assert!(Instant::now() < deadline, "{command} is not answered");
            pause().await;
        }
    }

    async fn done(&self, command: &str, body: Value) -> Value {
        let (status, answer) = self.tells(command, body).await;
        assert!(status.is_success(), "{command}: {answer}");
        answer
    }

    /// A product of which there is so much.
    async fn product(&self, name: &str, stock: i64) -> Uuid {
        let id = Uuid::new_v4();
        let category = self.done("catalog/create-category", json!({ "name": name })).await["id"].clone();
        let price = json!({ "amount": 100, "currency": "EUR" });
        let product = json!({
            "product_id": id, "sku": name, "name": name, "category_id": category, "price": price,
        });
        self.done("catalog/create-product", product).await;
        if stock > 0 {
            let received = json!({ "product_id": id, "location": "Berlin", "quantity": stock });
            self.done("catalog/receive-stock", received).await;
        }
        id
    }

    async fn orders(&self, product: Uuid, quantity: i64, method: &str) -> Uuid {
        let id = Uuid::new_v4();
        let item = json!({
            "product_id": product, "quantity": quantity, "unit_price": { "amount": 100, "currency": "EUR" },
        });
        let order = json!({
            "order_id": id, "customer_id": Uuid::from_u128(1), "items": [item], "payment_method": method,
        });
        self.done("orders/create-order", order).await;
        id
    }

    /// Asks until the answer is as wanted.
    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let answer = self.asks(path).await;
            match answer {
                Some(answer) if wanted(&answer) => return answer,
                answer => assert!(Instant::now() < deadline, "{path} never became as wanted: {answer:?}"),
            }
            pause().await;
        }
    }

    async fn asks(&self, path: &str) -> Option<Value> {
        let answer = self.system.query(path, &self.token).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        answer.json().await.ok()
    }

    async fn becomes(&self, order: Uuid, status: &str) -> Value {
        self.until(&format!("/v1/orders/{order}"), |order| order["status"] == status).await
    }

    async fn fulfilment(&self, order: Uuid, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until(&format!("/v1/orders/{order}/fulfilment"), wanted).await
    }

    /// What of a product is there and what of it is reserved.
    async fn stock(&self, product: Uuid, total: i64, reserved: i64) {
        let path = format!("/v1/catalog/products/{product}");
        self.until(&path, |product| {
            product["stock"]["total"] == total && product["stock"]["reserved"] == reserved
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_fulfilled_rejected_timed_out_cancelled_and_shipped() {
    let settings = r#"{"fulfilment":{"payment_deadline_seconds":20}}"#;
    let system = System::start_told(&[("TWOFOLD_PROCESS_SETTINGS", settings)]).await;
    let (acme, globex) = (Shop::open(&system, "acme").await, Shop::open(&system, "globex").await);
    let chair = acme.product("Chair", 10).await;

    let silent = acme.orders(chair, 3, "card-silent").await;
    let ok = acme.orders(chair, 2, "card-ok").await;
    let too_many = acme.orders(chair, 99, "card-ok").await;
    let declined = acme.orders(chair, 1, "card-declined").await;

    let confirmed = acme.becomes(ok, "confirmed").await;
    assert_eq!(confirmed["payment"]["captured"], json!({ "amount": 200, "currency": "EUR" }));
    assert_eq!(confirmed["lines"][0]["product_name"], "Chair");
    assert_eq!(acme.becomes(too_many, "rejected").await["reason"], "insufficient-stock");
    assert_eq!(acme.becomes(declined, "rejected").await["reason"], "payment-declined");
    let undone = acme.fulfilment(declined, |fulfilment| fulfilment["phase"] == "ended").await;
    assert_eq!(undone["compensations"][0]["outcome"], "done");

    assert_eq!(acme.becomes(silent, "cancelled").await["reason"], "authorisation-timeout");
    acme.stock(chair, 10, 2).await;

    acme.done("orders/cancel-order", json!({ "order_id": ok, "reason": "changed my mind" })).await;
    let paid_back = |order: &Value| order["payment"]["status"] == "refunded";
    acme.until(&format!("/v1/orders/{ok}"), paid_back).await;
    acme.stock(chair, 10, 0).await;

    let sent = acme.orders(chair, 4, "card-ok").await;
    acme.fulfilment(sent, |fulfilment| fulfilment["step"] == "confirmed").await;
    acme.done("orders/mark-shipped", json!({ "order_id": sent })).await;
    acme.stock(chair, 6, 0).await;
    acme.done("orders/mark-delivered", json!({ "order_id": sent })).await;
    acme.becomes(sent, "delivered").await;
    acme.fulfilment(sent, |fulfilment| fulfilment["step"] == "over").await;
    let revenue = acme.until("/v1/orders/revenue", |revenue| revenue["items"][0]["refunds"] == 1).await;
    assert_eq!(revenue["items"][0]["revenue"]["amount"], 400);

    // Another tenant sees nothing of it, and nobody confirms an order without paying.
    for path in [format!("/v1/orders/{sent}"), format!("/v1/orders/{sent}/fulfilment")] {
        let answer = system.query(&path, &globex.token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let (status, _) = acme.tells("orders/confirm-order", json!({ "order_id": silent })).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
