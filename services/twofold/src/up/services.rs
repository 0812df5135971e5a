//! Every service in this process.

use std::env;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use clap::{Args, Command};
use command_service::CommandService;
use http_api::AuthConfig;
use local_servers::claim_port;
use process_manager::ProcessManager;
use projector_postgres::ProjectorPostgres;
use projector_redis::ProjectorRedis;
use query_service::QueryService;
use relay::Relay;
use schema_registry::SchemaRegistry;
use service_runtime::config::ExposeSecret;
use service_runtime::{CancellationToken, Tasks};

use super::{Ports, UpArgs, port};
use crate::home::System;
use crate::servers::BrokerChoice;

/// Services that run.
pub(super) struct Services {
    pub(super) tasks: Tasks,
    /// Lets them drain.
    pub(super) stop: CancellationToken,
    pub(super) addresses: Addresses,
}

/// Where they listen.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    pub(super) commands: SocketAddr,
    pub(super) queries: SocketAddr,
    /// Whoever's it is.
    pub(super) registry_url: String,
    /// The built-in registry's, where that is used.
    registry: Option<SocketAddr>,
    pub(super) others: Vec<(&'static str, SocketAddr)>,
}

impl Addresses {
    /// The URLs of those that keep views.
    pub(super) fn projectors(&self) -> Vec<String> {
        let keeps_views = |(name, _): &&(&str, SocketAddr)| name.starts_with("projector-");
        self.others.iter().filter(keeps_views).map(|(_, address)| format!("http://{address}")).collect()
    }

    /// The URL of what runs processes.
    pub(super) fn process_manager(&self) -> Option<String> {
        let found = self.others.iter().find(|(name, _)| *name == "process-manager");
        found.map(|(_, address)| format!("http://{address}"))
    }

    pub(super) fn all(&self) -> Vec<(&'static str, SocketAddr)> {
        let mut all = self.others.clone();
        all.extend(self.registry.map(|address| ("schema-registry", address)));
        all.extend([("query-service", self.queries), ("command-service", self.commands)]);
        all
    }
}

/// Fails at once where a port is taken, before servers are started for seconds.
pub(super) fn claim_ports(ports: &Ports) -> anyhow::Result<()> {
    let wanted = [
        (ports.command_port, "command-service (--command-port)"),
        (ports.registry_port, "the schema registry (--registry-port)"),
        (ports.query_port, "query-service (--query-port)"),
        (ports.relay_port, "the relay (--relay-port)"),
        (ports.projector_postgres_port, "projector-postgres (--projector-postgres-port)"),
        (ports.projector_redis_port, "projector-redis (--projector-redis-port)"),
        (ports.process_manager_port, "process-manager (--process-manager-port)"),
        (ports.postgres_port, "postgres (--postgres-port)"),
        (ports.redis_port, "redis (--redis-port)"),
        (ports.kafka_port, "kafka (--kafka-port)"),
    ];
    for (number, whose) in wanted {
        claim_port(port(number), whose)?;
    }
    Ok(())
}

/// Opens every port and starts everything; does not wait until it is ready.
pub(super) async fn start(args: &UpArgs, system: &System, auth: &AuthConfig) -> anyhow::Result<Services> {
    let stop = CancellationToken::new();
    let mut starting = Starting { flags: flags(system), tasks: Tasks::new(&stop), others: Vec::new() };
    let ports = &args.ports;
    let (registry, registry_url) = match &args.registry_url {
        Some(url) => (None, url.expose_secret().to_owned()),
        None => {
            let config = starting.config("schema-registry", ports.registry_port)?;
            let registry = SchemaRegistry::build(config).await?;
            let address = registry.address();
            starting.spawn("schema-registry", |token| registry.run(token));
            (Some(address), format!("http://{address}"))
        }
    };
    starting.flags.push(("registry-url", registry_url.clone()));

    let mut config: command_service::Config = starting.config("command-service", ports.command_port)?;
    config.auth = auth.clone();
    let service = CommandService::build(config).await?;
    let commands = service.address();
    starting.spawn("command-service", |token| service.run(token));
    starting.flags.push(("log-service-url", format!("http://{commands}")));

    let mut config: process_manager::Config =
        starting.config("process-manager", ports.process_manager_port)?;
    config.auth = auth.clone();
    let service = ProcessManager::build(config).await?;
    starting.flags.push(("process-manager-url", format!("http://{}", service.address())));
    starting.run("process-manager", service.address(), |token| service.run(token));

    let mut config: query_service::Config = starting.config("query-service", ports.query_port)?;
    config.auth = auth.clone();
    let service = QueryService::build(config).await?;
    let queries = service.address();
    starting.spawn("query-service", |token| service.run(token));

    let service = Relay::build(starting.config("relay", ports.relay_port)?).await?;
    starting.run("relay", service.address(), |token| service.run(token));

    let mut config: projector_postgres::Config =
        starting.config("projector-postgres", ports.projector_postgres_port)?;
    config.auth = auth.clone();
    let service = ProjectorPostgres::build(config).await?;
    starting.run("projector-postgres", service.address(), |token| service.run(token));

    let mut config: projector_redis::Config =
        starting.config("projector-redis", ports.projector_redis_port)?;
    config.auth = auth.clone();
    let service = ProjectorRedis::build(config).await?;
    starting.run("projector-redis", service.address(), |token| service.run(token));

    let Starting { tasks, others, .. } = starting;
    Ok(Services { tasks, stop, addresses: Addresses { commands, queries, registry_url, registry, others } })
}

/// What each service may want to be told, under the names of its flags.
fn flags(system: &System) -> Vec<(&'static str, String)> {
    let mut flags = vec![
        ("log-url", system.log_url.clone()),
        ("views-url", system.views_url.clone()),
        ("inline-url", system.log_url.clone()),
        ("registry-database-url", system.registry_database_url.clone()),
        ("processes-url", system.processes_url.clone()),
        ("redis-url", system.redis_url.clone()),
        ("redis-prefix", system.redis_prefix.clone()),
        ("kafka", system.kafka.clone()),
        ("topic-prefix", system.topic_prefix.clone()),
    ];
    // nisshi answers a waiting fetch only when its time is up.
    if system.broker == Some(BrokerChoice::Nisshi) && env::var_os("TWOFOLD_KAFKA_PROPERTIES").is_none() {
        flags.push(("kafka-properties", "fetch.wait.max.ms=10".to_owned()));
    }
    flags
}

struct Starting {
    flags: Vec<(&'static str, String)>,
    tasks: Tasks,
    others: Vec<(&'static str, SocketAddr)>,
}

impl Starting {
    /// A service's configuration: what it needs to be told here, and for the rest its environment and defaults,
    /// as when it runs alone.
    fn config<C: Args>(&self, service: &'static str, port: u16) -> anyhow::Result<C> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let command = C::augment_args(Command::new(service).no_binary_name(true));
        let knows = |name: &str| command.get_arguments().any(|known| known.get_long() == Some(name));
        let wanted = self.flags.iter().filter(|(name, _)| knows(name));
        let mut flags: Vec<_> = wanted.map(|(name, value)| format!("--{name}={value}")).collect();
        flags.push(format!("--listen={listen}"));
        // They are on this machine's own address, and speak to each other as `up` tells them: plainly.
        let command = command.mut_args(|argument| match argument.get_id().as_str() {
            "tls_cert" | "tls_key" => argument.env(None::<&'static str>),
            _ => argument,
        });
        let matches = command.try_get_matches_from(flags).with_context(|| format!("configure {service}"))?;
        C::from_arg_matches(&matches).with_context(|| format!("configure {service}"))
    }

    fn run<F: Future<Output = anyhow::Result<()>> + Send + 'static>(
        &mut self,
        name: &'static str,
        address: SocketAddr,
        run: impl FnOnce(CancellationToken) -> F,
    ) {
        self.others.push((name, address));
        self.spawn(name, run);
    }

    fn spawn<F: Future<Output = anyhow::Result<()>> + Send + 'static>(
        &mut self,
        name: &'static str,
        run: impl FnOnce(CancellationToken) -> F,
    ) {
        let token = self.tasks.token();
        self.tasks.spawn(name, run(token));
    }
}
