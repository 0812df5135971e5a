#![doc = include_str!("../README.md")]

mod api;
mod command_side;
mod config;
mod engine;
mod inbox;
mod processes;
mod sending;
mod stepping;
mod store;
mod sweeping;
mod telemetry;
mod tokens;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use http_api::{Authenticator, OperatorTokens};
use projection::ops::Ops;
use projection::{BuildsConfig, LogSource, Projections, Run, Source};
use read_store::{close_postgres_to_others, migrate_postgres, postgres_for_rows};
use service_runtime::config::{ExposeSecret, SecretString};
use service_runtime::{
    CancellationToken, DRAIN_TIMEOUT, Dependency, Health, Listener, ServiceFuture, Tasks, bind, serve,
    wait_for,
};
use tokio::sync::Notify;
use tracing::info;

use api::Desk;
pub use api::{
    HistoryLine, ListedInstance, OperatorAction, ProcessList, Reason, ShownInstance, ShownStep, ShownTimer,
};
use command_side::CommandSide;
pub use config::{CommandsConfig, Config, ProcessesDatabaseConfig, SettingsConfig};
use processes::{Gathering, Inboxes, Served};
use sending::Sending;
use stepping::Stepping;
use store::{Store, StoreError};
use sweeping::{Patience, Sweeping};
pub use tokens::ProcessTokenConfig;
use tokens::Tokens;

/// An inbox has one build, which nothing replaces.
const KEPT: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Makes the tables of the processes' database, or brings them up to date. A process-manager does so itself at start;
/// several may at once.
pub async fn migrate(url: &SecretString) -> anyhow::Result<()> {
    let url = url.expose_secret();
    Store::new(store::pool(url, 2)?).prepare().await?;
    migrate_postgres(&postgres_for_rows(url, 2)?).await?;
    Ok(())
}

/// Lets nobody connect to the processes' database but its owner: a process-manager is that, and needs no other.
pub async fn close_to_others(url: &SecretString) -> anyhow::Result<()> {
    Ok(close_postgres_to_others(&postgres_for_rows(url.expose_secret(), 1)?).await?)
}

/// A process-manager that has its port and waits to be run.
pub struct ProcessManager {
    listener: Listener,
    address: SocketAddr,
    router: Router,
    health: Health,
    inboxes: Vec<(&'static str, Run)>,
    work: Work,
}

/// What takes processes further.
struct Work {
    store: Store,
    served: Arc<BTreeMap<&'static str, Served>>,
    side: Arc<CommandSide>,
    concurrency: usize,
    /// How long a command is left to a manager that does not say what came of it.
    lease: Duration,
    patience: Patience,
    database: Dependency,
    commands: Dependency,
}

impl ProcessManager {
    /// Checks the configuration and opens the port, for the processes of the contexts that are shipped. Needs neither
    /// Kafka nor the database nor the command-service to be there.
    pub fn build(config: Config) -> ServiceFuture<Self> {
        Box::pin(async move { Self::build_for(config, shipped_contexts::visit).await })
    }

    async fn build_for(config: Config, visit: impl FnOnce(&mut Gathering)) -> anyhow::Result<Self> {
        let authenticator =
            Authenticator::over(config.trust.http_client()?, &config.auth, &http_api::RateConfig::default())?;
        let health = Health::new();
        let url = config.processes.url.expose_secret();
        let store = Store::new(store::pool(url, config.processes.pool_max)?);
        let log = LogSource::over(
            config.trust.http_client()?,
            &config.log_service.url,
            OperatorTokens::new(&config.operator, &config.auth)?,
        )?;
        let command_url = config.commands.command_service_url.as_deref().unwrap_or(&config.log_service.url);
        let side = CommandSide::new(
            config.trust.http_client()?,
            command_url,
            Tokens::new(&config.tokens, &config.auth)?,
        )?;
        let source = Source::new(
            &config.kafka,
            &config.registry,
            &config.trust,
            log,
            &config.parking,
            &BuildsConfig::default(),
        )?;
        let rows = Inboxes(postgres_for_rows(url, config.processes.pool_max)?);
        let inboxes = Projections::new(source, rows, health.clone(), KEPT);
        let mut gathering = Gathering::new(config.settings.by_process()?, inboxes);
        visit(&mut gathering);
        let (served, inboxes) = gathering.finish()?;
        let served = Arc::new(served);
        let ops = Ops::new(authenticator.clone(), &inboxes);
        let inboxes = inboxes.into_runs()?;
        let work = Work {
            store: store.clone(),
            served: Arc::clone(&served),
            side: Arc::new(side),
            concurrency: usize::from(config.commands.process_concurrency),
            lease: sending::LEASE,
            patience: config.commands.patience(),
            database: health.dependency("processes"),
            commands: health.optional("command-service"),
        };
        let router = api::surface(Desk { store, served, authenticator }, ops, health.clone());
        let listener = bind(&config.listen).await?;
        let address = listener.local_addr().context("find the port that was opened")?;
        Ok(Self { listener, address, router, health, inboxes, work })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs processes until `token` is cancelled, then drains.
    pub fn run(self, token: CancellationToken) -> ServiceFuture<()> {
        Box::pin(async move {
            self.health.unready_when(&token);
            let mut tasks = Tasks::new(&token);
            tasks.spawn("http", serve(self.listener, self.router, tasks.token(), DRAIN_TIMEOUT));
            for (process, run) in self.inboxes {
                let ended = run(tasks.token());
                tasks.spawn(process, async {
                    ended.await;
                    anyhow::Ok(())
                });
            }
            let processes: Vec<&str> = self.work.served.keys().copied().collect();
            info!(address = %self.address, ?processes, "process-manager listens");
            tasks.spawn("processes", self.work.run(tasks.token()));
            tasks.finish(DRAIN_TIMEOUT + Duration::from_secs(1)).await
        })
    }
}

impl Work {
    /// On the heap: what all of it needs is large, and whoever runs it would hold it.
    async fn run(self, token: CancellationToken) -> anyhow::Result<()> {
        Box::pin(self.work(token)).await
    }

    async fn work(self, token: CancellationToken) -> anyhow::Result<()> {
        // The inboxes of a new database come with the topics, and there is nothing to do before that.
        let prepare = || async {
            self.store.prepare().await?;
            for served in self.served.values() {
                self.store.inbox_is_there(&served.inputs).await?;
            }
            Ok::<_, StoreError>(())
        };
        if wait_for(&self.database, &token, prepare).await.is_none() {
            return Ok(());
        }
        let (wanted, answered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let steps = self.served.values().map(|served| Stepping {
            store: self.store.clone(),
            engine: Arc::clone(&served.engine),
            inputs: Arc::clone(&served.inputs),
            wanted: Arc::clone(&wanted),
            answered: Arc::clone(&answered),
            database: self.database.clone(),
        });
        let steps = futures::future::try_join_all(steps.map(|steps| steps.run(token.clone())));
        let sweeps = self.served.values().map(|served| Sweeping {
            store: self.store.clone(),
            served: served.clone(),
            patience: self.patience,
        });
        let sweeps = futures::future::try_join_all(sweeps.map(|sweeps| sweeps.run(token.clone())));
        let sending = Sending {
            store: self.store.clone(),
            side: Arc::clone(&self.side),
            processes: self.served.keys().copied().collect(),
            most: self.concurrency,
            lease: self.lease,
            wanted: Arc::clone(&wanted),
            answered: Arc::clone(&answered),
            database: self.database.clone(),
            commands: self.commands.clone(),
        };
        tokio::try_join!(steps, sweeps, sending.run(token.clone()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
