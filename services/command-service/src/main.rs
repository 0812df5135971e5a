//! The command-service as a process.

use command_service::{CommandService, Config};
use service_runtime::{Shutdown, config, telemetry};

fn main() -> anyhow::Result<()> {
    let config: Config = config::parse("command-service", "0.0.0.0:8080");
    let _telemetry = telemetry::init("command-service", &config.telemetry)?;
    service_runtime::runtime(command_service::THREADS_APART)?.block_on(async {
        let shutdown = Shutdown::on_signal();
        let service = CommandService::build(config).await?;
        service.run(shutdown.token()).await
    })
}
