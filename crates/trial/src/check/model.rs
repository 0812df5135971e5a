//! An independent fold of the logs: what is to be seen of each thing at each place, and whether it may be so.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::history::{About, Micros};
use crate::observed::{Event, Observed};
use crate::verdict::{Findings, Rule};

/// What was available of something from one place of its log on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) sequence: u64,
    pub(super) recorded: Micros,
    pub(super) available: i64,
}

/// An order as it stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    pub(super) status: &'static str,
    happened: usize,
    pub(super) total: i64,
    pub(super) captured: i64,
    pub(super) refunded: i64,
    pub(super) items: Vec<(String, i64)>,
}

#[derive(Debug, Clone, Default)]
struct Product {
    sku: String,
    total: i64,
    reserved: i64,
    reservations: HashMap<String, i64>,
}

#[derive(Debug, Clone, Default)]
struct User {
    email: Value,
    posts: i64,
}

/// A thing of a tenant: what it is, whose, and its id.
type Thing = (About, String, String);

/// What the logs say.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// By thing, what is to be seen of it from a sequence on.
    seen: HashMap<Thing, Vec<(u64, Value)>>,
    lanes: HashMap<String, u16>,
    /// By tenant, its products and since when.
    products: HashMap<String, Vec<(u64, String)>>,
    /// By tenant and SKU, when which operation took it.
    pub(super) skus: HashMap<(String, String), Vec<(Micros, Uuid)>>,
    /// By product or member, what was available of it.
    pub(super) levels: HashMap<String, Vec<Level>>,
    pub(super) orders: BTreeMap<(String, String), Order>,
}

/// What it is folded into.
#[derive(Default)]
struct Folding {
    products: HashMap<String, Product>,
    groups: HashMap<String, BTreeMap<String, (i64, i64)>>,
    users: HashMap<String, User>,
    emails: HashSet<(String, String)>,
    posts: HashSet<String>,
    expenses: HashSet<String>,
}

impl Model {
    pub(super) fn of(observed: &Observed, findings: &mut Findings) -> Self {
        let (mut model, mut folding) = (Self::default(), Folding::default());
        for ((context, lane), events) in &observed.logs {
            for event in events {
                model.lanes.insert(event.tenant.clone(), *lane);
                let broken = match context.as_str() {
                    "catalog" => model.catalog(event, &mut folding),
                    "travel" => model.travel(event, &mut folding),
                    "accounts" => model.accounts(event, &mut folding),
                    "orders" => model.order(event),
                    _ => None,
                };
                findings.look(Rule::Legal, broken.is_none(), || {
                    let what = broken.unwrap_or_default();
                    format!("{context}/{lane}={} ({}): {what}", event.sequence, event.event_type)
                });
            }
        }
        model
    }

    pub(super) fn lane_of(&self, tenant: &str) -> Option<u16> {
        self.lanes.get(tenant).copied()
    }

    /// What is to be seen of a thing at a place; nothing before it is there.
    pub(super) fn at(&self, thing: &Thing, sequence: u64) -> &Value {
        let states = self.seen.get(thing).map(Vec::as_slice).unwrap_or_default();
        let count = states.partition_point(|(since, _)| *since <= sequence);
        count.checked_sub(1).and_then(|last| states.get(last)).map_or(&Value::Null, |(_, state)| state)
    }

    /// Everything that is to be seen of a thing from one place to another.
    pub(super) fn between(&self, thing: &Thing, from: u64, to: u64) -> impl Iterator<Item = &Value> {
        let states = self.seen.get(thing).map(Vec::as_slice).unwrap_or_default();
        let within = states.iter().filter(move |(since, _)| (from..=to).contains(since));
        within.map(|(_, state)| state)
    }

    /// The tenant's products at a place.
    pub(super) fn products_at(&self, tenant: &str, sequence: u64) -> BTreeSet<&str> {
        let products = self.products.get(tenant).map(Vec::as_slice).unwrap_or_default();
        let there = products.iter().filter(|(since, _)| *since <= sequence);
        there.map(|(_, id)| id.as_str()).collect()
    }

    /// Whether it is a product of another tenant.
    pub(super) fn is_anothers(&self, tenant: &str, product: &str) -> bool {
        let others = self.products.iter().filter(|(other, _)| *other != tenant);
        others.flat_map(|(_, products)| products).any(|(_, id)| id == product)
    }

    fn show(&mut self, about: About, event: &Event, id: &str, state: Value) {
        let thing = (about, event.tenant.clone(), id.to_owned());
        self.seen.entry(thing).or_default().push((event.sequence, state));
    }

    fn level(&mut self, event: &Event, id: &str, available: i64) {
        let level = Level { sequence: event.sequence, recorded: event.recorded, available };
        self.levels.entry(id.to_owned()).or_default().push(level);
    }

    fn catalog(&mut self, event: &Event, folding: &mut Folding) -> Option<String> {
        let id = text(&event.data, "product_id");
        let mut broken = None;
        match event.event_type.as_str() {
            "ProductCreated" => {
                let sku = text(&event.data, "sku");
                let product = Product { sku: sku.clone(), ..Product::default() };
                if folding.products.insert(id.clone(), product).is_some() {
                    broken = Some(format!("the product {id} is there already"));
                }
                self.products.entry(event.tenant.clone()).or_default().push((event.sequence, id.clone()));
                let taken = self.skus.entry((event.tenant.clone(), sku.clone())).or_default();
                taken.push((event.recorded, event.correlation));
                if taken.len() > 1 {
                    broken = Some(format!("the SKU {sku} of {} is another product's", event.tenant));
                }
            }
            "StockReceived" | "StockReserved" | "StockReleased" | "StockShipped" => {
                let Some(product) = folding.products.get_mut(&id) else {
                    return Some(format!("there is no product {id}"));
                };
                broken = product.apply(event);
            }
            _ => return None,
        }
        let product = folding.products.get(&id)?;
        let (total, reserved, available) =
            (product.total, product.reserved, product.total - product.reserved);
        if available < 0 {
            broken = Some(format!("of the product {id}, {reserved} of {total} are reserved"));
        }
        let mut state =
            json!({"sku": product.sku, "total": total, "available": available, "reserved": reserved});
        self.show(About::Product, event, &id, state.clone());
        state["reservations"] = product.reservations.len().into();
        self.show(About::Stock, event, &id, state);
        self.level(event, &id, available);
        broken
    }

    fn travel(&mut self, event: &Event, folding: &mut Folding) -> Option<String> {
        let (group, user) = (text(&event.data, "group_id"), text(&event.data, "user_id"));
        let amount = event.data["amount"]["amount"].as_i64().unwrap_or_default();
        if event.event_type == "GroupCreated" {
            folding.groups.insert(group.clone(), BTreeMap::new());
        }
        let Some(members) = folding.groups.get_mut(&group) else {
            return Some(format!("there is no group {group}"));
        };
        let mut broken = None;
        match event.event_type.as_str() {
            "GroupCreated" => {}
            "GroupMemberAdded" => drop(members.insert(user.clone(), (0, 0))),
            "WalletFunded" | "WalletWithdrawn" => {
                let Some((wallet, _)) = members.get_mut(&user) else {
                    return Some(format!("{user} is no member of {group}"));
                };
                *wallet += if event.event_type == "WalletFunded" { amount } else { -amount };
                if *wallet < 0 {
                    broken = Some(format!("the wallet of {user} is at {wallet}"));
                }
            }
            "ExpenseApproved" => {
                if !folding.expenses.insert(text(&event.data, "expense_id")) {
                    broken = Some("the expense was approved before".to_owned());
                }
                let parts = event.data["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
                let part = |part: &Value| part["amount"].as_i64().unwrap_or_default();
                if parts.iter().map(part).sum::<i64>() != amount {
                    broken = Some(format!("the parts do not sum to {amount}"));
                }
                for one in parts {
                    members.entry(text(&event.data, "paid_by")).or_default().1 += part(one);
                    members.entry(text(one, "user_id")).or_default().1 -= part(one);
                }
            }
            _ => return None,
        }
        let state = members.iter().map(|(id, (wallet, balance))| (id.clone(), json!([wallet, balance])));
        let (state, wallet) = (Value::Object(state.collect()), members.get(&user).map(|(wallet, _)| *wallet));
        self.show(About::Group, event, &group, state);
        if let Some(wallet) = wallet {
            self.level(event, &user, wallet);
        }
        broken
    }

    fn accounts(&mut self, event: &Event, folding: &mut Folding) -> Option<String> {
        let id = text(&event.data, "user_id");
        let mut broken = None;
        match event.event_type.as_str() {
            "UserRegistered" => {
                let email = event.data["email"].clone();
                if !folding.emails.insert((event.tenant.clone(), email.to_string())) {
                    broken = Some(format!("the address {email} is another user's"));
                }
                folding.users.insert(id.clone(), User { email, posts: 0 });
            }
            "PostPublished" => {
                if !folding.posts.insert(text(&event.data, "post_id")) {
                    broken = Some("the post was published before".to_owned());
                }
                let Some(user) = folding.users.get_mut(&id) else {
                    return Some(format!("there is no user {id}"));
                };
                user.posts += 1;
            }
            _ => return None,
        }
        let user = folding.users.get(&id)?;
        self.show(About::User, event, &id, json!({"email": user.email, "posts": user.posts}));
        broken
    }

    fn order(&mut self, event: &Event) -> Option<String> {
        let id = text(&event.data, "order_id");
        let order = self.orders.entry((event.tenant.clone(), id.clone())).or_default();
        order.happened += 1;
        let amount = event.data["amount"]["amount"].as_i64().unwrap_or_default();
        let before = order.status;
        let broken =
            |holds: bool, what: &str| (!holds).then(|| format!("the order {id} is {before}: {what}"));
        let broken = match event.event_type.as_str() {
            "OrderPlaced" => {
                order.status = "pending";
                order.total = event.data["total"]["amount"].as_i64().unwrap_or_default();
                let items = event.data["items"].as_array().map(Vec::as_slice).unwrap_or_default();
                let item =
                    |item: &Value| (text(item, "product_id"), item["quantity"].as_i64().unwrap_or_default());
                order.items = items.iter().map(item).collect();
                broken(before.is_empty(), "placed again")
            }
            "OrderConfirmed" => {
                order.status = "confirmed";
                let paid = order.captured == order.total;
                broken(before == "pending" && paid, "confirmed")
            }
            "OrderRejected" => {
                order.status = "rejected";
                broken(before == "pending", "rejected")
            }
            "OrderCancelled" => {
                order.status = "cancelled";
                broken(before == "pending", "cancelled")
            }
            "PaymentCaptured" => {
                order.captured += amount;
                broken(order.captured <= order.total, "more was taken than it costs")
            }
            "PaymentRefunded" => {
                order.refunded += amount;
                broken(order.refunded <= order.captured, "more was given back than was taken")
            }
            _ => None,
        };
        let state = json!({"status": order.status, "happened": order.happened});
        self.show(About::Order, event, &id, state);
        broken
    }
}

impl Product {
    fn apply(&mut self, event: &Event) -> Option<String> {
        let reservation = text(&event.data, "reservation_id");
        match event.event_type.as_str() {
            "StockReceived" => {
                self.total += event.data["quantity"].as_i64().unwrap_or_default();
                None
            }
            "StockReserved" => {
                let quantity = pieces(&event.data);
                self.reserved += quantity;
                let before = self.reservations.insert(reservation.clone(), quantity);
                before.map(|_| format!("the reservation {reservation} is there already"))
            }
            _ => {
                let quantity = pieces(&event.data);
                self.reserved -= quantity;
                if event.event_type == "StockShipped" {
                    self.total -= quantity;
                }
                let held = self.reservations.remove(&reservation).unwrap_or_default();
                (held != quantity).then(|| format!("{quantity} of {held} of {reservation} are given up"))
            }
        }
    }
}

/// How many pieces an event's parts have.
pub(super) fn pieces(data: &Value) -> i64 {
    let parts = data["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    parts.iter().filter_map(|part| part["quantity"].as_i64()).sum()
}

fn text(data: &Value, field: &str) -> String {
    data[field].as_str().unwrap_or_default().to_owned()
}
