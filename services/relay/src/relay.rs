//! The service: its port, its logs, its end.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use event_log::{Announcements, EventLog, LogError, Options, Outbox};
use kernel::{Context, ContextVisitor, Lane};
use messaging::Connection;
use service_runtime::config::ExposeSecret;
use service_runtime::{
    Backoff, DRAIN_TIMEOUT, Health, Listener, ServiceFuture, Tasks, bind, ops_router, serve, wait_for,
};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::{RegistryClient, RegistryError};

use crate::config::{Config, RelayConfig};
use crate::error::Blame;
use crate::producers::Producers;
use crate::readiness::Readiness;
use crate::standby::tend;
use crate::topics::TopicKeeper;
use crate::waking::Bells;

/// How often new logs are looked for although none was announced.
const DISCOVER_EVERY: Duration = Duration::from_secs(5);
/// A page of the log holds at most this many bytes of payload, so that many busy logs fit in memory.
const PAGE_BYTES: usize = 1 << 20;
/// How many partitions are looked at at once.
const SURVEYS_AT_ONCE: usize = 4;

/// What all logs of this relay share.
pub(crate) struct Shared {
    pub(crate) log: EventLog,
    pub(crate) outbox: Outbox,
    pub(crate) connection: Connection,
    pub(crate) topics: TopicKeeper,
    pub(crate) producers: Producers,
    pub(crate) registry: RegistryClient,
    pub(crate) readiness: Readiness,
    pub(crate) bells: Bells,
    pub(crate) config: RelayConfig,
    pub(crate) holder: Uuid,
    pub(crate) surveys: Semaphore,
}

/// A relay that has its port and waits to be run.
pub struct Relay {
    listener: Listener,
    address: SocketAddr,
    health: Health,
    pool: PgPool,
    shared: Arc<Shared>,
    database: service_runtime::Dependency,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Relay").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Relay {
    /// Checks the configuration and opens the port. Needs neither Postgres nor Kafka nor the registry to be there.
    pub fn build(config: Config) -> ServiceFuture<Self> {
        Box::pin(async move {
            let options: PgConnectOptions = config
                .log
                .url
                .expose_secret()
                .parse()
                .context("TWOFOLD_LOG_URL is not the URL of a Postgres database")?;
            let pool = event_log::pool(options, config.log.pool_max);
            let log = EventLog::new(
                pool.clone(),
                Options { lanes: config.lanes.lanes, read_bytes_max: PAGE_BYTES, ..Options::default() },
            );
            let kafka = config.kafka;
            let properties = kafka.all_properties()?;
            let connection = Connection { brokers: kafka.brokers, properties };
            let health = Health::new();
            let shared = Shared {
                outbox: log.outbox(),
                log,
                topics: TopicKeeper::new(
                    &connection,
                    config.relay.kafka_timeout(),
                    kafka.topic_prefix,
                    kafka.replication,
                    config.lanes.lanes,
                )?,
                producers: Producers::new(connection.clone(), config.relay.producer())?,
                connection,
                registry: RegistryClient::over(
                    config.trust.http_client()?,
                    config.registry.url.expose_secret(),
                )?,
                readiness: Readiness::new(&health),
                bells: Bells::default(),
                config: config.relay,
                holder: Uuid::new_v4(),
                surveys: Semaphore::new(SURVEYS_AT_ONCE),
            };
            let listener = bind(&config.listen).await?;
            let address = listener.local_addr().context("find the port that was opened")?;
            let database = health.dependency("log");
            Ok(Self { listener, address, health, pool, shared: Arc::new(shared), database })
        })
    }

    /// Where health and metrics are served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Publishes until `token` is cancelled, then drains: what was sent is acknowledged and noted, leases are given
    /// back.
    pub fn run(self, token: CancellationToken) -> ServiceFuture<()> {
        Box::pin(async move {
            self.health.unready_when(&token);
            let mut tasks = Tasks::new(&token);
            let stop = tasks.token();
            tasks.spawn("http", serve(self.listener, ops_router(self.health), stop.clone(), DRAIN_TIMEOUT));
            tracing::info!(address = %self.address, holder = %self.shared.holder, "relay listens");
            tasks.spawn("topics", make_topics(Arc::clone(&self.shared), stop.clone()));
            tasks.spawn("registry", find_registry(Arc::clone(&self.shared), stop.clone()));
            let (pool, shared, database) = (self.pool.clone(), Arc::clone(&self.shared), self.database);
            tasks.spawn("logs", async move {
                let migrated = wait_for(&database, &stop, || EventLog::migrate(&pool)).await;
                if migrated.is_some() { tend_all(shared, pool, stop).await } else { Ok(()) }
            });
            let ended = tasks.finish(DRAIN_TIMEOUT).await;
            self.pool.close().await;
            if let Some(shared) = Arc::into_inner(self.shared) {
                shared.producers.close().await;
            }
            ended
        })
    }
}

/// A part of the relay for each log that there is, and for each that begins.
async fn tend_all(shared: Arc<Shared>, pool: PgPool, token: CancellationToken) -> anyhow::Result<()> {
    let mut logs = JoinSet::new();
    let ringing = (Arc::clone(&shared), Announcements::listen(pool), token.clone());
    logs.spawn(async move { ringing.0.bells.ring(ringing.1, ringing.2).await });
    let mut tended = HashSet::new();
    loop {
        match shared.log.logs().await {
            Ok(found) => {
                shared.readiness.fine(Blame::Log, None);
                for log in found.into_iter().filter(|log| tended.insert(log.clone())) {
                    logs.spawn(tend(Arc::clone(&shared), log, token.clone()));
                }
            }
            Err(error) => not_now(&shared, &error),
        }
        tokio::select! {
            () = token.cancelled() => break,
            () = tokio::time::sleep(DISCOVER_EVERY) => {}
            () = shared.bells.unknown() => {}
            Some(ended) = logs.join_next() => ended.context("a log's part of the relay ended")?,
        }
    }
    while let Some(ended) = logs.join_next().await {
        ended.context("a log's part of the relay ended")?;
    }
    Ok(())
}

fn not_now(shared: &Shared, error: &LogError) {
    tracing::debug!(%error, "could not look for logs");
    shared.readiness.trouble(Blame::Log, None, &error.to_string());
}

/// Makes the topics of all contexts that are shipped, so that whoever reads them finds them before the first event.
async fn make_topics(shared: Arc<Shared>, token: CancellationToken) -> anyhow::Result<()> {
    let mut backoff = Backoff::default();
    let mut contexts = Names::default();
    shipped_contexts::visit(&mut contexts);
    for context in contexts.0 {
        loop {
            let ensured = shared.topics.ensure(context, Lane::new(0));
            match token.run_until_cancelled(ensured).await {
                None => return Ok(()),
                Some(Ok(_)) => break,
                Some(Err(error)) => shared.readiness.trouble(Blame::Kafka, None, &error.to_string()),
            }
            let _ = token.run_until_cancelled(tokio::time::sleep(backoff.next_delay())).await;
        }
    }
    shared.readiness.fine(Blame::Kafka, None);
    shared.readiness.fine(Blame::Topics, None);
    Ok(())
}

/// For `/readyz` alone: a registry that is missing is noticed before the first event needs it.
async fn find_registry(shared: Arc<Shared>, token: CancellationToken) -> anyhow::Result<()> {
    let mut backoff = Backoff::default();
    let asked: Result<(), RegistryError> = loop {
        match token.run_until_cancelled(shared.registry.check()).await {
            None => return Ok(()),
            Some(Err(error)) if error.is_retryable() => {
                shared.readiness.trouble(Blame::Registry, None, &error.to_string());
            }
            Some(answer) => break answer,
        }
        let _ = token.run_until_cancelled(tokio::time::sleep(backoff.next_delay())).await;
    };
    if let Err(error) = asked {
        tracing::warn!(%error, "the registry answered strangely, going on all the same");
    }
    shared.readiness.fine(Blame::Registry, None);
    Ok(())
}

#[derive(Default)]
struct Names(Vec<&'static str>);

impl ContextVisitor for Names {
    fn context<C: Context>(&mut self) {
        self.0.push(C::NAME);
    }
}
