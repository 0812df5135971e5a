//! The projector runtime on the run's real Kafka, Postgres and Redis.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod adding;
mod builds;
mod bulk;
mod changing;
mod comparing;
mod failing;
mod folds;
mod following;
mod killing;
mod parking;
mod repairing;
mod retrying;
mod support;
mod surviving;
mod versions;
