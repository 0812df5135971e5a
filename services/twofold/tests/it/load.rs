//! Commands from many connections at once, each repeated with its key until it is answered.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kernel::LaneToken;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::system::{System, pause};

/// How long one command may be repeated until it is answered: a killed service has to come back meanwhile.
const ANSWERED: Duration = Duration::from_secs(120);

const TENANTS: [&str; 3] = ["acme", "globex", "initech"];

/// What a client was told of a command that was carried out.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    pub(crate) tenant: &'static str,
    pub(crate) stream: String,
    pub(crate) last: LaneToken,
    pub(crate) events: Vec<Uuid>,
}

/// How much, and how far it has come.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) commands: usize,
    pub(crate) connections: usize,
    done: Arc<AtomicUsize>,
}

impl Load {
    pub(crate) fn new(commands: usize, connections: usize) -> Self {
        Self { commands, connections, done: Arc::default() }
    }

    /// Waits until this part of the commands has been answered.
    pub(crate) async fn reached(&self, percent: usize) {
        while self.done.load(Ordering::Relaxed) * 100 < self.commands * percent {
            pause().await;
        }
    }

    /// Starts it. A worker keeps its own products, so that no command of it can be refused; categories are
    /// shared by all, so that streams are raced for.
    pub(crate) async fn start(&self, system: &System) -> Running {
        let mut workers = JoinSet::new();
        let mut shops = Vec::new();
        for tenant in TENANTS {
            let token = system.token(tenant, "catalog:write").await;
            shops.push(Shop::open(system, tenant, token).await);
        }
        let acknowledged = shops.iter().map(|shop| shop.opened.clone()).collect();
        for number in 0..self.connections {
            let shop = shops[number % shops.len()].clone();
            let mine =
                self.commands / self.connections + usize::from(number < self.commands % self.connections);
            workers.spawn(work(shop, mine, Arc::clone(&self.done)));
        }
        Running { workers, acknowledged }
    }
}

pub(crate) struct Running {
    workers: JoinSet<Vec<Acknowledged>>,
    acknowledged: Vec<Acknowledged>,
}

impl Running {
    /// What was acknowledged, when all is.
    pub(crate) async fn finish(mut self) -> Vec<Acknowledged> {
        while let Some(worker) = self.workers.join_next().await {
            self.acknowledged.extend(worker.unwrap());
        }
        let ids: HashSet<_> = self.acknowledged.iter().flat_map(|answer| &answer.events).collect();
        assert_eq!(ids.len(), self.acknowledged.iter().map(|answer| answer.events.len()).sum::<usize>());
        self.acknowledged
    }
}

/// One tenant's side of the load.
#[derive(Clone)]
struct Shop {
    base: String,
    client: reqwest::Client,
    tenant: &'static str,
    token: String,
    category: String,
    opened: Acknowledged,
}

impl Shop {
    async fn open(system: &System, tenant: &'static str, token: String) -> Self {
        let category = Uuid::now_v7().to_string();
        let base = system.commands_url();
        let last = LaneToken { log: "catalog/0".parse().unwrap(), sequence: kernel::Sequence::ZERO };
        let opened = Acknowledged { tenant, stream: String::new(), last, events: Vec::new() };
        let mut shop = Self { base, client: system.client.clone(), tenant, token, category, opened };
        let body = json!({"category_id": shop.category, "name": "Things"});
        shop.opened = shop.send("create-category", &body).await;
        shop
    }

    /// Sends a command until it is answered; any answer but success is a mistake of the system.
    async fn send(&self, command: &str, body: &Value) -> Acknowledged {
        let key = Uuid::new_v4().to_string();
        let deadline = Instant::now() + ANSWERED;
        loop {
            let url = format!("{}/v1/catalog/{command}", self.base);
            let request = self.client.post(url).bearer_auth(&self.token).header("Idempotency-Key", &key);
            let said = match request.json(body).send().await {
                Ok(answer) if answer.status().is_success() => match answer.json().await {
                    Ok(answer) => return self.acknowledged(&answer),
                    // Killed between its head and its body.
                    Err(error) => error.to_string(),
                },
                Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => "503".to_owned(),
                Ok(answer) => panic!("{command}: {} {:?}", answer.status(), answer.text().await),
                Err(error) => error.to_string(),
            };
            assert!(Instant::now() < deadline, "{command} was not answered: {said}");
            pause().await;
        }
    }

    fn acknowledged(&self, answer: &Value) -> Acknowledged {
        let token = format!("catalog/{}={}", answer["lane"], answer["sequence"]);
        let events = answer["events"].as_array().expect("an answer lists its events");
        Acknowledged {
            tenant: self.tenant,
            stream: answer["stream"].as_str().expect("an answer names its stream").to_owned(),
            last: token.parse().unwrap(),
            events: events.iter().map(|event| event["id"].as_str().unwrap().parse().unwrap()).collect(),
        }
    }
}

/// Of ten commands: five new products, two prices, three deliveries of stock. Half-way each worker renames its
/// tenant's category, which touches every product that the tenant has by then.
async fn work(shop: Shop, commands: usize, done: Arc<AtomicUsize>) -> Vec<Acknowledged> {
    let mut acknowledged = Vec::with_capacity(commands);
    let mut product = Uuid::nil();
    for number in 0..commands {
        let answer = match number % 10 {
            _ if number == commands / 2 => {
                let name = format!("Things {}", Uuid::new_v4().simple());
                shop.send("rename-category", &json!({"category_id": shop.category, "name": name})).await
            }
            0 | 2 | 4 | 6 | 8 => {
                product = Uuid::now_v7();
                let body = json!({
                    "product_id": product, "sku": format!("S-{}", product.simple()), "name": format!("Thing {number}"),
                    "category_id": shop.category, "price": {"amount": 100 + number, "currency": "EUR"},
                });
                shop.send("create-product", &body).await
            }
            1 | 5 => {
                let price = json!({"amount": 50_000 + number, "currency": "EUR"});
                shop.send("change-price", &json!({"product_id": product, "price": price})).await
            }
            _ => {
                let body = json!({"product_id": product, "location": "main", "quantity": 1 + number});
                shop.send("receive-stock", &body).await
            }
        };
        acknowledged.push(answer);
        done.fetch_add(1, Ordering::Relaxed);
    }
    acknowledged
}
