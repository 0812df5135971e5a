//! Rows on the run's real Postgres and Redis: one suite for both stores, and what each has of its own.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod bench;
mod bulk;
mod contract;
mod letters;
mod postgres;
mod reading;
mod redis;
mod secured;

/// Makes each of these rules a test on Postgres and one on Redis.
#[macro_export]
macro_rules! on_both_stores {
    ($($rule:ident),+ $(,)?) => {
        mod on_postgres {
            use $crate::bench::{Bench, Postgres};

            $(#[tokio::test]
            async fn $rule() {
                super::$rule(Postgres::new().await).await;
            })+
        }

        mod on_redis {
            use $crate::bench::{Bench, Redis};

            $(#[tokio::test]
            async fn $rule() {
                super::$rule(Redis::new().await).await;
            })+
        }
    };
}
