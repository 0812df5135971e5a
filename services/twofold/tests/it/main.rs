//! The workspace's own rules, and the whole system as separate processes on the run's servers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics")]

mod architecture;
mod check;
mod dead_letters;
mod fulfilment;
mod inline_views;
mod kills;
mod load;
mod mending;
mod metrics;
mod migrate;
mod orders;
mod path;
mod products;
mod rebuilding;
mod repairing;
mod restoring;
mod secured;
mod seeded;
mod servers;
mod system;
mod trace;
mod up;
