//! Accepts commands over HTTP and appends their events to the log.
//!
//! ```text
//! waiting for the log ──found, migrated, schemas kept──► open ──token──► draining ──answered, or the deadline──► done
//! ```
//!
//! *Waiting*: the port is open, `/readyz` says that the log is missing, commands are answered 503. *Open*: commands
//! are carried out; a log that goes away again shows in `/readyz` and in 503s, and is used as soon as it is back.
//! *Draining*: no new connections; commands in flight are answered. Killed at any moment, it leaves each command
//! recorded as a whole or not at all.

mod answer;
mod audit;
mod commands;
mod config;
mod description;
mod history;
mod inline;
mod logs;
mod sign_in;
mod telemetry;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use dispatch::{CommandError, Commands, DispatchOptions, Dispatcher};
use event_log::{EventLog, Options};
use http_api::{Authenticator, Limits, surface};
use service_runtime::config::{ExposeSecret, LogDatabaseConfig, OnChangedView, SecretString};
use service_runtime::{
    CancellationToken, DRAIN_TIMEOUT, Dependency, Health, Listener, ServiceFuture, Tasks, bind, serve,
    wait_for,
};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tracing::info;

use audit::AuditWriter;
use commands::Desk;
pub use config::{AuditConfig, Config, OnceConfig, SignInConfig};
use logs::Logs;
use sign_in::SignIn;

/// Threads beside the runtime's workers that are as busy as one of these: the log's appenders have one.
pub const THREADS_APART: usize = 1;
/// How long connections to the log may take to close.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(2);
/// How often the log is asked whether it is there, for `/readyz`.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A command-service that has its port and waits to be run.
#[derive(Debug)]
pub struct CommandService {
    listener: Listener,
    address: SocketAddr,
    router: Router,
    log: EventLog,
    pool: PgPool,
    dispatcher: Arc<Dispatcher>,
    open: Arc<AtomicBool>,
    health: Health,
    database: Dependency,
    rebuilds: bool,
    writer: AuditWriter,
}

impl CommandService {
    /// Checks the configuration and opens the port. Does not need the log to be there.
    pub fn build(config: Config) -> ServiceFuture<Self> {
        Box::pin(async move {
            let authenticator =
                Authenticator::over(config.trust.http_client()?, &config.auth, &config.rates)?;
            let once_secret = config.once.secret(&config.auth)?;
            let commands =
                Commands::of(shipped_contexts::visit).context("register the contexts' commands")?;
            let open_api = description::describe(&commands);
            let pool = pool(&config.log)?;
            let log =
                EventLog::new(pool.clone(), Options { lanes: config.lanes.lanes, ..Options::default() });
            let options = DispatchOptions { warm_bytes: config.warm_mib << 20, ..DispatchOptions::default() };
            let dispatcher = Arc::new(Dispatcher::new(commands, log.clone(), &once_secret, options));

            let health = Health::new();
            let database = health.dependency("log");
            let open = Arc::new(AtomicBool::new(false));
            let logs = Logs::new(&log, authenticator.clone(), Arc::clone(&open));
            let sign_in =
                SignIn::new(Arc::clone(&dispatcher), Arc::clone(&open), &config.auth, &config.sign_in)?;
            let (audit, writer) = audit::audit(&log, &config.audit, Arc::clone(&open));
            let desk =
                Desk { dispatcher: Arc::clone(&dispatcher), authenticator, open: Arc::clone(&open), audit };
            let routes = commands::router(desk).merge(audit::router(logs.clone()));
            let routes = routes.merge(logs::router(logs)).merge(sign_in::router(sign_in));
            let router = surface(routes, &open_api, health.clone(), Limits::default());

            let listener = bind(&config.listen).await?;
            let address = listener.local_addr().context("find the port that was opened")?;
            let rebuilds = config.views.on_changed_view == OnChangedView::Rebuild;
            Ok(Self {
                listener,
                address,
                router,
                log,
                pool,
                dispatcher,
                open,
                health,
                database,
                rebuilds,
                writer,
            })
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `token` is cancelled, then drains.
    pub fn run(self, token: CancellationToken) -> ServiceFuture<()> {
        Box::pin(async move {
            self.health.unready_when(&token);
            let mut tasks = Tasks::new(&token);
            let (stop, address) = (tasks.token(), self.address);
            tasks.spawn("http", serve(self.listener, self.router, stop.clone(), DRAIN_TIMEOUT));
            let watch = Watch {
                log: self.log,
                pool: self.pool.clone(),
                dispatcher: self.dispatcher,
                open: self.open,
                database: self.database,
                rebuilds: self.rebuilds,
            };
            tasks.spawn("audit", self.writer.run(stop.clone()));
            tasks.spawn("log watch", watch.run(stop));
            info!(%address, "command-service listens");
            let ended = tasks.finish(DRAIN_TIMEOUT + Duration::from_secs(1)).await;
            // Connections are closed politely where that is quick; the server notices the others by itself.
            let _ = tokio::time::timeout(CLOSE_WAIT_MAX, self.pool.close()).await;
            ended
        })
    }
}

fn pool(config: &LogDatabaseConfig) -> anyhow::Result<PgPool> {
    let url: PgConnectOptions = config
        .url
        .expose_secret()
        .parse()
        .context("TWOFOLD_LOG_URL is not the URL of a Postgres database")?;
    Ok(event_log::pool(url, config.pool_max))
}

/// Opens the service once the log is there, keeps `/readyz` true and the log free of expired keys.
struct Watch {
    log: EventLog,
    pool: PgPool,
    dispatcher: Arc<Dispatcher>,
    open: Arc<AtomicBool>,
    database: Dependency,
    /// Inline views whose fold changed are built anew.
    rebuilds: bool,
}

impl Watch {
    async fn run(self, token: CancellationToken) -> anyhow::Result<()> {
        let (pool, log, dispatcher) = (self.pool.clone(), self.log.clone(), Arc::clone(&self.dispatcher));
        let rebuilds = self.rebuilds;
        let attempt = move || prepare(pool.clone(), log.clone(), Arc::clone(&dispatcher), rebuilds);
        if wait_for(&self.database, &token, attempt).await.is_none() {
            return Ok(());
        }
        self.open.store(true, Ordering::Relaxed);
        tokio::join!(self.log.keep_house(token.clone()), self.look_until(&token));
        Ok(())
    }

    async fn look_until(&self, token: &CancellationToken) {
        while token.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            if token.run_until_cancelled(self.look()).await.is_none() {
                break;
            }
        }
    }

    async fn look(&self) {
        match self.log.logs().await {
            Ok(_) => self.database.ready(),
            Err(error) => self.database.waiting(error.to_string()),
        }
    }
}

/// Makes the tables of the log, those of inline views with them, or brings them up to date. A command-service does so
/// itself at start, where its role may; several may at once.
pub async fn migrate(url: &SecretString) -> anyhow::Result<()> {
    let pool = pool(&LogDatabaseConfig { url: url.clone(), pool_max: 2 })?;
    let log = EventLog::new(pool.clone(), Options::default());
    let commands = Commands::of(shipped_contexts::visit).context("register the contexts' commands")?;
    // Nothing is sent through it: no key is hashed.
    let dispatcher = Dispatcher::new(commands, log.clone(), &[], DispatchOptions::default());
    let prepared = prepare(pool.clone(), log, Arc::new(dispatcher), true).await;
    pool.close().await;
    Ok(prepared?)
}

/// The tables, and beside them the schemas that events will be written with; then the rows of inline views, up to
/// date with the log.
async fn prepare(
    pool: PgPool,
    log: EventLog,
    dispatcher: Arc<Dispatcher>,
    rebuilds: bool,
) -> Result<(), CommandError> {
    EventLog::migrate(&pool).await?;
    log.register_schemas(&dispatcher.commands().schemas()).await?;
    dispatcher.open_inline_views(rebuilds, inline::shape).await
}
