//! Fulfilment under fire: every order ends, nothing is lost, left behind or charged twice, whatever is killed.

mod books;
mod shop;

use std::env;

use sqlx::PgPool;
use tokio::time::{Duration, Instant};

use crate::system::{System, pause};
use books::{Books, Ending};
use shop::{Method, Shop};

/// What is killed, and after which part of the orders has been settled, in percent.
const KILLS: [(usize, &str); 8] = [
    (5, "process-manager"),
    (15, "command-service"),
    (25, "relay"),
    (32, "process-manager"),
    (40, "projector-postgres"),
    (50, "command-service"),
    (58, "process-manager"),
    (66, "relay"),
];

/// How large, unless the environment says otherwise: TWOFOLD_FIRE_ORDERS=5000 TWOFOLD_FIRE_DEADLINE=60.
const ORDERS: usize = 240;
/// Seconds that a payment may take to be authorised.
const DEADLINE: usize = 20;
/// How long it may take until the next order is settled, beyond the deadline.
const PATIENCE: Duration = Duration::from_secs(120);

fn size(name: &str, usual: usize) -> usize {
    env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_ends_and_stock_and_money_are_conserved_whatever_is_killed() {
    let (orders, deadline) = (size("TWOFOLD_FIRE_ORDERS", ORDERS), size("TWOFOLD_FIRE_DEADLINE", DEADLINE));
    let settings = format!(r#"{{"fulfilment":{{"payment_deadline_seconds":{deadline}}}}}"#);
    let mut system = System::start_told(&[("TWOFOLD_PROCESS_SETTINGS", &settings)]).await;
    let shop = Shop::open(&system, orders).await;
    let ordering = shop.order_all(&system);
    let instances = system.instances.pool().await;
    let patience = PATIENCE + Duration::from_secs(deadline as u64);
    for (percent, service) in KILLS {
        until_settled(&instances, orders * percent / 100, patience).await;
        system.kill(service).await;
        system.start_again(service);
        system.wait_until_ready(service).await;
    }
    ordering.await.unwrap();
    until_settled(&instances, orders, patience).await;
    let books = Books::read(&system).await;
    books.hold(&shop);
    assert_eq!(stuck(&instances).await, 0);
    sees_what_the_books_say(&system, &shop, &books).await;
}

/// Instances that have nothing left to do, or wait for the order's being shipped.
async fn settled(instances: &PgPool) -> usize {
    let settled = "SELECT count(*) FROM processes.instances
                    WHERE phase = 'ended' OR kept -> 'state' ->> 'step' = 'confirmed'";
    let count: i64 = sqlx::query_scalar(settled).fetch_one(instances).await.unwrap();
    usize::try_from(count).unwrap()
}

async fn stuck(instances: &PgPool) -> i64 {
    let stuck = "SELECT count(*) FROM processes.instances WHERE stuck IS NOT NULL";
    sqlx::query_scalar(stuck).fetch_one(instances).await.unwrap()
}

async fn until_settled(instances: &PgPool, wanted: usize, patience: Duration) {
    let (mut most, mut since) = (0, Instant::now());
    loop {
        let settled = settled(instances).await;
        if settled >= wanted {
            return;
        }
        if settled > most {
            (most, since) = (settled, Instant::now());
        }
        assert!(since.elapsed() < patience, "{settled} of {wanted} orders are settled, and no more come");
        pause().await;
    }
}

/// Queries tell of each kind of ending what the log says.
async fn sees_what_the_books_say(system: &System, shop: &Shop, books: &Books) {
    for ending in [Ending::Confirmed, Ending::Rejected, Ending::Cancelled] {
        let Some(order) = shop.orders.iter().find(|order| books.ending(order.id) == ending) else {
            // Where the deadline is met by nobody, or everything is too late, one may be missing.
            assert!(ending != Ending::Rejected, "no order is {ending:?}");
            continue;
        };
        let token = system.token(order.tenant, "orders:read").await;
        let wanted = format!("{ending:?}").to_lowercase();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = system.query(&format!("/v1/orders/{}", order.id), &token).send().await.unwrap();
            let said: serde_json::Value = answer.json().await.unwrap();
            if said["status"] == wanted.as_str() {
                break;
            }
            assert!(Instant::now() < deadline, "{} should be {wanted}: {said}", order.id);
            pause().await;
        }
    }
    let silent = shop.orders.iter().find(|order| order.method == Method::Silent).unwrap();
    let id = silent.id.to_string();
    let shown = system.twofold(&["processes", "show", "fulfilment", silent.tenant, &id, "--json"]).await;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["phase"], &shown["stuck"]), (&"ended".into(), &serde_json::Value::Null));
}
