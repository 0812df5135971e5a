//! The query-service, asked over HTTP, over rows that were folded from a log into real stores.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics")]

mod accounts;
mod categories;
mod client;
mod freshness;
mod live;
mod orders;
mod parked;
mod products;
mod projection;
mod search;
mod service;
mod shop;
mod stock;
mod surface;
mod tenants;
mod time_travel;
mod travel;
mod trip;
mod users;
