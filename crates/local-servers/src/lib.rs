//! Postgres, Redis and a Kafka broker as child processes of this one, on loopback.
//!
//! For `twofold up` and for tests. What a caller may rely on:
//!
//! - A server that was started answers: [`Servers::start`] returns when each one has, or says what is wrong.
//! - Servers end with their parent. [`Servers::stop`] is graceful; when the parent is killed, the system sends
//!   each server its stop signal (`setpriv --pdeathsig`), and what still runs when the same folder is opened
//!   again is stopped first. A signal from the terminal reaches the parent only: servers have process groups
//!   of their own, so that services can drain before their database goes.
//! - Data in a [`Home::open`] folder survives; Postgres and Redis acknowledge nothing before it is on disk.
//! - Started by root, servers run as an ordinary account (Postgres refuses root), and their data are where that
//!   account can reach them: see [`Home`].
//! - One process per folder: a second one is refused, never mixed in.

mod account;
mod cache;
mod child;
mod error;
mod home;
mod java;
mod kafka;
mod keeper;
mod nisshi;
mod port;
mod postgres;
mod redis;
mod secured;
mod servers;

pub use child::Server;
pub use error::LocalServerError;
pub use home::Home;
pub use port::{Port, claim_port};
pub use secured::Secured;
pub use servers::{Broker, Servers, Wanted};
