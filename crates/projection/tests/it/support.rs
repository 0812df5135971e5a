//! What the tests share.

pub(crate) mod bench;
pub(crate) mod history;
pub(crate) mod labels;
pub(crate) mod log_service;
#[expect(unreachable_pub, reason = "it is as the guide shows it")]
pub(crate) mod price_history;
pub(crate) mod proxy;
pub(crate) mod registry;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub(crate) use bench::{Bench, Place, Postgres, Redis};
pub(crate) use history::{History, Record, Story};
pub(crate) use world::{Running, World};

/// Stamp and content of every row, by tenant and key.
pub(crate) type Rows = BTreeMap<(String, String), (u64, serde_json::Value)>;

/// Longer than anything takes on a busy machine; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Looks until the rows are these, and shows what differs if they never are.
pub(crate) async fn until_rows<B: Bench>(bench: &B, view: &str, version: u32, expected: &Rows) {
    let began = Instant::now();
    loop {
        let rows = bench.all_rows(view, version).await;
        if rows == *expected {
            return;
        }
        if began.elapsed() > PATIENCE {
            let differs = |key: &&(String, String)| rows.get(key) != expected.get(key);
            let key = rows.keys().chain(expected.keys()).find(differs).unwrap();
            panic!(
                "{} rows where {} are expected; {key:?} is {:?}, not {:?}",
                rows.len(),
                expected.len(),
                rows.get(key),
                expected.get(key)
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Makes each of these rules a test on Postgres and one on Redis.
#[macro_export]
macro_rules! on_both_stores {
    ($($rule:ident),+ $(,)?) => {
        mod on_postgres {
            use $crate::support::{Bench, Postgres};

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                super::$rule(Postgres::new().await).await;
            })+
        }

        mod on_redis {
            use $crate::support::{Bench, Redis};

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                super::$rule(Redis::new().await).await;
            })+
        }
    };
}
