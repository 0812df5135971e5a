//! A small schema registry with the Confluent REST interface, kept in Postgres: for one machine and for tests.
//! Everywhere else an existing registry is used by its URL; both pass the same contract suite.
//!
//! It has what producers, consumers and tools use for Avro: subjects, versions, ids, lookup, compatibility and its
//! levels. It does not delete (records keep their ids for ever), and knows no schema references, contexts or modes.
//!
//! Several may run on one database. A schema has one id however many register it at once, ids and versions are
//! given without holes, and a crash between any two steps leaves none of them half done: each registration is one
//! transaction.

mod config;
mod http;
mod problem;
mod registry;
mod storage;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use service_runtime::config::{ExposeSecret, SecretString};
use service_runtime::{
    CancellationToken, DRAIN_TIMEOUT, Health, Listener, ServiceFuture, Tasks, bind, ops_router, serve,
    wait_for,
};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tracing::info;

pub use config::{Config, RegistryDatabaseConfig};
use registry::Registry;

/// How long a request waits for a connection before it is told that the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

fn pool(url: &SecretString, connections: u32) -> anyhow::Result<PgPool> {
    // The parser's error may quote the URL, and with it a password.
    let options: PgConnectOptions = url
        .expose_secret()
        .parse()
        .map_err(|_| anyhow::anyhow!("the registry's database url is not a postgres url"))?;
    Ok(PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options.application_name("schema-registry")))
}

/// Makes the registry's tables, or brings them up to date. A registry does so itself at start; several may at once.
pub async fn migrate(url: &SecretString) -> anyhow::Result<()> {
    Ok(storage::migrate(pool(url, 1)?).await?)
}

/// The registry, its port open.
#[derive(Debug)]
pub struct SchemaRegistry {
    listener: Listener,
    address: SocketAddr,
    registry: Registry,
    health: Health,
}

impl SchemaRegistry {
    /// Opens the port. The database may come later: until then requests are answered that it is away.
    pub fn build(config: Config) -> ServiceFuture<Self> {
        Box::pin(async move {
            let listener = bind(&config.listen).await?;
            let address = listener.local_addr()?;
            let pool = pool(&config.database.url, config.database.pool_max)?;
            Ok(Self { listener, address, registry: Registry::new(pool), health: Health::new() })
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the token is cancelled and requests in flight are answered.
    pub fn run(self, token: CancellationToken) -> ServiceFuture<()> {
        Box::pin(async move {
            let Self { listener, address, registry, health } = self;
            let postgres = health.dependency("postgres");
            health.unready_when(&token);
            let router = http::router(registry.clone()).merge(ops_router(health));
            let mut tasks = Tasks::new(&token);
            tasks.spawn("http", serve(listener, router, tasks.token(), DRAIN_TIMEOUT));
            let (pool, stop) = (registry.pool().clone(), tasks.token());
            tasks.spawn("migration", async move {
                let attempt = move || storage::migrate(pool.clone());
                let migrated = wait_for(&postgres, &stop, attempt).await;
                if migrated.is_some() {
                    info!(%address, "schema-registry ready");
                }
                anyhow::Ok(())
            });
            tasks.finish(DRAIN_TIMEOUT).await.context("schema-registry")
        })
    }
}
