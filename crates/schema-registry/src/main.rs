//! The schema registry as a process.

use schema_registry::{Config, SchemaRegistry};
use service_runtime::{Shutdown, config, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = config::parse("schema-registry", "0.0.0.0:8081");
    let _telemetry = telemetry::init("schema-registry", &config.telemetry)?;
    let shutdown = Shutdown::on_signal();
    let service = SchemaRegistry::build(config).await?;
    service.run(shutdown.token()).await
}
