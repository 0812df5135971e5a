//! The relay alone: a backlog drained to Apache Kafka, beside a bare librdkafka producer that sends the same records.
//!
//! Both are timed in the same way, by looking at the end of the partition: from the first records on it to the
//! last. The producer goes before and after the relay, so that a machine that slows down slows both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;
use event_log::EventLog;
use kernel::{Lane, LogId, TenantId};
use local_servers::{Broker, Port, Servers, Wanted};
use messaging::{Connection, TopicSpec, Topics};
use serde_json::json;

use crate::backlog::{self, Ready};
use crate::bare_producer;
use crate::report;
use crate::system::{Process, create_database, on_servers};

/// What to drain.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Events in the backlog, all of one log.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    events: u32,
    /// How records are compressed, by both.
    #[arg(long, default_value = "lz4", value_parser = ["none", "lz4", "snappy", "gzip"])]
    compression: String,
}

/// A backlog that is not drained by then never will be.
const DEADLINE: Duration = Duration::from_secs(600);

/// How often the end of a partition is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Runs it.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let wanted =
        Wanted { postgres: Some(Port::Free), broker: Some((Broker::Kafka, Port::Free)), ..Wanted::default() };
    on_servers(wanted, async |servers| measure(&options, servers).await).await
}

async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<()> {
    let postgres = servers.postgres.as_deref().context("Postgres was not started")?;
    let brokers = servers.kafka.as_deref().context("Kafka was not started")?;
    let conditions = report::conditions(postgres).await?;
    let log_url = create_database(postgres, "twofold_log").await?;
    let registry_database = create_database(postgres, "twofold_registry").await?;
    let pool = sqlx::PgPool::connect(&log_url).await?;
    EventLog::migrate(&pool).await?;
    let log = EventLog::new(pool, event_log::Options::default());
    let tenant = TenantId::new("bench")?;
    eprintln!("filling the log with {} events", options.events);
    backlog::fill(&log, &tenant, u64::from(options.events)).await?;
    let lane = log.known_lane(&tenant).await?.context("the tenant has no lane")?;
    let log_id = LogId::new(backlog::CONTEXT, lane);
    let records: Arc<[Ready]> = backlog::records(&log, &log_id).await?.into();
    let bytes = records.iter().map(Ready::size).sum::<usize>() / records.len();

    let topics = Topics::new(&Connection::new(brokers), Duration::from_secs(10))?;
    let bare = async |topic: &'static str| bare(options, brokers, &topics, topic, &records).await;
    let before = bare("bench.bare.before").await?;
    eprintln!("bare producer {:.0}/s", before.rate());
    let registry = Process::service(
        "schema-registry",
        &[("TWOFOLD_REGISTRY_DATABASE_URL", registry_database.as_str()), ("TWOFOLD_LOG", "warn")],
    )
    .await?;
    let (relayed, peak) = relay(options, &topics, &registry, brokers, &log_url, lane).await?;
    eprintln!("relay {:.0}/s", relayed.rate());
    let after = bare("bench.bare.after").await?;
    eprintln!("bare producer {:.0}/s", after.rate());
    registry.stop().await?;
    let yardstick = f64::midpoint(before.rate(), after.rate());
    report::keep(
        "relay",
        &json!({
            "measure": "a backlog of one log drained to one partition of Apache Kafka, beside librdkafka's producer with the same keys, headers and values",
            "events": options.events,
            "record_bytes": bytes,
            "compression": options.compression,
            "conditions": conditions,
            "relay": {"per_second": relayed.rate().round(), "from_start_seconds": relayed.from_start.as_secs_f64()},
            "bare_producer": {"before_per_second": before.rate().round(), "after_per_second": after.rate().round()},
            "rate_ratio": relayed.rate() / yardstick,
            "peak_resident_mib": peak,
        }),
    )
}

/// How a partition was filled.
struct Filled {
    records: i64,
    took: Duration,
    from_start: Duration,
}

impl Filled {
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
    fn rate(&self) -> f64 {
        self.records as f64 / self.took.as_secs_f64()
    }
}

async fn bare(
    options: &Options,
    brokers: &str,
    topics: &Topics,
    topic: &'static str,
    records: &Arc<[Ready]>,
) -> anyhow::Result<Filled> {
    let made = TopicSpec { name: topic.to_owned(), partitions: 1, replication: 1, config: Vec::new() };
    topics.ensure(&made).await?;
    let (brokers, compression) = (brokers.to_owned(), options.compression.clone());
    let (records, count) = (Arc::clone(records), options.events);
    let sending = tokio::task::spawn_blocking(move || {
        bare_producer::send(&brokers, &compression, topic, &records, count)
    });
    let filled = filled(topics, topic, Lane::new(0), options.events).await?;
    sending.await??;
    Ok(filled)
}

async fn relay(
    options: &Options,
    topics: &Topics,
    registry: &Process,
    brokers: &str,
    log_url: &str,
    lane: Lane,
) -> anyhow::Result<(Filled, Vec<(&'static str, u64)>)> {
    let registry_url = format!("http://{}", registry.address);
    let environment = [
        ("TWOFOLD_LOG_URL", log_url),
        ("TWOFOLD_KAFKA", brokers),
        ("TWOFOLD_REGISTRY_URL", registry_url.as_str()),
        ("TWOFOLD_RELAY_COMPRESSION", options.compression.as_str()),
        ("TWOFOLD_LOG", "warn"),
    ];
    let topic = wire::topic("twofold", backlog::CONTEXT);
    let starting = Process::service("relay", &environment);
    let (relay, filled) = tokio::try_join!(starting, filled(topics, &topic, lane, options.events))?;
    let peak = [&relay, registry].into_iter().filter_map(Process::peak_resident).collect();
    relay.stop().await?;
    Ok((filled, peak))
}

/// Looks at the partition until it holds as many records as there are events.
async fn filled(topics: &Topics, topic: &str, lane: Lane, events: u32) -> anyhow::Result<Filled> {
    let start = Instant::now();
    let partition = i32::from(lane.number());
    let mut first: Option<(Instant, i64)> = None;
    let mut made = false;
    while start.elapsed() < DEADLINE {
        let (end, now) = (end(topics, topic, partition, &mut made).await?, Instant::now());
        if let Some((began, held)) = first {
            if end >= i64::from(events) {
                ensure!(end == i64::from(events), "{end} records of {events} events: some were sent twice");
                return Ok(Filled { records: end - held, took: now - began, from_start: now - start });
            }
        } else if end > 0 {
            first = Some((now, end));
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("{topic}: not filled within {DEADLINE:?}");
}

/// Where the next record of the partition goes. A lookup of offsets that was told once that there is no such topic
/// may go on saying so, and is not asked before there is.
async fn end(topics: &Topics, topic: &str, partition: i32, made: &mut bool) -> anyhow::Result<i64> {
    *made = *made || topics.describe(topic).await?.is_some();
    if !*made {
        return Ok(0);
    }
    match topics.offsets(topic, vec![partition]).await {
        Ok(ranges) => Ok(ranges.first().map_or(0, |range| range.end)),
        // A partition that was just made has no leader for a moment.
        Err(error) if error.is_retryable() => Ok(0),
        Err(error) => Err(error.into()),
    }
}
