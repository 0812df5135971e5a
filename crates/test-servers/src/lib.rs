//! Hands each test its own database, Redis key prefix and topic prefix on the run's real servers.
//!
//! `./scripts/test` starts the servers once and names them in the environment. Without them a test that needs
//! one fails and says so: what claims something of Postgres, Redis or Kafka is never tested on less.

mod proxy;

use std::env;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgPool};
use uuid::Uuid;

pub use proxy::Proxy;

/// The URL of the run's Postgres, with rights to create databases.
pub const POSTGRES: &str = "TWOFOLD_TEST_POSTGRES";
/// The URL of the run's Redis.
pub const REDIS: &str = "TWOFOLD_TEST_REDIS";
/// The bootstrap brokers of the run's Kafka.
pub const KAFKA: &str = "TWOFOLD_TEST_KAFKA";

/// An empty database for one test.
///
/// It goes when the run's server goes: dropping it here would race with connections that a failed test left.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    options: PgConnectOptions,
    url: String,
}

impl TestDatabase {
    /// Makes one.
    pub async fn create() -> Self {
        let server = required(POSTGRES);
        let name = format!("test_{}", Uuid::new_v4().simple());
        let options: PgConnectOptions =
            server.parse().unwrap_or_else(|error| panic!("{POSTGRES} is not a URL: {error}"));
        let mut connection =
            options.connect().await.unwrap_or_else(|error| panic!("cannot reach {POSTGRES}: {error}"));
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("cannot create a database: {error}"));
        let _ = connection.close().await;
        let (before, _) = server.rsplit_once('/').unwrap_or_else(|| panic!("{POSTGRES} names no database"));
        Self { options: options.database(&name), url: format!("{before}/{name}") }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A pool of at most 16 connections to it.
    pub async fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(16)
            .connect_with(self.options.clone())
            .await
            .unwrap_or_else(|error| panic!("cannot reach the test's database: {error}"))
    }
}

/// The run's Redis and a prefix that no other test uses.
#[derive(Debug, Clone)]
pub struct TestRedis {
    /// The server's URL.
    pub url: String,
    /// What every key of the test begins with.
    pub prefix: String,
}

/// The run's Redis.
pub fn redis() -> TestRedis {
    TestRedis { url: required(REDIS), prefix: unique("test") }
}

/// The run's Kafka and a topic prefix that no other test uses.
#[derive(Debug, Clone)]
pub struct TestKafka {
    /// The bootstrap brokers.
    pub brokers: String,
    /// What every topic and group of the test begins with.
    pub prefix: String,
}

/// The run's Kafka.
pub fn kafka() -> TestKafka {
    TestKafka { brokers: required(KAFKA), prefix: unique("test") }
}

fn unique(what: &str) -> String {
    format!("{what}-{}", Uuid::new_v4().simple())
}

fn required(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the tests with ./scripts/test, which starts the servers they need")
    })
}
