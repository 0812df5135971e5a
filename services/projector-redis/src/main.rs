//! The Redis projector as a process.

use projector_redis::{Config, ProjectorRedis};
use service_runtime::{Shutdown, config, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = config::parse("projector-redis", "0.0.0.0:8085");
    let _telemetry = telemetry::init("projector-redis", &config.telemetry)?;
    let shutdown = Shutdown::on_signal();
    let projector = ProjectorRedis::build(config).await?;
    projector.run(shutdown.token()).await
}
