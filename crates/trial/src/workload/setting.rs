//! What each tenant has before the work begins.

use std::sync::{Mutex, PoisonError};

use anyhow::bail;
use fastrand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::euro;
use crate::client::{Client, Operation, Tenant};
use crate::history::Outcome;

/// Who works here. They share lanes as chance will have it.
pub(crate) const TENANTS: [&str; 3] = ["acme", "globex", "initech"];

const PRODUCTS: usize = 5;
const REGISTERS: usize = 3;
const GROUPS: usize = 2;
const MEMBERS: usize = 4;
const USERS: usize = 3;
/// Orders that are looked at again.
const ORDERS: usize = 30;
const ATTEMPTS: u32 = 20;

/// What a tenant has.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) tenant: Tenant,
    pub(crate) category: Uuid,
    /// Stock that is scarce.
    pub(crate) products: Vec<Uuid>,
    /// Products whose stock only grows, by integers of which each is appended once.
    pub(crate) registers: Vec<Uuid>,
    pub(crate) groups: Vec<(Uuid, Vec<Uuid>)>,
    pub(crate) users: Vec<Uuid>,
    orders: Mutex<Vec<Uuid>>,
}

impl Setting {
    pub(super) fn placed(&self, order: Uuid) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if orders.len() == ORDERS {
            orders.remove(0);
        }
        orders.push(order);
    }

    pub(super) fn an_order(&self, rng: &mut Rng) -> Option<Uuid> {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.get(rng.usize(..orders.len().max(1))).copied()
    }
}

/// Makes it, through the same commands as everything else, before anything goes wrong.
pub(crate) async fn set_the_scene(
    client: &Client,
    tenant: Tenant,
    process: u32,
    seed: u64,
) -> anyhow::Result<Setting> {
    let rng = Rng::with_seed(seed ^ (u64::from(process) << 40) ^ 1);
    let mut scene = Scene { client, tenant, process, rng };
    let category = scene.id();
    let body = json!({"category_id": category, "name": "Things"});
    scene.tell("catalog/create-category", category, body).await?;
    let mut products = Vec::new();
    let mut registers = Vec::new();
    for number in 0..PRODUCTS + REGISTERS {
        let id = scene.id();
        let body = json!({
            "product_id": id, "sku": format!("sku-{number}"), "name": format!("Thing {number}"),
            "category_id": category, "price": euro(250),
        });
        scene.tell("catalog/create-product", id, body).await?;
        if number < PRODUCTS { products.push(id) } else { registers.push(id) }
    }
    for product in &products {
        let body = json!({"product_id": product, "location": "main", "quantity": 20});
        scene.tell("catalog/receive-stock", *product, body).await?;
    }
    let mut groups = Vec::new();
    for number in 0..GROUPS {
        let group = scene.id();
        let body = json!({
            "group_id": group, "name": format!("Group {number}"), "currency": "EUR",
            "trip_window": {"from": "2030-06-01", "to": "2030-06-30"},
        });
        scene.tell("travel/create-group", group, body).await?;
        let mut members = Vec::new();
        for _ in 0..MEMBERS {
            let member = scene.id();
            scene
                .tell("travel/add-group-member", group, json!({"group_id": group, "user_id": member}))
                .await?;
            let body = json!({"group_id": group, "user_id": member, "amount": euro(100)});
            scene.tell("travel/fund-wallet", member, body).await?;
            members.push(member);
        }
        groups.push((group, members));
    }
    let mut users = Vec::new();
    for number in 0..USERS {
        let user = scene.id();
        let body = json!({
            "user_id": user, "email": format!("user-{number}@example.com"), "name": "Somebody",
            "password": "of no use to anybody",
        });
        scene.tell("accounts/register-user", user, body).await?;
        users.push(user);
    }
    let Scene { tenant, .. } = scene;
    Ok(Setting { tenant, category, products, registers, groups, users, orders: Mutex::default() })
}

struct Scene<'a> {
    client: &'a Client,
    tenant: Tenant,
    process: u32,
    rng: Rng,
}

impl Scene<'_> {
    fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.u128(..).to_be_bytes()).into_uuid()
    }

    async fn tell(&mut self, command: &'static str, about: Uuid, body: Value) -> anyhow::Result<()> {
        let operation = Operation { id: self.id(), command, about: about.to_string(), body, misuse: false };
        let mut said = None;
        for _ in 0..ATTEMPTS {
            match self.client.attempt(self.process, &self.tenant, &operation).await {
                Outcome::Ok { .. } => return Ok(()),
                Outcome::Refused { status, .. } if status < 500 => bail!("{command} was refused"),
                other => said = Some(other),
            }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
        bail!("{command} was not carried out: {said:?}")
    }
}
