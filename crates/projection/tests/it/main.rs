//! The projector runtime on the run's real Kafka, Postgres and Redis.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod comparing;
mod failing;
mod following;
mod repairing;
mod support;
mod surviving;
mod versions;
