//! Folds the topics into view rows in Redis, each found by its key.
//!
//! ```text
//! waiting for the store and the topics ──► following the lanes that the group gives it ──token──► draining ──► done
//! ```
//!
//! Each view has a consumer of its own and stops or waits by itself; `/readyz` has a line for each. *Draining*: every
//! lane finishes the batch that it has in work. Killed at any moment, it leaves rows and checkpoint in step, and
//! whoever has the lane next reads on from there.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use http_api::{AuthConfig, Authenticator, OperatorConfig, OperatorTokens};
use kernel::ReadStore;
use projection::ops::Ops;
use projection::{BuildsConfig, LogSource, Projections, Source, Stores};
use read_store::{RedisRows, StoreError, ViewVersion};
use service_runtime::config::{
    ExposeSecret, KafkaConfig, ListenConfig, LogServiceConfig, ParkingConfig, RedisConfig, RegistryConfig,
    TelemetryConfig, TrustConfig,
};
use service_runtime::{
    CancellationToken, DRAIN_TIMEOUT, Health, Listener, ServiceFuture, Tasks, bind, serve,
};
use tracing::info;

/// What the service is told at start.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where its readiness and metrics are asked for, and operators' requests are taken.
    #[command(flatten)]
    pub listen: ListenConfig,
    /// Whom it believes over `https`.
    #[command(flatten)]
    pub trust: TrustConfig,
    /// Where events come from.
    #[command(flatten)]
    pub kafka: KafkaConfig,
    /// What explains their schemas.
    #[command(flatten)]
    pub registry: RegistryConfig,
    /// Where the log is asked for what a topic lost.
    #[command(flatten)]
    pub log_service: LogServiceConfig,
    /// A token for it, where none can be made.
    #[command(flatten)]
    pub operator: OperatorConfig,
    /// Where rows are written.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// What operators' tokens are verified with, and this service's own are made with.
    #[command(flatten)]
    pub auth: AuthConfig,
    /// What is done with records that cannot be applied.
    #[command(flatten)]
    pub parking: ParkingConfig,
    /// What becomes of builds that were replaced.
    #[command(flatten)]
    pub builds: BuildsConfig,
    /// Log lines.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}

type Runs = Vec<(&'static str, projection::Run)>;

/// A projector that has its port and waits to be run.
pub struct ProjectorRedis {
    listener: Listener,
    address: SocketAddr,
    health: Health,
    ops: Ops,
    runs: Runs,
}

impl ProjectorRedis {
    /// Checks the configuration and opens the port. Needs neither Kafka nor the store to be there.
    pub fn build(config: Config) -> ServiceFuture<Self> {
        Box::pin(async move {
            let authenticator = Authenticator::over(
                config.trust.http_client()?,
                &config.auth,
                &http_api::RateConfig::default(),
            )?;
            let health = Health::new();
            let tokens = OperatorTokens::new(&config.operator, &config.auth)?;
            let log = LogSource::over(config.trust.http_client()?, &config.log_service.url, tokens)?;
            let source = Source::new(
                &config.kafka,
                &config.registry,
                &config.trust,
                log,
                &config.parking,
                &config.builds,
            )?;
            let mut projections =
                Projections::new(source, KeySpaces(config.redis), health.clone(), config.builds.retention());
            shipped_contexts::visit(&mut projections);
            let ops = Ops::new(authenticator, &projections);
            let runs = projections.into_runs()?;
            let listener = bind(&config.listen).await?;
            let address = listener.local_addr().context("find the port that was opened")?;
            Ok(Self { listener, address, health, ops, runs })
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Follows the topics until `token` is cancelled, then drains.
    pub fn run(self, token: CancellationToken) -> ServiceFuture<()> {
        Box::pin(async move {
            self.health.unready_when(&token);
            let mut tasks = Tasks::new(&token);
            let router = self.ops.surface(self.health);
            tasks.spawn("http", serve(self.listener, router, tasks.token(), DRAIN_TIMEOUT));
            let views: Vec<&'static str> = self.runs.iter().map(|(view, _)| *view).collect();
            for (view, run) in self.runs {
                let ended = run(tasks.token());
                tasks.spawn(view, async {
                    ended.await;
                    anyhow::Ok(())
                });
            }
            info!(address = %self.address, ?views, "projector-redis listens");
            tasks.finish(DRAIN_TIMEOUT + Duration::from_secs(1)).await
        })
    }
}

/// Key spaces, one for each view, in one Redis. Each has a connection of its own.
struct KeySpaces(RedisConfig);

impl Stores for KeySpaces {
    const KIND: ReadStore = ReadStore::Redis;
    type Rows = RedisRows;

    fn rows(&self, view: ViewVersion) -> Result<RedisRows, StoreError> {
        RedisRows::new(self.0.url.expose_secret(), &self.0.prefix, view)
    }
}
