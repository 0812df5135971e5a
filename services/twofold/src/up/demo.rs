//! `twofold up --demo`: a believable data set, sent as anybody would send it, over HTTP.
//!
//! The same every time: ids, names and amounts follow from where something stands in the lists, and every command
//! has its once-only key. So a second `--demo` changes nothing, and one that was interrupted goes on. Only the days
//! of the journey are those around today.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use http_api::{Claims, mint};
use kernel::TenantId;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use service_runtime::config::SecretString;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::scopes;
use super::services::Addresses;

mod journey;
mod shop;

/// Commands on their way at once.
const AT_ONCE: usize = 16;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long orders may take until they are paid for.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const TOKEN_LIFE: Duration = Duration::from_secs(60 * 60);

/// The tenants. The first is the one whose token the banner prints.
pub(super) const TENANTS: [&str; 3] = ["acme", "globex", "initech"];

/// What was loaded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loaded {
    pub(super) commands: usize,
    /// Of them, refused by a rule: of a set that was loaded so long ago that its keys are forgotten.
    pub(super) refused: usize,
    pub(super) took: Duration,
}

/// A command of the set.
#[derive(Debug, Clone)]
struct Wish {
    path: &'static str,
    /// Who sends it.
    actor: String,
    body: Value,
}

impl Wish {
    fn new(path: &'static str, body: Value) -> Self {
        Self { path, actor: "demo".to_owned(), body }
    }
}

/// The id of something of a tenant, the same whenever it is asked for.
fn id(tenant: &str, what: &str, number: usize) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("twofold:demo:{tenant}:{what}:{number}").as_bytes())
}

/// Loads it.
pub(super) async fn load(addresses: &Addresses, secret: &SecretString) -> anyhow::Result<Loaded> {
    let began = Instant::now();
    let client = Client::builder().timeout(ANSWER_TIMEOUT).build()?;
    let mut loaded = Loaded { commands: 0, refused: 0, took: Duration::ZERO };
    for tenant in TENANTS {
        let sender = Sender {
            client: client.clone(),
            commands: addresses.commands,
            queries: addresses.queries,
            secret: secret.clone(),
            tenant: TenantId::new(tenant)?,
        };
        // Each stage needs what those before it have made.
        let mut stages = shop::stages(tenant);
        if tenant == TENANTS[0] {
            stages.extend(journey::stages(tenant));
        }
        for (number, stage) in stages.into_iter().enumerate() {
            sender.send_all(number, stage, &mut loaded).await?;
        }
        sender.until_confirmed(&shop::to_be_confirmed(tenant)).await?;
        sender.send_all(100, shop::afterwards(tenant), &mut loaded).await?;
        sender.send_all(101, shop::deliveries(tenant), &mut loaded).await?;
    }
    loaded.took = began.elapsed();
    Ok(loaded)
}

#[derive(Clone)]
struct Sender {
    client: Client,
    commands: SocketAddr,
    queries: SocketAddr,
    secret: SecretString,
    tenant: TenantId,
}

impl Sender {
    /// Sends a stage, a bounded number of commands at once.
    async fn send_all(&self, stage: usize, wishes: Vec<Wish>, loaded: &mut Loaded) -> anyhow::Result<()> {
        loaded.commands += wishes.len();
        let waiting: VecDeque<_> = wishes.into_iter().enumerate().collect();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut senders = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (waiting, sender) = (Arc::clone(&waiting), self.clone());
            senders.spawn(async move {
                let mut refused = 0;
                let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                while let Some((number, wish)) = next() {
                    refused += usize::from(!sender.send(&wish, &format!("demo-{stage}-{number}")).await?);
                }
                anyhow::Ok(refused)
            });
        }
        while let Some(ended) = senders.join_next().await {
            loaded.refused += ended??;
        }
        Ok(())
    }

    /// Whether it was carried out, now or before; false when a rule refused it.
    async fn send(&self, wish: &Wish, key: &str) -> anyhow::Result<bool> {
        let url = format!("http://{}/v1/{}", self.commands, wish.path);
        let request = self.client.post(url).bearer_auth(self.token(&wish.actor)?);
        let answer = request.header("Idempotency-Key", key).json(&wish.body).send().await;
        let answer = answer.with_context(|| format!("send {} of the demo data", wish.path))?;
        match answer.status() {
            status if status.is_success() => Ok(true),
            StatusCode::CONFLICT => Ok(false),
            status => {
                let problem = answer.text().await.unwrap_or_default();
                bail!("{} of the demo data was answered {status}: {problem}", wish.path)
            }
        }
    }

    /// Waits until these orders have been through their fulfilment.
    async fn until_confirmed(&self, orders: &[Uuid]) -> anyhow::Result<()> {
        let deadline = Instant::now() + CONFIRMED_WITHIN;
        for order in orders {
            let url = format!("http://{}/v1/orders/{order}", self.queries);
            loop {
                let answer = self.client.get(&url).bearer_auth(self.token("demo")?).send().await?;
                let order: Value = match answer.status() {
                    StatusCode::OK => answer.json().await?,
                    _ => Value::Null,
                };
                if order["status"].as_str().is_some_and(|status| status != "pending") {
                    break;
                }
                if Instant::now() >= deadline {
                    bail!("orders of the demo data are not confirmed within {CONFIRMED_WITHIN:?}");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }

    fn token(&self, actor: &str) -> anyhow::Result<String> {
        Ok(mint(&self.secret, &Claims::new(&self.tenant, actor, &scopes(), TOKEN_LIFE))?)
    }
}
