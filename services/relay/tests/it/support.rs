//! What the tests share: a log of their own, a registry that can be switched off, a relay, and a reader of topics.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use event_log::{Append, Beside, Cursor, EventLog, Guard, Options};
use kernel::{
    Actor, EventId, EventMetadata, LogId, LoggedEvent, NewEvent, SchemaFingerprint, Sequence, StreamName,
    StreamVersion, TenantId,
};
use messaging::{Connection, IncomingRecord, PartitionReader, TopicSpec, Topics};
use relay::{Config, Relay, RelayConfig};
use serde_json::{Value, json};
use service_runtime::config::{
    KafkaConfig, KafkaSecurityConfig, LanesConfig, ListenConfig, LogDatabaseConfig, RegistryConfig,
    TelemetryConfig, TrustConfig,
};
use sqlx::PgPool;
use test_servers::{TestDatabase, TestKafka};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Longer than anything takes on a busy machine; only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const CONTEXT: &str = "things";
pub(crate) const LANES: u16 = 4;
const SCHEMA: &str = r#"{"type":"record","name":"ThingHappened","namespace":"twofold.things","fields":[]}"#;

/// A log, its Kafka and its registry.
pub(crate) struct Place {
    pub(crate) database: TestDatabase,
    pub(crate) pool: PgPool,
    pub(crate) log: EventLog,
    pub(crate) kafka: TestKafka,
    pub(crate) topics: Topics,
    pub(crate) registry: Registry,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let pool = event_log::pool(database.url().parse().unwrap(), 8);
        EventLog::migrate(&pool).await.unwrap();
        let log = EventLog::new(pool.clone(), Options { lanes: LANES, ..Options::default() });
        let schema = fingerprint();
        log.register_schemas(&[(schema, "ThingHappened", SCHEMA)]).await.unwrap();
        let kafka = test_servers::kafka();
        let topics = Topics::new(&Connection::new(&kafka.brokers), PATIENCE).unwrap();
        Self { database, pool, log, kafka, topics, registry: Registry::start().await }
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::new(&self.kafka.brokers)
    }

    pub(crate) fn topic(&self) -> String {
        wire::topic(&self.kafka.prefix, CONTEXT)
    }

    /// Appends this many events to one stream of a tenant, several in a command.
    pub(crate) async fn append(&self, tenant: &str, count: u64) -> LogId {
        let tenant = TenantId::new(tenant).unwrap();
        let mut left = count;
        while left > 0 {
            let now = left.min(100);
            let stream = StreamName::of("thing", Uuid::new_v4());
            let events = (1..=now).map(|version| event(&stream, version)).collect();
            let guards = vec![Guard { stream: stream.clone(), version: StreamVersion::ZERO }];
            let append =
                Append { stream, guards, events, claims: Vec::new(), once: None, beside: Beside::nothing() };
            self.log.append(CONTEXT, &tenant, append).await.unwrap();
            left -= now;
        }
        LogId::new(CONTEXT, self.log.lane_of(&tenant).await.unwrap())
    }

    pub(crate) async fn events(&self, log: &LogId) -> Vec<LoggedEvent> {
        let mut events: Vec<LoggedEvent> = Vec::new();
        loop {
            let after = events.last().map_or(Sequence::ZERO, |event| event.sequence);
            let page = self.log.read_log(log, after, 1000).await.unwrap();
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }

    pub(crate) async fn cursor(&self, log: &LogId) -> Cursor {
        self.log.outbox().cursor(log).await.unwrap()
    }

    /// Waits until the cursor is at this sequence.
    pub(crate) async fn published(&self, log: &LogId, through: u64) {
        let reached = async || self.cursor(log).await.published_through == Sequence::new(through);
        until(&format!("{log} is published through {through}"), reached).await;
    }

    /// Everything that the partition of a log holds.
    pub(crate) async fn records(&self, log: &LogId) -> Vec<IncomingRecord> {
        let (connection, topic) = (self.connection(), self.topic());
        let partition = i32::from(log.lane.number());
        let read = tokio::task::spawn_blocking(move || {
            let reader = PartitionReader::new(&connection, PATIENCE).unwrap();
            let mut records = Vec::new();
            let each = |record| {
                records.push(record);
                ControlFlow::Continue(())
            };
            let start = reader.range(&topic, partition).unwrap().start;
            reader.read(&topic, partition, start, each).unwrap();
            records
        });
        read.await.unwrap()
    }

    /// The sequences of what the partition holds, in its order.
    pub(crate) async fn sequences(&self, log: &LogId) -> Vec<u64> {
        self.records(log).await.iter().map(|record| header(record, "sequence").parse().unwrap()).collect()
    }

    /// How many records the partition holds.
    pub(crate) async fn count(&self, log: &LogId) -> i64 {
        let partition = i32::from(log.lane.number());
        match self.topics.offsets(&self.topic(), vec![partition]).await {
            Ok(ranges) => ranges[0].end - ranges[0].start,
            Err(_) => 0,
        }
    }

    pub(crate) async fn holds(&self, log: &LogId, count: i64) {
        until(&format!("{log} has {count} records"), async || self.count(log).await == count).await;
    }

    pub(crate) async fn delete_topic(&self) {
        self.topics.delete(&self.topic()).await.unwrap();
    }

    /// The topic is deleted, and another made under its name.
    pub(crate) async fn make_topic_anew(&self) {
        let name = self.topic();
        self.delete_topic().await;
        until("it is gone", async || self.topics.describe(&name).await.unwrap().is_none()).await;
        let spec = TopicSpec { name, partitions: i32::from(LANES), replication: 1, config: Vec::new() };
        self.topics.ensure(&spec).await.unwrap();
    }

    /// A relay for tests: quick to take over and to look.
    pub(crate) fn config(&self) -> Config {
        Config {
            listen: ListenConfig::at(SocketAddr::from(([127, 0, 0, 1], 0))),
            trust: TrustConfig::default(),
            telemetry: TelemetryConfig::default(),
            log: LogDatabaseConfig { url: self.database.url().to_owned().into(), pool_max: 4 },
            kafka: KafkaConfig {
                brokers: self.kafka.brokers.clone(),
                topic_prefix: self.kafka.prefix.clone(),
                replication: 1,
                security: KafkaSecurityConfig::default(),
                properties: Vec::new(),
            },
            registry: RegistryConfig { url: self.registry.url().into() },
            lanes: LanesConfig { lanes: LANES },
            relay: RelayConfig {
                lease_ms: 1000,
                poll_ms: 100,
                cursor_ms: 10,
                check_ms: 200,
                kafka_timeout_ms: 5000,
                ..RelayConfig::default()
            },
        }
    }

    pub(crate) async fn relay(&self) -> Running {
        Running::start(self.config()).await
    }
}

pub(crate) fn fingerprint() -> SchemaFingerprint {
    wire::fingerprint(SCHEMA).unwrap()
}

fn event(stream: &StreamName, version: u64) -> NewEvent {
    NewEvent {
        id: EventId(Uuid::new_v4()),
        event_type: "ThingHappened".into(),
        stream: stream.clone(),
        version: StreamVersion::new(version),
        schema: fingerprint(),
        payload: Bytes::from(format!("payload {version}").into_bytes()),
        metadata: EventMetadata {
            correlation_id: Uuid::new_v4(),
            causation_id: version.is_multiple_of(2).then(Uuid::new_v4),
            command_id: Uuid::new_v4(),
            actor: Actor::new("somebody"),
            traceparent: version.is_multiple_of(3).then(|| "00-4bf9-00f0-01".into()),
        },
    }
}

pub(crate) fn header(record: &IncomingRecord, name: &str) -> String {
    String::from_utf8(record.headers.get(name).expect("the header is there").to_vec()).unwrap()
}

/// A relay that runs.
pub(crate) struct Running {
    address: SocketAddr,
    token: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub(crate) async fn start(config: Config) -> Self {
        let relay = Relay::build(config).await.unwrap();
        let (address, token) = (relay.address(), CancellationToken::new());
        let task = tokio::spawn(relay.run(token.clone()));
        Self { address, token, task }
    }

    /// Tells it to stop and waits until it has.
    pub(crate) async fn stop(self) {
        self.token.cancel();
        within(self.task).await.unwrap().unwrap();
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(within(self.task).await.unwrap_err().is_cancelled());
    }

    /// Status and body of `/readyz`.
    pub(crate) async fn ready(&self) -> (u16, Value) {
        let (status, body) = self.get("/readyz").await;
        (status, serde_json::from_str(&body).unwrap())
    }

    pub(crate) async fn is_ready(&self) {
        until("the relay is ready", async || self.ready().await.0 == 200).await;
    }

    /// Waits until `/readyz` says that this is missing, and answers why.
    pub(crate) async fn misses(&self, name: &str) -> String {
        let why = Mutex::new(String::new());
        let missing = async || {
            let (status, body) = self.ready().await;
            let found =
                body["dependencies"].as_array().unwrap().iter().find(|one| one["name"] == name).cloned();
            let found = found.expect("it is named");
            *why.lock().unwrap() = found["why"].as_str().unwrap_or_default().to_owned();
            status == 503 && found["ready"] == json!(false) && found["why"] != json!("not tried yet")
        };
        until(&format!("{name} is missed"), missing).await;
        why.into_inner().unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(stream.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

/// The least of a registry: gives ids, and can be away.
#[derive(Clone)]
pub(crate) struct Registry {
    address: SocketAddr,
    state: Arc<RegistryState>,
}

#[derive(Default)]
struct RegistryState {
    away: AtomicBool,
    registered: Mutex<Vec<(String, String)>>,
}

impl Registry {
    async fn start() -> Self {
        let state = Arc::new(RegistryState::default());
        let router = Router::new()
            .route("/schemas/types", get(types))
            .route("/subjects/{subject}/versions", post(register))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, state }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn away(&self, away: bool) {
        self.state.away.store(away, Ordering::Relaxed);
    }

    /// Subject and schema of each id, from 101.
    pub(crate) fn registered(&self) -> Vec<(String, String)> {
        self.state.registered.lock().unwrap().clone()
    }
}

type Answer = Result<Json<Value>, StatusCode>;

async fn types(State(state): State<Arc<RegistryState>>) -> Answer {
    if state.away.load(Ordering::Relaxed) { Err(StatusCode::BAD_GATEWAY) } else { Ok(Json(json!(["AVRO"]))) }
}

async fn register(
    State(state): State<Arc<RegistryState>>,
    Path(subject): Path<String>,
    Json(body): Json<Value>,
) -> Answer {
    if state.away.load(Ordering::Relaxed) {
        return Err(StatusCode::BAD_GATEWAY);
    }
    let schema = (subject, body["schema"].as_str().unwrap().to_owned());
    let mut registered = state.registered.lock().unwrap();
    let place = registered.iter().position(|known| *known == schema).unwrap_or_else(|| {
        registered.push(schema);
        registered.len() - 1
    });
    Ok(Json(json!({ "id": 101 + place })))
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it took too long")
}

pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain: {what}");
}

/// 1 to `last`, each once, in order.
pub(crate) fn through(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

/// What a consumer that skips repeats applies of these, from the beginning.
pub(crate) fn applied(sequences: &[u64]) -> u64 {
    sequences.iter().fold(0, |last, sequence| if *sequence == last + 1 { *sequence } else { last })
}

/// Whether a consumer that skips repeats never misses one.
pub(crate) fn without_holes(sequences: &[u64]) -> bool {
    let mut last = 0;
    sequences.iter().all(|sequence| {
        let follows = *sequence <= last + 1;
        last = last.max(*sequence);
        follows
    })
}
