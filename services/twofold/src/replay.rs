//! `twofold replay`: a stretch of the log on its topic once more.

use std::io::{IsTerminal, stderr};
use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context, ensure};
use kernel::{LogId, Sequence};
use relay::Replay;
use service_runtime::config::{RegistryConfig, SecretString, TrustConfig};

use crate::home::HomeArgs;
use crate::kafka::KafkaArgs;
use crate::log::{self, LogArgs};
use crate::output::line;

/// What to publish again.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    source: LogArgs,
    /// A context, or one log of it: catalog, catalog/3.
    #[arg(long, value_name = "CONTEXT[/LANE]")]
    log: Which,
    /// The first event of each log to publish. It may be at most one after what the topic holds.
    #[arg(long, value_name = "SEQUENCE")]
    from_sequence: u64,
    /// The last; where each log ends without.
    #[arg(long, value_name = "SEQUENCE")]
    to: Option<u64>,
    #[command(flatten)]
    kafka: KafkaArgs,
    /// Whom to believe over `https`.
    #[command(flatten)]
    trust: TrustConfig,
    /// The schema registry that gives schemas their ids on the topic.
    #[arg(
        long,
        env = "TWOFOLD_REGISTRY_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8081"
    )]
    registry_url: SecretString,
}

/// Every log of a context, or one.
#[derive(Debug, Clone)]
enum Which {
    Context(String),
    Log(LogId),
}

impl FromStr for Which {
    type Err = kernel::InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('/') { text.parse().map(Self::Log) } else { Ok(Self::Context(text.to_owned())) }
    }
}

impl Which {
    fn takes(&self, log: &LogId) -> bool {
        match self {
            Self::Context(context) => *log.context == **context,
            Self::Log(wanted) => wanted == log,
        }
    }
}

/// Publishes, one log after the other, and prints a line for each.
pub(crate) async fn run(home: &HomeArgs, args: ReplayArgs) -> anyhow::Result<()> {
    let log = args.source.open(home).await?;
    let logs: Vec<LogId> =
        log::chosen(&log, &[]).await?.into_iter().filter(|log| args.log.takes(log)).collect();
    ensure!(!logs.is_empty(), "nothing was ever recorded there");
    let registry = RegistryConfig { url: args.registry_url };
    let replay = Replay::new(log.clone(), &args.kafka.config(home)?, &registry, &args.trust)?;
    let (from, shows_progress) = (Sequence::new(args.from_sequence.max(1)), stderr().is_terminal());
    for id in logs {
        let head = log.head(&id).await?.sequence;
        let to = args.to.map_or(head, Sequence::new).min(head);
        if from > to {
            line(format_args!("{id}: ends at {head}, nothing to publish again"))?;
            continue;
        }
        let began = Instant::now();
        let progress = |last: Sequence| {
            if shows_progress {
                let sent = last.next().since(from);
                eprint!("\r{id}: {last} of {to}, {:.0} events/s ", rate(sent, began));
            }
        };
        let count = replay.run(&id, from, to, progress).await.with_context(|| format!("replay {id}"))?;
        if shows_progress {
            eprintln!();
        }
        let seconds = began.elapsed().as_secs_f64();
        let rate = rate(count, began);
        line(format_args!("{id}: {from} to {to}, {count} events in {seconds:.1} s, {rate:.0} events/s"))?;
    }
    replay.close().await;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no last digit")]
fn rate(events: u64, since: Instant) -> f64 {
    events as f64 / since.elapsed().as_secs_f64().max(1e-3)
}
