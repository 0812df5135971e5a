//! The relay between a real Postgres and a real Kafka.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics")]

mod crashes;
mod outages;
mod readiness;
mod records;
mod replaying;
mod support;
mod topics;
