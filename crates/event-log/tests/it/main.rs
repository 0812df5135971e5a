//! The log on a real Postgres.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod announcing;
mod appending;
mod auditing;
mod batching;
mod beside;
mod claiming;
mod crashing;
mod families;
mod isolation;
mod keeping;
mod lanes;
mod migrating;
mod model;
mod ordering;
mod proxy;
mod publishing;
mod repeating;
mod support;
mod verifying;
