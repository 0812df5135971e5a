//! What is there in the end: every log, every topic, and what the command line says of the views.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rdkafka::Message as _;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Headers as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use crate::history::Micros;
use crate::system::{LANES, System, TOPICS};

/// A topic that says nothing for so long is away.
const SILENCE: Duration = Duration::from_secs(60);
/// In front of every body on a topic.
const FRAME: usize = 5;

/// A log's name, context and lane.
pub(crate) type LogName = (String, u16);

/// An event of a log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) sequence: u64,
    pub(crate) tenant: String,
    pub(crate) stream: String,
    pub(crate) version: u64,
    pub(crate) event_type: String,
    pub(crate) id: Uuid,
    pub(crate) correlation: Uuid,
    pub(crate) actor: String,
    pub(crate) recorded: Micros,
    pub(crate) chain: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    /// What it says, as the command line reads it.
    pub(crate) data: Value,
}

/// A record of a topic. One that says no sequence is none of the relay's.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Record {
    pub(crate) offset: i64,
    pub(crate) key: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed {
    /// Each log's events, in their order.
    pub(crate) logs: BTreeMap<LogName, Vec<Event>>,
    /// The head that each log says it has.
    pub(crate) heads: BTreeMap<LogName, u64>,
    pub(crate) topics: BTreeMap<LogName, Vec<Record>>,
    /// `twofold verify log` and `twofold verify views --all`: whether all is well, and what was told.
    pub(crate) verified: Vec<(String, bool, String)>,
    /// What is parked still.
    pub(crate) parked: Vec<String>,
}

impl Observed {
    pub(crate) async fn read(system: &System) -> anyhow::Result<Self> {
        let pool = PgPool::connect(&system.log_url).await?;
        let mut observed = Self { logs: logs(system, &pool).await?, ..Self::default() };
        for row in sqlx::query("SELECT context, lane, sequence FROM logs").fetch_all(&pool).await? {
            observed.heads.insert(log_name(&row)?, number(row.try_get("sequence")?)?);
        }
        pool.close().await;
        for log in observed.logs.keys() {
            let (brokers, log) = (system.brokers.clone(), log.clone());
            let name = log.clone();
            let records = tokio::task::spawn_blocking(move || topic(&brokers, &log)).await??;
            observed.topics.insert(name, records);
        }
        for arguments in [vec!["verify", "log"], vec!["verify", "views", "--all"]] {
            let (succeeded, told) = system.twofold(&arguments).await?;
            observed.verified.push((arguments.join(" "), succeeded, told));
        }
        let parked = system.told(&["dead-letters", "list", "--json"]).await?;
        observed.parked = parked.lines().map(str::to_owned).collect();
        Ok(observed)
    }
}

async fn logs(system: &System, pool: &PgPool) -> anyhow::Result<BTreeMap<LogName, Vec<Event>>> {
    let mut said: HashMap<Uuid, Value> = HashMap::new();
    for line in system.told(&["events", "tail", "--lines", "100000000"]).await?.lines() {
        let mut event: Value = serde_json::from_str(line).context("a line of events tail")?;
        let id = event["id"].as_str().context("an event without an id")?.parse()?;
        said.insert(id, event["data"].take());
    }
    let events = "SELECT logs.context, logs.lane, events.*, tenants.tenant FROM events
                  JOIN logs USING (log_id) JOIN tenants ON tenants.tenant_id = events.tenant_id
                  ORDER BY logs.context, logs.lane, events.sequence";
    let mut logs: BTreeMap<LogName, Vec<Event>> = BTreeMap::new();
    for row in sqlx::query(events).fetch_all(pool).await? {
        let id: Uuid = row.try_get("id")?;
        logs.entry(log_name(&row)?).or_default().push(Event {
            sequence: number(row.try_get("sequence")?)?,
            tenant: row.try_get("tenant")?,
            stream: row.try_get("stream")?,
            version: number(row.try_get("version")?)?,
            event_type: row.try_get("type")?,
            id,
            correlation: row.try_get("correlation_id")?,
            actor: row.try_get("actor")?,
            recorded: row.try_get("recorded_at")?,
            chain: row.try_get("chain")?,
            payload: row.try_get("payload")?,
            data: said.remove(&id).unwrap_or_default(),
        });
    }
    Ok(logs)
}

fn log_name(row: &sqlx::postgres::PgRow) -> anyhow::Result<LogName> {
    Ok((row.try_get("context")?, row.try_get::<i32, _>("lane")?.try_into()?))
}

fn number(number: i64) -> anyhow::Result<u64> {
    Ok(number.try_into()?)
}

/// All records of a partition, in their order.
fn topic(brokers: &str, (context, lane): &LogName) -> anyhow::Result<Vec<Record>> {
    if *lane >= LANES {
        bail!("{context} has a lane {lane}");
    }
    let topic = format!("{TOPICS}.{context}.events");
    let partition = i32::from(*lane);
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "trial-reads-all")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()?;
    let mut places = TopicPartitionList::new();
    places.add_partition_offset(&topic, partition, Offset::Beginning)?;
    consumer.assign(&places)?;
    let mut records: Vec<Record> = Vec::new();
    loop {
        match consumer.poll(SILENCE) {
            Some(Ok(message)) => records.push(record(&message)),
            Some(Err(KafkaError::PartitionEOF(_))) => {
                return Ok(records);
            }
            Some(Err(error)) => return Err(error).with_context(|| format!("{topic}/{partition}")),
            None => bail!("{topic}/{partition} says nothing after {} records", records.len()),
        }
    }
}

fn record(message: &rdkafka::message::BorrowedMessage<'_>) -> Record {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = message.headers().map(|headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.map(text).unwrap_or_default()))
    });
    Record {
        offset: message.offset(),
        key: message.key().map(text).unwrap_or_default(),
        headers: headers.map(Iterator::collect).unwrap_or_default(),
        body: message.payload().and_then(|value| value.get(FRAME..)).unwrap_or_default().to_vec(),
    }
}
