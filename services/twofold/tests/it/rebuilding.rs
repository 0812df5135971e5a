//! Views are built anew while the system lives: queries over HTTP notice nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::products::{Products, place};
use crate::system::System;

/// Queries are asked by so many clients, one each every 16 ms: 500 a second, as far as the machine can.
const CLIENTS: usize = 8;
const EVERY: Duration = Duration::from_millis(16);
const WRITTEN_EVERY: Duration = Duration::from_millis(100);
/// All of it takes less, on a busy machine too.
const LONGEST: Duration = Duration::from_secs(300);
/// Both views are built so often, one build after the other.
const BUILDS: u32 = 3;

/// What is asked while views are built, and what the answers may be.
struct Asking<'a> {
    system: &'a System,
    token: &'a str,
    /// The price since each sequence.
    prices: &'a Mutex<BTreeMap<u64, i64>>,
    asked: AtomicU64,
    done: AtomicBool,
}

impl Asking<'_> {
    /// Asks for one thing again and again, naming what it has: it is always answered, never as it was before, and what
    /// the row says is what it says at the sequence that the answer names.
    async fn client(&self, path: &str) {
        let mut tick = tokio::time::interval(EVERY);
        // Not more than that after a machine was busy: builds would step aside for good.
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut latest: Option<String> = None;
        while !self.done.load(Ordering::Relaxed) {
            tick.tick().await;
            let mut query = self.system.query(path, self.token);
            if let Some(latest) = &latest {
                query = query.header("Twofold-After", latest);
            }
            let answer = query.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path}: {}", answer.text().await.unwrap());
            let told = answer.headers()["twofold-sequence"].to_str().unwrap().to_owned();
            let (reflects, before) = (place(&told).1, latest.map_or(0, |latest| place(&latest).1));
            assert!(reflects >= before, "{path} went back in time: {reflects} after {before}");
            latest = Some(told);
            let answer: Value = answer.json().await.unwrap();
            let product = answer["items"].get(0).unwrap_or(&answer);
            let price = product["price"]["amount"].as_i64().unwrap_or_else(|| panic!("{path}: {answer}"));
            assert_eq!(self.price_at(reflects), price, "{path} at {reflects} is of another moment");
            self.asked.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Nobody else writes to the log, so the event's place is known before it is there.
    async fn change_price(&self, id: &str, amount: i64) {
        let next = {
            let mut prices = self.prices.lock().unwrap_or_else(PoisonError::into_inner);
            let next = prices.last_key_value().map_or(0, |(last, _)| *last) + 1;
            prices.insert(next, amount);
            next
        };
        let price = json!({"product_id": id, "price": {"amount": amount, "currency": "EUR"}});
        let changed = self.system.command("/v1/catalog/change-price", self.token, &price);
        let changed = changed.send().await.unwrap();
        assert_eq!(place(changed.headers()["twofold-sequence"].to_str().unwrap()).1, next);
    }

    fn price_at(&self, sequence: u64) -> i64 {
        let prices = self.prices.lock().unwrap_or_else(PoisonError::into_inner);
        prices.range(..=sequence).next_back().map(|(_, price)| *price).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_at_500_a_second_are_all_answered_of_one_build_each_while_views_are_built_three_times() {
    let mut products = Products::open().await;
    for number in 0..40 {
        products.create(&format!("other-{number}")).await;
    }
    let asked_for = products.create("asked-for").await;
    let prices = Mutex::new(BTreeMap::from([(products.place().1, 1)]));
    let paths = [
        format!("/v1/catalog/products/{asked_for}"),
        "/v1/catalog/products/by-sku/asked-for".to_owned(),
        "/v1/catalog/products?q=asked-for".to_owned(),
    ];
    for path in &paths {
        products.got(path).await;
    }
    let (system, token) = (&products.system, &products.token);
    let (done, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    let asking = Asking { system, token, prices: &prices, asked, done };

    let build = async {
        for number in 2..2 + BUILDS {
            let told = tokio::join!(
                system.twofold(&["rebuild", "product-details", "--parallel", "1"]),
                system.twofold(&["rebuild", "product-search"]),
            );
            for (view, store) in [
                ("product-details", "postgres"),
                ("product-details", "redis"),
                ("product-search", "postgres"),
            ] {
                let told = if view == "product-search" { &told.1 } else { &told.0 };
                assert!(told.contains(&format!("{view} build {number} in {store}: read")), "{told}");
            }
        }
        asking.done.store(true, Ordering::Relaxed);
    };
    let write = async {
        let mut price = 1;
        let mut tick = tokio::time::interval(WRITTEN_EVERY);
        while !asking.done.load(Ordering::Relaxed) {
            tick.tick().await;
            price += 1;
            asking.change_price(&asked_for, price).await;
        }
    };
    let clients = (0..CLIENTS).map(|client| asking.client(&paths[client % paths.len()]));
    let everything = async { tokio::join!(build, write, join_all(clients)) };
    tokio::time::timeout(LONGEST, everything).await.expect("the builds become complete in time");
    assert!(asking.asked.load(Ordering::Relaxed) > 500, "few queries were asked");

    let (equal, told) = system.twofold_ends(&["verify", "views", "--all", "--view", "product-details"]).await;
    assert!(equal && told.contains(&format!("build {} in redis: 41 rows compared", BUILDS + 1)), "{told}");
}
