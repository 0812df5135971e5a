//! Two tenants that sell a few products, with stock for half of what is ordered.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Duration, Instant};
use uuid::Uuid;

use crate::system::{System, pause};

const TENANTS: [&str; 2] = ["acme", "globex"];
const PRODUCTS: usize = 10;
const PRICE: i64 = 250;
const CONNECTIONS: usize = 8;
/// How long one command may be repeated until it is answered: a killed service has to come back meanwhile.
const ANSWERED: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Method {
    Ok,
    Declined,
    Silent,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "card-ok",
            Self::Declined => "card-declined",
            Self::Silent => "card-silent",
        }
    }
}

/// What is to be ordered.
#[derive(Debug, Clone)]
pub(super) struct Ordered {
    pub(super) id: Uuid,
    pub(super) tenant: &'static str,
    pub(super) product: Uuid,
    pub(super) quantity: i64,
    pub(super) method: Method,
}

impl Ordered {
    pub(super) fn total(&self) -> i64 {
        self.quantity * PRICE
    }
}

#[derive(Clone)]
pub(super) struct Shop {
    pub(super) orders: Arc<Vec<Ordered>>,
    /// What each product has received.
    pub(super) stock: Arc<BTreeMap<Uuid, i64>>,
    tokens: Arc<BTreeMap<&'static str, String>>,
}

impl Shop {
    /// Makes the products, and gives each stock for half of what will be ordered of it.
    pub(super) async fn open(system: &System, orders: usize) -> Self {
        let products: BTreeMap<&str, Vec<Uuid>> =
            TENANTS.iter().map(|tenant| (*tenant, (0..PRODUCTS).map(|_| Uuid::now_v7()).collect())).collect();
        let order = |number: usize| {
            let tenant = TENANTS[number % TENANTS.len()];
            let method = [Method::Ok, Method::Declined, Method::Silent][number / 2 % 3];
            let quantity = 1 + i64::try_from(number / 6 % 3).unwrap();
            let product = products[tenant][number / 18 % PRODUCTS];
            Ordered { id: Uuid::now_v7(), tenant, product, quantity, method }
        };
        let orders: Vec<Ordered> = (0..orders).map(order).collect();
        let mut tokens = BTreeMap::new();
        let mut stock = BTreeMap::new();
        for tenant in TENANTS {
            let token = system.token(tenant, "catalog:write orders:write").await;
            let category = Uuid::now_v7();
            let body = json!({ "category_id": category, "name": "Things" });
            send(&system.client, &url(system, "catalog/create-category"), &token, &body).await;
            for product in &products[tenant] {
                let wanted: i64 = orders.iter().filter(|o| o.product == *product).map(|o| o.quantity).sum();
                let body = json!({
                    "product_id": product, "sku": format!("S-{product}"), "name": "Thing",
                    "category_id": category, "price": { "amount": PRICE, "currency": "EUR" },
                });
                send(&system.client, &url(system, "catalog/create-product"), &token, &body).await;
                if wanted / 2 > 0 {
                    let body = json!({ "product_id": product, "location": "main", "quantity": wanted / 2 });
                    send(&system.client, &url(system, "catalog/receive-stock"), &token, &body).await;
                }
                stock.insert(*product, wanted / 2);
            }
            tokens.insert(tenant, token);
        }
        Self { orders: Arc::new(orders), stock: Arc::new(stock), tokens: Arc::new(tokens) }
    }

    /// Places every order, from several connections, each repeated with its key until it is answered.
    pub(super) fn order_all(&self, system: &System) -> JoinHandle<()> {
        let (client, url, shop) = (system.client.clone(), url(system, "orders/create-order"), self.clone());
        tokio::spawn(async move {
            let mut workers = JoinSet::new();
            for worker in 0..CONNECTIONS {
                let (client, url, shop) = (client.clone(), url.clone(), shop.clone());
                workers.spawn(async move {
                    for order in shop.orders.iter().skip(worker).step_by(CONNECTIONS) {
                        let body = json!({
                            "order_id": order.id, "customer_id": Uuid::now_v7(),
                            "payment_method": order.method.name(),
                            "items": [{
                                "product_id": order.product, "quantity": order.quantity,
                                "unit_price": { "amount": PRICE, "currency": "EUR" },
                            }],
                        });
                        send(&client, &url, &shop.tokens[order.tenant], &body).await;
                    }
                });
            }
            while let Some(worker) = workers.join_next().await {
                worker.unwrap();
            }
        })
    }
}

fn url(system: &System, command: &str) -> String {
    format!("{}/v1/{command}", system.commands_url())
}

async fn send(client: &reqwest::Client, url: &str, token: &str, body: &Value) {
    let key = Uuid::new_v4().to_string();
    let deadline = Instant::now() + ANSWERED;
    loop {
        let request = client.post(url).bearer_auth(token).header("Idempotency-Key", &key).json(body);
        let said = match request.send().await {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => "503".to_owned(),
            Ok(answer) => panic!("{url}: {} {:?}", answer.status(), answer.text().await),
            Err(error) => error.to_string(),
        };
        assert!(Instant::now() < deadline, "{url} was not answered: {said}");
        pause().await;
    }
}
