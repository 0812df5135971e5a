//! The process manager as a process.

use process_manager::{Config, ProcessManager};
use service_runtime::{Shutdown, config, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = config::parse("process-manager", "0.0.0.0:8086");
    let _telemetry = telemetry::init("process-manager", &config.telemetry)?;
    let shutdown = Shutdown::on_signal();
    let manager = ProcessManager::build(config).await?;
    manager.run(shutdown.token()).await
}
