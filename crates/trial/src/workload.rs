//! What clients do: each works for one tenant, on keys of which a few are asked for most of the time.

mod setting;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::client::{Client, Operation};
use crate::history::{About, Outcome, Token};

pub(crate) use setting::{Setting, TENANTS, set_the_scene};

/// How long a client goes on with what it began when the time is up.
const LAST: Duration = Duration::from_secs(90);
/// Reservations and expenses that a client has in mind.
const IN_MIND: usize = 20;
/// SKUs that are fought for.
const SKUS: usize = 60;

/// What is shared by all clients of a run.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) settings: Vec<Arc<Setting>>,
    /// The next of the integers that are each appended once.
    pub(crate) next_integer: AtomicI64,
}

/// One client.
pub(crate) struct Worker {
    process: u32,
    rng: Rng,
    shared: Arc<Shared>,
    setting: Arc<Setting>,
    /// What it was told last of each context; it may ask for no less.
    told: Vec<Token>,
    reserved: Vec<(Uuid, Uuid)>,
    submitted: Vec<(Uuid, Uuid, Uuid)>,
    ends: Instant,
}

impl Worker {
    pub(crate) fn new(process: u32, seed: u64, shared: &Arc<Shared>, ends: Instant) -> Self {
        let rng = Rng::with_seed(seed ^ (u64::from(process) << 32));
        let shared = Arc::clone(shared);
        let place = usize::try_from(process).unwrap_or(0) % shared.settings.len();
        let setting = Arc::clone(&shared.settings[place]);
        let (told, reserved, submitted) = (Vec::new(), Vec::new(), Vec::new());
        Self { process, rng, shared, setting, told, reserved, submitted, ends }
    }

    /// Works until the time is up.
    pub(crate) async fn work(mut self) {
        while Instant::now() < self.ends {
            self.do_something().await;
            if self.rng.u8(..) < 160 {
                self.look_at_something().await;
            }
        }
    }

    async fn do_something(&mut self) {
        match self.rng.u32(0..100) {
            0..15 => self.append_an_integer().await,
            15..22 => self.receive_a_little().await,
            22..37 => self.reserve().await,
            37..46 => self.release_or_ship().await,
            46..54 => self.fund().await,
            54..66 => self.withdraw().await,
            66..71 => self.submit_an_expense().await,
            71..75 => self.approve_an_expense().await,
            75..85 => self.publish().await,
            85..91 => self.create_a_product().await,
            91..98 => self.order().await,
            _ => self.meddle().await,
        }
    }

    async fn append_an_integer(&mut self) {
        let integer = self.shared.next_integer.fetch_add(1, Ordering::Relaxed);
        let product = self.one_of(|setting| &setting.registers);
        let body = json!({"product_id": product, "location": "main", "quantity": integer});
        self.tell("catalog/receive-stock", product, body).await;
    }

    async fn receive_a_little(&mut self) {
        let product = self.one_of(|setting| &setting.products);
        let body = json!({"product_id": product, "location": "main", "quantity": self.rng.u32(1..6)});
        self.tell("catalog/receive-stock", product, body).await;
    }

    async fn reserve(&mut self) {
        let product = self.one_of(|setting| &setting.products);
        let reservation = self.id();
        let quantity = self.rng.u32(1..6);
        let body = json!({"product_id": product, "quantity": quantity, "reservation_id": reservation});
        if let Outcome::Ok { .. } = self.tell("catalog/reserve-stock", product, body).await {
            remember(&mut self.reserved, (product, reservation));
        }
    }

    async fn release_or_ship(&mut self) {
        if self.reserved.is_empty() {
            return self.reserve().await;
        }
        let (product, reservation) = self.reserved.swap_remove(self.rng.usize(..self.reserved.len()));
        let command = if self.rng.bool() { "catalog/release-stock" } else { "catalog/ship-stock" };
        let body = json!({"product_id": product, "reservation_id": reservation});
        self.tell(command, product, body).await;
    }

    async fn fund(&mut self) {
        let (group, member) = self.a_member();
        let body = json!({"group_id": group, "user_id": member, "amount": euro(self.rng.i64(1..30))});
        self.tell("travel/fund-wallet", member, body).await;
    }

    async fn withdraw(&mut self) {
        let (group, member) = self.a_member();
        let body = json!({"group_id": group, "user_id": member, "amount": euro(self.rng.i64(1..60))});
        self.tell("travel/withdraw-from-wallet", member, body).await;
    }

    async fn submit_an_expense(&mut self) {
        let ((group, paid_by), expense) = (self.a_member(), self.id());
        let body = json!({
            "group_id": group, "expense_id": expense, "paid_by": paid_by,
            "amount": euro(self.rng.i64(1..100)), "category": "food",
        });
        if let Outcome::Ok { .. } = self.tell("travel/submit-expense", expense, body).await {
            remember(&mut self.submitted, (group, paid_by, expense));
        }
    }

    async fn approve_an_expense(&mut self) {
        if self.submitted.is_empty() {
            return self.submit_an_expense().await;
        }
        let place = self.rng.usize(..self.submitted.len());
        let (group, paid_by, expense) = self.submitted.swap_remove(place);
        let members = self.setting.groups.iter().find(|(id, _)| *id == group).map(|(_, members)| members);
        let other = members.and_then(|members| members.iter().find(|member| **member != paid_by)).copied();
        let body = json!({"group_id": group, "expense_id": expense, "by": other});
        self.tell("travel/approve-expense", expense, body).await;
    }

    async fn publish(&mut self) {
        let (user, post) = (self.one_of(|setting| &setting.users), self.id());
        let body = json!({"user_id": user, "post_id": post, "title": "A title"});
        self.tell("accounts/publish-post", post, body).await;
    }

    /// Under a SKU that others want too.
    async fn create_a_product(&mut self) {
        let (product, number) = (self.id(), self.rng.usize(..SKUS));
        let sku = format!("fought-for-{number}");
        let body = json!({
            "product_id": product, "sku": sku, "name": "A thing", "category_id": self.setting.category,
            "price": euro(100),
        });
        self.tell_about("catalog/create-product", sku, body).await;
    }

    async fn order(&mut self) {
        let (order, product) = (self.id(), self.one_of(|setting| &setting.products));
        let method = ["card-ok", "card-ok", "card-declined", "card-silent"][self.rng.usize(..4)];
        let body = json!({
            "order_id": order, "customer_id": self.setting.users[0], "payment_method": method,
            "items": [{"product_id": product, "quantity": self.rng.u32(1..4), "unit_price": euro(250)}],
        });
        if let Outcome::Ok { .. } = self.tell("orders/create-order", order, body).await {
            self.setting.placed(order);
        }
    }

    /// Tries to change what is another tenant's.
    async fn meddle(&mut self) {
        let Some(other) = self.another() else { return };
        let product = other.products[0];
        let body = json!({"product_id": product, "location": "main", "quantity": 1});
        self.tell_about("catalog/receive-stock", "foreign".to_owned(), body).await;
    }

    async fn look_at_something(&mut self) {
        let setting = Arc::clone(&self.setting);
        let (path, about, id) = match self.rng.u32(0..100) {
            0..22 => {
                let id = self.a_product();
                (format!("/v1/catalog/products/{id}"), About::Product, id)
            }
            22..44 => {
                let id = self.a_product();
                (format!("/v1/catalog/stock/{id}"), About::Stock, id)
            }
            44..62 => {
                let id = self.a_member().0;
                (format!("/v1/travel/groups/{id}"), About::Group, id)
            }
            62..76 => {
                let id = self.one_of(|setting| &setting.users);
                (format!("/v1/accounts/users/{id}"), About::User, id)
            }
            76..90 => match setting.an_order(&mut self.rng) {
                Some(id) => (format!("/v1/orders/{id}"), About::Order, id),
                None => return,
            },
            90..95 => ("/v1/catalog/products?limit=100".to_owned(), About::Products, Uuid::nil()),
            95..98 => match self.another() {
                Some(other) => {
                    let id = other.products[0];
                    (format!("/v1/catalog/products/{id}"), About::Foreign, id)
                }
                None => return,
            },
            _ => {
                let id = self.a_product();
                (format!("/v1/catalog/products/{id}"), About::Nobody, id)
            }
        };
        let named = self.rng.u8(..) < 150;
        self.ask(&path, about, id, named).await;
    }

    /// Asks, and for no less than it was told before where it names that.
    async fn ask(&mut self, path: &str, about: About, id: Uuid, named: bool) {
        let context = path.split('/').nth(2).unwrap_or_default();
        let after = self.told.iter().find(|token| token.context == context).filter(|_| named).cloned();
        let (client, tenant, id) = (&self.shared.client, &self.setting.tenant, id.to_string());
        let asked = client.query(self.process, tenant, path, (about, &id), after.as_ref());
        if let Some(reflects) = asked.await {
            self.hear(reflects);
        }
    }

    fn hear(&mut self, token: Token) {
        match self.told.iter_mut().find(|known| known.context == token.context) {
            Some(known) if known.sequence < token.sequence => *known = token,
            Some(_) => {}
            None => self.told.push(token),
        }
    }

    async fn tell(&mut self, command: &'static str, about: Uuid, body: Value) -> Outcome {
        self.tell_about(command, about.to_string(), body).await
    }

    /// Until it is answered, given up, or the time is long up. Now and then what was answered is asked for again.
    async fn tell_about(&mut self, command: &'static str, about: String, body: Value) -> Outcome {
        let operation = Operation { id: self.id(), command, about, body, misuse: false };
        let outcome = loop {
            let outcome = self.attempt(&operation).await;
            let gives_up = match &outcome {
                Outcome::Ok { .. } => true,
                Outcome::Refused { status, .. } => *status != 503 || self.rng.u8(..) < 50,
                Outcome::Unknown { .. } => self.rng.u8(..) < 30,
            };
            if gives_up || Instant::now() > self.ends + LAST {
                break outcome;
            }
            sleep(Duration::from_millis(self.rng.u64(20..400))).await;
        };
        if let Outcome::Ok { place, .. } = &outcome {
            self.hear(place.clone());
            match self.rng.u8(..) {
                0..20 => drop(self.attempt(&operation).await),
                20..24 => self.misuse(operation).await,
                _ => {}
            }
        }
        outcome
    }

    /// Sends a key again with another body.
    async fn misuse(&mut self, mut operation: Operation) {
        operation.misuse = true;
        if let Some(quantity) = operation.body["quantity"].as_i64() {
            operation.body["quantity"] = json!(quantity + 1);
            self.attempt(&operation).await;
        }
    }

    async fn attempt(&self, operation: &Operation) -> Outcome {
        self.shared.client.attempt(self.process, &self.setting.tenant, operation).await
    }

    fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.u128(..).to_be_bytes()).into_uuid()
    }

    fn one_of(&mut self, of: impl Fn(&Setting) -> &Vec<Uuid>) -> Uuid {
        let ids = of(&self.setting);
        ids[zipf(&mut self.rng, ids.len())]
    }

    fn a_product(&mut self) -> Uuid {
        if self.rng.bool() {
            self.one_of(|setting| &setting.products)
        } else {
            self.one_of(|setting| &setting.registers)
        }
    }

    fn a_member(&mut self) -> (Uuid, Uuid) {
        let (group, members) = &self.setting.groups[zipf(&mut self.rng, self.setting.groups.len())];
        (*group, members[zipf(&mut self.rng, members.len())])
    }

    fn another(&mut self) -> Option<Arc<Setting>> {
        let others =
            self.shared.settings.iter().filter(|other| other.tenant.name != self.setting.tenant.name);
        let others: Vec<_> = others.collect();
        others.get(self.rng.usize(..others.len().max(1))).map(|other| Arc::clone(other))
    }
}

/// Keeps the latest few.
fn remember<T>(kept: &mut Vec<T>, new: T) {
    if kept.len() == IN_MIND {
        kept.remove(0);
    }
    kept.push(new);
}

pub(crate) fn euro(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// A place below `count`; the first is chosen twice as often as the second, three times as often as the third.
fn zipf(rng: &mut Rng, count: usize) -> usize {
    let weight = |place: usize| 1.0 / (u32::try_from(place).map_or(f64::MAX, f64::from) + 1.0);
    let mut left = rng.f64() * (0..count).map(weight).sum::<f64>();
    for place in 0..count {
        left -= weight(place);
        if left < 0.0 {
            return place;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_keys_are_chosen_most() {
        let mut rng = Rng::with_seed(7);
        let mut chosen = [0_u32; 5];
        (0..10_000).for_each(|_| chosen[zipf(&mut rng, 5)] += 1);
        assert!(chosen.windows(2).all(|pair| pair[0] > pair[1]), "{chosen:?}");
        assert!(chosen[4] > 0);
    }

    #[test]
    fn a_client_keeps_the_latest_in_mind() {
        let mut kept = Vec::new();
        (0..IN_MIND + 3).for_each(|number| remember(&mut kept, number));
        assert_eq!((kept.len(), kept[0]), (IN_MIND, 3));
    }
}
