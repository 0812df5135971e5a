//! Measures Twofold against its yardsticks: both sides in one run, on one machine, durability on.
//!
//! `./scripts/bench commands | lag | sustained | inline | relay | rebuild`. Figures of one run are comparable with each other and
//! with nothing else; every result says its conditions, and is kept as JSON under `target/bench`.

mod backlog;
mod bare_consumer;
mod bare_producer;
mod commands;
mod connection;
mod hand_written;
mod inline;
mod lag;
mod load;
mod rebuild;
mod relay;
mod report;
mod shop;
mod sustained;
mod system;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use clap::{Parser, Subcommand};
use service_runtime::Shutdown;

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures Twofold against its yardsticks, in one run")]
struct Arguments {
    #[command(subcommand)]
    measure: Measure,
}

#[derive(Debug, Subcommand)]
enum Measure {
    /// Commands a second over HTTP, beside the same command written by hand.
    Commands(commands::Options),
    /// From the acknowledgement of a command to its appearance in a query.
    Lag(lag::Options),
    /// The rate that everything together carries without falling behind.
    Sustained(sustained::Options),
    /// What an inline view costs an append, beside the same append without rows.
    Inline(inline::Options),
    /// A backlog drained to Kafka, beside librdkafka's bare producer.
    Relay(relay::Options),
    /// A view built anew from its topic, beside a bare consumer that decodes and counts.
    Rebuild(rebuild::Options),
    /// What is measured by `rebuild`: a projector of product details alone.
    #[command(hide = true)]
    Keep(rebuild::Keep),
    /// The yardstick itself: a server with the same command written by hand.
    #[command(hide = true)]
    HandWritten {
        /// The database.
        #[arg(long, env = "BENCH_HAND_WRITTEN_URL", hide_env_values = true)]
        database_url: String,
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().measure {
        Measure::Commands(options) => on_one_thread(commands::run(options)),
        Measure::Lag(options) => on_one_thread(lag::run(options)),
        Measure::Sustained(options) => on_one_thread(sustained::run(options)),
        Measure::Inline(options) => on_one_thread(inline::run(options)),
        Measure::Relay(options) => on_one_thread(relay::run(options)),
        Measure::Rebuild(options) => on_one_thread(rebuild::run(options)),
        Measure::Keep(keep) => tokio::runtime::Runtime::new()?.block_on(rebuild::keep(&keep)),
        Measure::HandWritten { database_url, listen } => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(hand_written::serve(&database_url, listen)),
    }
}

/// The load comes from one thread, so that it takes as little of the machine as it can.
fn on_one_thread(bench: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Stopped by a signal, the run is dropped, and its processes end with it.
        let stopped = Shutdown::on_signal().token();
        stopped.run_until_cancelled(bench).await.unwrap_or_else(|| bail!("stopped"))
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: u64 = text.parse().map_err(|_| "expected whole seconds".to_owned())?;
    if !(1..=3600).contains(&seconds) {
        return Err("expected 1 to 3600 seconds".to_owned());
    }
    Ok(Duration::from_secs(seconds))
}
