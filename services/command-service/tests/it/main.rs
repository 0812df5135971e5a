//! The real command-service over HTTP, on a real Postgres.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod audit;
mod concurrency;
mod descriptions;
mod dry_run;
mod harness;
mod log_lines;
mod logs;
mod once_only;
mod outages;
mod processes;
mod refusals;
mod rules;
mod sign_in;
mod snapshots;
mod status_table;
mod tenants;
mod travel;
