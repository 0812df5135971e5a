//! `twofold up`: everything on this machine, in this process and its children.
//!
//! ```text
//! folder held ─► ports free ─► servers answer ─► databases there ─► services run ─► ready ──signal──► services
//! drained ─► servers stopped
//! ```
//!
//! Whatever goes wrong on the way, what was started before is stopped. A server that ends by itself is started
//! again on its data; services meanwhile wait for it, as they do everywhere.

use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use http_api::AuthConfig;
use kernel::ContextVisitor;
use local_servers::{Broker, Home, Port, Servers, Wanted};
use service_runtime::config::{ExposeSecret, SecretString, TelemetryConfig, TracesConfig};
use service_runtime::{CancellationToken, Shutdown, telemetry};
use tokio::task::JoinHandle;
use tracing::{error, info};

use crate::home::{HomeArgs, System, key_for};
use crate::servers::BrokerChoice;

mod banner;
mod databases;
mod demo;
mod ready;
mod services;

use services::{Addresses, Services};

/// How often servers that end by themselves are started again before `up` gives up.
const RESTARTS_MAX: u32 = 10;
/// How long services have to drain; a second longer than they give themselves.
const DRAIN: Duration = Duration::from_secs(22);

/// What to run, and on what.
#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// Erase the local servers' data first.
    #[arg(long, conflicts_with_all = ["postgres_url", "redis_url", "kafka"])]
    fresh: bool,
    /// Load a demo data set, the same every time: three shops and a journey.
    #[arg(long, conflicts_with = "jwks_url")]
    demo: bool,
    /// Use this Postgres instead of a local one; the databases twofold_log, twofold_views, twofold_registry
    /// and twofold_processes are made in it.
    #[arg(long, value_name = "URL", env = "TWOFOLD_UP_POSTGRES_URL", hide_env_values = true)]
    postgres_url: Option<SecretString>,
    /// Use this Redis instead of a local one.
    #[arg(long, value_name = "URL", env = "TWOFOLD_UP_REDIS_URL", hide_env_values = true)]
    redis_url: Option<SecretString>,
    /// Use this Kafka instead of a local one.
    #[arg(long, value_name = "BROKERS", env = "TWOFOLD_UP_KAFKA")]
    kafka: Option<String>,
    /// Use this schema registry instead of the built-in one.
    #[arg(long, value_name = "URL", env = "TWOFOLD_UP_REGISTRY_URL", hide_env_values = true)]
    registry_url: Option<SecretString>,
    /// The local broker. Without it: the one of last time, else Kafka, else nisshi where Java cannot be had.
    #[arg(long, conflicts_with = "kafka")]
    broker: Option<BrokerChoice>,
    /// What topics begin with.
    #[arg(long, env = "TWOFOLD_TOPIC_PREFIX", default_value = "twofold", value_name = "PREFIX")]
    topic_prefix: String,
    /// What keys in Redis begin with.
    #[arg(long, env = "TWOFOLD_REDIS_PREFIX", default_value = "twofold", value_name = "PREFIX")]
    redis_prefix: String,
    #[command(flatten)]
    auth: AuthConfig,
    #[command(flatten)]
    ports: Ports,
    /// Which log lines are written to standard error, as `level` or `target=level,…`.
    #[arg(long = "log", env = "TWOFOLD_LOG", default_value = "error", value_name = "FILTER")]
    log: String,
    #[command(flatten)]
    traces: TracesConfig,
}

/// Where on 127.0.0.1 everything listens; 0 takes any free port.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Ports on 127.0.0.1, 0 for any free one")]
pub(crate) struct Ports {
    /// Commands.
    #[arg(long, default_value_t = 8080, value_name = "PORT")]
    command_port: u16,
    /// The built-in schema registry.
    #[arg(long, default_value_t = 8081, value_name = "PORT")]
    registry_port: u16,
    /// Queries.
    #[arg(long, default_value_t = 8082, value_name = "PORT")]
    query_port: u16,
    /// The relay's health and metrics.
    #[arg(long, default_value_t = 8083, value_name = "PORT")]
    relay_port: u16,
    /// The Postgres projector: operators' requests, health and metrics.
    #[arg(long, default_value_t = 8084, value_name = "PORT")]
    projector_postgres_port: u16,
    /// The Redis projector: operators' requests, health and metrics.
    #[arg(long, default_value_t = 8085, value_name = "PORT")]
    projector_redis_port: u16,
    /// The process manager: how processes stand, operators' requests, health and metrics.
    #[arg(long, default_value_t = 8086, value_name = "PORT")]
    process_manager_port: u16,
    /// The local Postgres.
    #[arg(long, default_value_t = 15432, value_name = "PORT")]
    postgres_port: u16,
    /// The local Redis.
    #[arg(long, default_value_t = 16379, value_name = "PORT")]
    redis_port: u16,
    /// The local Kafka.
    #[arg(long, default_value_t = 19092, value_name = "PORT")]
    kafka_port: u16,
}

/// Runs until a signal, or until something fails that cannot be mended.
pub(crate) async fn run(home: &HomeArgs, args: UpArgs) -> anyhow::Result<()> {
    let begun = Instant::now();
    let (filter, traces) = (args.log.clone(), args.traces.clone());
    let _telemetry = telemetry::init("twofold", &TelemetryConfig { filter, traces, ..Default::default() })?;
    let token = Shutdown::on_signal().token();
    let folder = home.folder()?;
    let held = Home::open(&folder).await?;
    if args.fresh {
        held.erase()?;
        System::forget(&folder);
    }
    services::claim_ports(&args.ports)?;
    let broker = args.broker(&folder, &held).await?;
    let servers = tokio::select! {
        started = Servers::start(&held, args.wanted(broker)) => started?,
        () = token.cancelled() => return Ok(()),
    };
    let mut up = Up { args, broker, servers, token, begun };
    let ended = up.serve(&folder, &held).await;
    up.servers.stop().await;
    ended
}

impl UpArgs {
    fn wanted(&self, broker: Option<BrokerChoice>) -> Wanted {
        let ports = &self.ports;
        Wanted {
            postgres: self.postgres_url.is_none().then_some(port(ports.postgres_port)),
            redis: self.redis_url.is_none().then_some(port(ports.redis_port)),
            broker: broker.map(|broker| (broker.into(), port(ports.kafka_port))),
        }
    }

    /// Which local broker, where there is to be one. What one of them keeps means nothing to the other.
    async fn broker(&self, folder: &Path, held: &Home) -> anyhow::Result<Option<BrokerChoice>> {
        if self.kafka.is_some() {
            return Ok(None);
        }
        let before = System::read(folder).and_then(|system| system.broker);
        match (self.broker, before) {
            (Some(asked), Some(before)) if asked != before => bail!(
                "the data in {} are of the broker {before}: start with --broker {before}, or with --fresh to \
                 begin anew without them",
                folder.display()
            ),
            (Some(asked), _) => Ok(Some(asked)),
            (None, Some(before)) => Ok(Some(before)),
            (None, None) => Ok(Some(Broker::available(held).await?.into())),
        }
    }
}

pub(crate) fn port(number: u16) -> Port {
    if number == 0 { Port::Free } else { Port::Fixed(number) }
}

/// Returns when every service is ready and, where they are wanted, the demo data are loaded.
async fn ready_with(
    demo: bool,
    addresses: &Addresses,
    auth: &AuthConfig,
) -> anyhow::Result<Option<demo::Loaded>> {
    ready::wait(addresses).await;
    if !demo {
        return Ok(None);
    }
    let secret = auth.secret()?.context("--demo needs a key to sign tokens with")?;
    demo::load(addresses, &secret).await.map(Some)
}

/// What a token may say to do everything that this system serves, but for operators' work.
fn scopes() -> String {
    struct Names(Vec<&'static str>);
    impl ContextVisitor for Names {
        fn context<C: kernel::Context>(&mut self) {
            self.0.push(C::NAME);
        }
    }
    let mut names = Names(Vec::new());
    shipped_contexts::visit(&mut names);
    let both = |name: &&str| format!("{name}:write {name}:read");
    names.0.iter().map(both).collect::<Vec<_>>().join(" ")
}

struct Up {
    args: UpArgs,
    broker: Option<BrokerChoice>,
    servers: Servers,
    token: CancellationToken,
    begun: Instant,
}

impl Up {
    async fn serve(&mut self, folder: &Path, held: &Home) -> anyhow::Result<()> {
        let mut system = self.system().await?;
        system.write(folder)?;
        let auth = self.auth(folder)?;
        let Services { tasks, stop, addresses } = services::start(&self.args, &system, &auth).await?;
        system.projectors = addresses.projectors();
        system.process_manager = addresses.process_manager();
        system.write(folder)?;
        let running = tokio::spawn(tasks.finish(DRAIN));
        let ended = self.watch(held, &system, &auth, &addresses, &stop, running).await;
        stop.cancel();
        ended
    }

    /// From the services' start to their end.
    async fn watch(
        &mut self,
        held: &Home,
        system: &System,
        auth: &AuthConfig,
        addresses: &Addresses,
        stop: &CancellationToken,
        mut running: JoinHandle<anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let mut ready = pin!(ready_with(self.args.demo, addresses, auth));
        let (mut is_ready, mut restarts) = (false, 0);
        loop {
            tokio::select! {
                ended = &mut running => return ended.context("watch over the services")?,
                () = self.token.cancelled(), if !stop.is_cancelled() => stop.cancel(),
                demo = &mut ready, if !is_ready && !stop.is_cancelled() => {
                    is_ready = true;
                    let printed = demo.and_then(|demo| {
                        banner::print(addresses, system, held, auth, self.begun.elapsed(), demo)
                    });
                    if let Err(error) = printed {
                        stop.cancel();
                        let _ = running.await;
                        return Err(error);
                    }
                }
                (which, how) = self.servers.one_ended(), if !stop.is_cancelled() => {
                    restarts += 1;
                    if let Err(error) = self.start_again(which, &how, restarts).await {
                        stop.cancel();
                        let _ = running.await;
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn start_again(&mut self, which: usize, how: &str, restarts: u32) -> anyhow::Result<()> {
        let server = &mut self.servers.running()[which];
        let name = server.name();
        if restarts > RESTARTS_MAX {
            bail!("{name} ended once more ({how}); its log is {}", server.log().display());
        }
        error!(server = name, how, "a local server ended and is started again");
        server.start_again().await.with_context(|| format!("{name} ended ({how})"))?;
        info!(server = name, "the local server is back");
        Ok(())
    }

    /// Where everything is: local servers, or those that were named.
    async fn system(&self) -> anyhow::Result<System> {
        let (args, servers) = (&self.args, &self.servers);
        let named = args.postgres_url.as_ref().map(ExposeSecret::expose_secret);
        let postgres = servers.postgres.as_deref().or(named).context("there is no Postgres")?;
        let [log_url, views_url, registry_database_url, processes_url] = databases::make(postgres).await?;
        let named = args.redis_url.as_ref().map(|url| url.expose_secret().to_owned());
        let redis_url = servers.redis.clone().or(named).context("there is no Redis")?;
        let kafka = servers.kafka.clone().or_else(|| args.kafka.clone()).context("there is no Kafka")?;
        Ok(System {
            log_url,
            views_url,
            registry_database_url,
            processes_url,
            redis_url,
            redis_prefix: args.redis_prefix.clone(),
            projectors: Vec::new(),
            process_manager: None,
            kafka,
            topic_prefix: args.topic_prefix.clone(),
            broker: self.broker,
        })
    }

    /// The keys that were named, else one that is made for this folder.
    fn auth(&self, folder: &Path) -> anyhow::Result<AuthConfig> {
        let mut auth = self.args.auth.clone();
        if auth.jwt_secret.is_none() && auth.jwt_secret_file.is_none() && auth.jwks_url.is_none() {
            auth.jwt_secret = Some(key_for(folder)?);
        }
        Ok(auth)
    }
}
