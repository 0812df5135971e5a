//! `twofold service`: one service as this process, told by environment or flags. The same services that have
//! binaries of their own, for images and tests that want a single program.

use std::future::Future;

use command_service::CommandService;
use process_manager::ProcessManager;
use projector_postgres::ProjectorPostgres;
use projector_redis::ProjectorRedis;
use query_service::QueryService;
use relay::Relay;
use schema_registry::SchemaRegistry;
use service_runtime::config::TelemetryConfig;
use service_runtime::{CancellationToken, Shutdown, telemetry};

/// Which service.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ServiceCommand {
    /// Accepts commands over HTTP and appends their events to the log.
    #[command(mut_arg("listen", |arg| arg.required(false).default_value("0.0.0.0:8080")))]
    CommandService(Box<command_service::Config>),
    /// A small schema registry, for where there is no other.
    #[command(mut_arg("listen", |arg| arg.required(false).default_value("0.0.0.0:8081")))]
    SchemaRegistry(Box<schema_registry::Config>),
    /// Answers queries over HTTP from the read models.
    #[command(mut_arg("listen", |arg| arg.required(false).default_value("0.0.0.0:8082")))]
    QueryService(Box<query_service::Config>),
    /// Moves the log to Kafka.
    #[command(mut_arg("listen", |arg| arg.required(false).default_value("0.0.0.0:8083")))]
    Relay(Box<relay::Config>),
    /// Folds topics into view tables in Postgres.
    #[command(mut_arg("listen", |arg| arg.required(false).default_value("0.0.0.0:8084")))]
    ProjectorPostgres(Box<projector_postgres::Config>),
    /// Folds topics into view rows in Redis.
    #[command(mut_arg("listen", |arg| arg.required(false).default_value("0.0.0.0:8085")))]
    ProjectorRedis(Box<projector_redis::Config>),
    /// Runs processes: hears events, answers and timers, and sends commands.
    #[command(mut_arg("listen", |arg| arg.required(false).default_value("0.0.0.0:8086")))]
    ProcessManager(Box<process_manager::Config>),
}

impl ServiceCommand {
    /// For how many cores the service has threads of its own.
    pub(crate) fn threads_apart(&self) -> usize {
        match self {
            Self::CommandService(_) => command_service::THREADS_APART,
            _ => 0,
        }
    }
}

/// Runs it until a signal.
pub(crate) async fn run(service: ServiceCommand) -> anyhow::Result<()> {
    match service {
        ServiceCommand::CommandService(config) => {
            let telemetry = config.telemetry.clone();
            let build = CommandService::build(*config);
            until_signal("command-service", &telemetry, build, CommandService::run).await
        }
        ServiceCommand::SchemaRegistry(config) => {
            let telemetry = config.telemetry.clone();
            let build = SchemaRegistry::build(*config);
            until_signal("schema-registry", &telemetry, build, SchemaRegistry::run).await
        }
        ServiceCommand::QueryService(config) => {
            let telemetry = config.telemetry.clone();
            let build = QueryService::build(*config);
            until_signal("query-service", &telemetry, build, QueryService::run).await
        }
        ServiceCommand::Relay(config) => {
            let telemetry = config.telemetry.clone();
            let build = Relay::build(*config);
            until_signal("relay", &telemetry, build, Relay::run).await
        }
        ServiceCommand::ProjectorPostgres(config) => {
            let telemetry = config.telemetry.clone();
            let build = ProjectorPostgres::build(*config);
            until_signal("projector-postgres", &telemetry, build, ProjectorPostgres::run).await
        }
        ServiceCommand::ProjectorRedis(config) => {
            let telemetry = config.telemetry.clone();
            let build = ProjectorRedis::build(*config);
            until_signal("projector-redis", &telemetry, build, ProjectorRedis::run).await
        }
        ServiceCommand::ProcessManager(config) => {
            let telemetry = config.telemetry.clone();
            let build = ProcessManager::build(*config);
            until_signal("process-manager", &telemetry, build, ProcessManager::run).await
        }
    }
}

async fn until_signal<S, R: Future<Output = anyhow::Result<()>>>(
    name: &'static str,
    telemetry: &TelemetryConfig,
    build: impl Future<Output = anyhow::Result<S>>,
    run: impl FnOnce(S, CancellationToken) -> R,
) -> anyhow::Result<()> {
    let _telemetry = telemetry::init(name, telemetry)?;
    let shutdown = Shutdown::on_signal();
    // Boxed: services' futures are large, and only one of them is ever run.
    let service = Box::pin(build).await?;
    Box::pin(run(service, shutdown.token())).await
}
