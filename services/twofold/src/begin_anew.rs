//! `twofold begin-anew`: a new history, after the log's database was restored from a backup that lacks its last events.

use anyhow::Context;
use relay::Anew;

use crate::home::HomeArgs;
use crate::kafka::KafkaArgs;
use crate::log::LogArgs;
use crate::output::line;

/// Of which log, on which Kafka.
#[derive(Debug, clap::Args)]
pub(crate) struct BeginAnewArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
    /// All services are stopped, and the topics of this prefix may be removed.
    #[arg(long, required = true)]
    yes: bool,
}

/// Does it, and says what was done.
pub(crate) async fn run(home: &HomeArgs, args: &BeginAnewArgs) -> anyhow::Result<()> {
    let log = args.log.open(home).await?;
    let anew = relay::begin_anew(&log, &args.kafka.config(home)?).await;
    let Anew { logs, topics } = anew.context("begin a new history")?;
    for (log, epoch, head) in logs {
        line(format_args!("{log}: epoch {epoch}, from sequence {} on", head.next()))?;
    }
    for topic in topics {
        line(format_args!("{topic}: removed; the relay makes it from the log"))?;
    }
    Ok(())
}
