//! The query-service as a process.

use query_service::{Config, QueryService};
use service_runtime::{Shutdown, config, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = config::parse("query-service", "0.0.0.0:8082");
    let _telemetry = telemetry::init("query-service", &config.telemetry)?;
    let shutdown = Shutdown::on_signal();
    let service = QueryService::build(config).await?;
    service.run(shutdown.token()).await
}
