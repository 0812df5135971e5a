//! `GET /v1/ops/logs…`: the log as it is, for whoever keeps something that is made of it.
//!
//! Records are answered as they are on the topic, so that one who lacks some there can check and apply them like any
//! other; the schemas that they were written with come along, so that no registry is needed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event_log::{EventLog, Head, LogError};
use http_api::{Authenticator, Caller, OPS, OpenApi, Operation, Path, Problem, ProblemType, Query};
use kernel::{Epoch, Lane, LogId, LoggedEvent, SchemaFingerprint, Sequence};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use crate::answer::json;
use crate::history;

/// Records in a page: at most, and where the reader does not say.
pub(crate) const PAGE_MOST: u16 = 500;
const PAGE: u16 = 100;
/// Bytes of payload in a page, about; with headers and as JSON it comes to some 1 MiB. At least one record is there.
const PAGE_BYTES: usize = 512 << 10;
/// Pages that are read at once. Many readers may want a log from its beginning when a topic is lost; commands need
/// the connections more.
const READS_AT_ONCE: usize = 2;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub(crate) struct Logs {
    log: EventLog,
    authenticator: Authenticator,
    /// Whether the log was found, with its tables.
    open: Arc<AtomicBool>,
    reads: Arc<Semaphore>,
}

impl FromRef<Logs> for Authenticator {
    fn from_ref(logs: &Logs) -> Self {
        logs.authenticator.clone()
    }
}

impl Logs {
    pub(crate) fn new(log: &EventLog, authenticator: Authenticator, open: Arc<AtomicBool>) -> Self {
        let log = log.answering_at_most(PAGE_BYTES);
        Self { log, authenticator, open, reads: Arc::new(Semaphore::new(READS_AT_ONCE)) }
    }

    /// The log itself, to be read when there is a turn for it.
    pub(crate) async fn reading(&self) -> Result<(&EventLog, SemaphorePermit<'_>), Problem> {
        // Closed only with the service itself.
        Ok((&self.log, self.reads.acquire().await.map_err(Problem::unavailable)?))
    }

    /// Records with their schemas.
    pub(crate) async fn listed(
        &self,
        log: &LogId,
        head: &Head,
        events: &[LoggedEvent],
    ) -> Result<LogRecords, Problem> {
        let mut schemas = BTreeMap::new();
        for event in events {
            let schema = event.event.schema;
            if let Entry::Vacant(place) = schemas.entry(fingerprint(schema)) {
                let text = self.log.schema(schema).await.map_err(problem)?;
                let text = text.ok_or_else(|| Problem::internal("the log lacks a schema of its events"))?;
                place.insert(text);
            }
        }
        let items = events.iter().map(|event| LogRecord::of(event, &head.epoch)).collect();
        Ok(LogRecords { log: LogDescription::of(log, head), items, schemas })
    }

    /// Whether the log is there.
    pub(crate) fn check_open(&self) -> Result<(), Problem> {
        if self.open.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Problem::new(ProblemType::Unavailable).detail("the log was not found yet"))
    }

    /// An operator's scope: what it opens is not bound to the token's tenant.
    fn check(&self, caller: &Caller) -> Result<(), Problem> {
        caller.require(OPS)?;
        self.check_open()
    }
}

pub(crate) fn router(logs: Logs) -> Router {
    Router::new()
        .route("/v1/ops/logs", get(heads))
        .route("/v1/ops/logs/{context}/{lane}/records", get(records))
        .route("/v1/{context}/history", get(history::of_streams))
        .with_state(logs)
}

/// Every log, by context and lane.
#[derive(Debug, Serialize, JsonSchema)]
struct LogList {
    /// The logs that were ever begun.
    items: Vec<LogDescription>,
}

/// A log and where it ends.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Log")]
struct LogDescription {
    /// Which one: `catalog/3`.
    log: String,
    /// The identity of its history.
    epoch: Uuid,
    /// The place of its last event; 0 in an empty log.
    sequence: u64,
    /// The hash chain up to and with that event, hexadecimal.
    chain: String,
    /// Up to where its topic has acknowledged it.
    published_through: u64,
}

/// Records of a log, in order.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LogRecords {
    /// Where the log ended when they were read.
    #[serde(flatten)]
    log: LogDescription,
    /// The records after the one asked for, without a gap; none where the log ends there.
    items: Vec<LogRecord>,
    /// The Avro schemas that they were written with, by fingerprint.
    schemas: BTreeMap<String, String>,
}

/// A record as it is on the topic, but for the frame with the registry's schema id.
#[derive(Debug, Serialize, JsonSchema)]
struct LogRecord {
    /// Its key.
    key: String,
    /// Its headers.
    headers: BTreeMap<&'static str, String>,
    /// When it was recorded, in milliseconds since 1970.
    timestamp: i64,
    /// The fingerprint of the schema that it was written with: a key of `schemas`.
    schema: String,
    /// The Avro body, base64.
    payload: String,
}

/// Which records.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Range {
    /// The sequence that the first record follows; the log's beginning where it is left out.
    #[serde(default)]
    after: u64,
    /// Most records to answer; large ones make it fewer.
    #[serde(default = "page")]
    #[schemars(range(min = 1, max = 500))]
    limit: u16,
}

pub(crate) fn page() -> u16 {
    PAGE
}

async fn heads(State(logs): State<Logs>, caller: Caller) -> Result<Response, Problem> {
    logs.check(&caller)?;
    let heads = logs.log.heads().await.map_err(problem)?;
    let items = heads.iter().map(|(log, head)| LogDescription::of(log, head)).collect();
    json(StatusCode::OK, &LogList { items })
}

async fn records(
    State(logs): State<Logs>,
    caller: Caller,
    Path((context, lane)): Path<(String, u16)>,
    Query(range): Query<Range>,
) -> Result<Response, Problem> {
    logs.check(&caller)?;
    if !(1..=PAGE_MOST).contains(&range.limit) {
        let detail = format!("`limit` must be from 1 to {PAGE_MOST}");
        return Err(Problem::new(ProblemType::InvalidParameter)
            .detail(detail)
            .error("limit", "out-of-range"));
    }
    if i64::try_from(range.after).is_err() {
        return Err(Problem::new(ProblemType::InvalidParameter).error("after", "out-of-range"));
    }
    let log = LogId::new(context, Lane::new(lane));
    let (reader, _reading) = logs.reading().await?;
    let head = reader.head(&log).await.map_err(problem)?;
    let after = Sequence::new(range.after);
    let events = reader.read_log(&log, after, usize::from(range.limit)).await.map_err(problem)?;
    json(StatusCode::OK, &logs.listed(&log, &head, &events).await?)
}

impl LogDescription {
    fn of(log: &LogId, head: &Head) -> Self {
        Self {
            log: log.to_string(),
            epoch: head.epoch.0,
            sequence: head.sequence.number(),
            chain: head.chain.to_string(),
            published_through: head.published_through.number(),
        }
    }
}

impl LogRecord {
    fn of(event: &LoggedEvent, epoch: &Epoch) -> Self {
        let headers = wire::headers::encode(event, epoch);
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Self {
            key: wire::record_key(&event.tenant, &event.event.stream),
            headers: headers.iter().map(|(name, value)| (*name, text(value))).collect(),
            timestamp: event.recorded_at.micros().div_euclid(1000),
            schema: fingerprint(event.event.schema),
            payload: STANDARD.encode(&event.event.payload),
        }
    }
}

fn fingerprint(schema: SchemaFingerprint) -> String {
    format!("{:016x}", schema.0)
}

pub(crate) fn problem(error: LogError) -> Problem {
    match error {
        LogError::UnknownLog(log) => {
            Problem::new(ProblemType::NotFound).detail(format!("there is no log {log}"))
        }
        error if error.is_retryable() => Problem::unavailable(error).detail("the log is not available"),
        error => Problem::internal(error),
    }
}

const ABOUT: &str = "For operators, and for services that keep something made of the log. The scope `ops` opens the \
    logs of all tenants: it is not bound to the token's tenant.";

pub(crate) fn describe(api: &mut OpenApi) {
    use axum::http::Method;

    history::describe(api);
    api.tag("ops", ABOUT);
    api.operation(
        &Method::GET,
        "/v1/ops/logs",
        Operation::new("listLogs", "Every log and where it ends")
            .description(ABOUT)
            .tag("ops")
            .scope(OPS)
            .answer::<LogList>(200, "The logs.")
            .problem(ProblemType::Unavailable),
    );
    api.operation(
        &Method::GET,
        "/v1/ops/logs/{context}/{lane}/records",
        Operation::new("readLog", "Records of a log as they are on its topic")
            .description(format!(
                "A page of records in the order of their sequences, with the schemas that they were written with. \
                 {ABOUT}"
            ))
            .tag("ops")
            .scope(OPS)
            .path_parameter::<String>("context", "The log's context: `catalog`.")
            .path_parameter::<u16>("lane", "The log's lane.")
            .query_parameters::<Range>()
            .answer::<LogRecords>(200, "The records, and where the log ends.")
            .problems(&[ProblemType::NotFound, ProblemType::Unavailable]),
    );
}
