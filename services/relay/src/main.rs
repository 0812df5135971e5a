//! The relay as a process.

use relay::{Config, Relay};
use service_runtime::{Shutdown, config, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = config::parse("relay", "0.0.0.0:8083");
    let _telemetry = telemetry::init("relay", &config.telemetry)?;
    let shutdown = Shutdown::on_signal();
    let relay = Relay::build(config).await?;
    relay.run(shutdown.token()).await
}
