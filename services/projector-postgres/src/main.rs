//! The Postgres projector as a process.

use projector_postgres::{Config, ProjectorPostgres};
use service_runtime::{Shutdown, config, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = config::parse("projector-postgres", "0.0.0.0:8084");
    let _telemetry = telemetry::init("projector-postgres", &config.telemetry)?;
    let shutdown = Shutdown::on_signal();
    let projector = ProjectorPostgres::build(config).await?;
    projector.run(shutdown.token()).await
}
