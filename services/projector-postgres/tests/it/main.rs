//! The real Postgres projector, as its `main` starts it.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::net::SocketAddr;
use std::time::Duration;

use http_api::{AuthConfig, Claims, OperatorConfig, mint};
use kernel::{Command, Context, ContextVisitor, ReadStore, Registry, TenantId, View};
use messaging::{Connection, TopicSpec, Topics};
use projection::BuildsConfig;
use projector_postgres::{Config, ProjectorPostgres};
use service_runtime::CancellationToken;
use service_runtime::config::{
    KafkaConfig, KafkaSecurityConfig, ListenConfig, LogServiceConfig, ParkingConfig, RegistryConfig,
    TelemetryConfig, TrustConfig, ViewsDatabaseConfig,
};
use sqlx::Row as _;
use test_servers::{TestDatabase, TestKafka};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(120);
const SECRET: &str = "a key for these tests and nothing else";

fn config(kafka: &TestKafka, views: &str) -> Config {
    Config {
        listen: ListenConfig::at("127.0.0.1:0".parse().unwrap()),
        kafka: KafkaConfig {
            brokers: kafka.brokers.clone(),
            topic_prefix: kafka.prefix.clone(),
            replication: 1,
            security: KafkaSecurityConfig::default(),
            properties: Vec::new(),
        },
        registry: RegistryConfig { url: "http://127.0.0.1:1".into() },
        log_service: LogServiceConfig { url: "http://127.0.0.1:1".to_owned() },
        operator: OperatorConfig::default(),
        views: ViewsDatabaseConfig { url: views.into(), pool_max: 8 },
        parking: ParkingConfig::default(),
        auth: AuthConfig::with_secret(SECRET.into()),
        builds: BuildsConfig::default(),
        trust: TrustConfig::default(),
        telemetry: TelemetryConfig::default(),
    }
}

struct Running {
    address: SocketAddr,
    token: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

async fn start(config: Config) -> Running {
    let _telemetry =
        service_runtime::telemetry::init("projector-postgres", &TelemetryConfig::default()).unwrap();
    let projector = ProjectorPostgres::build(config).await.unwrap();
    let (address, token) = (projector.address(), CancellationToken::new());
    let task = tokio::spawn(projector.run(token.clone()));
    Running { address, token, task }
}

impl Running {
    async fn get(&self, path: &str) -> String {
        self.get_with(path, "").await
    }

    async fn get_with(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn until_readyz(&self, says: &str) {
        let look = async {
            while !self.get("/readyz").await.contains(says) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.unwrap();
    }

    async fn stop(self) {
        self.token.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }
}

/// The contexts that are shipped, and which of their views live in Postgres.
#[derive(Default)]
struct Shipped {
    contexts: Vec<&'static str>,
    views: Vec<(String, String, i32)>,
}

impl Shipped {
    fn all() -> Self {
        let mut shipped = Self::default();
        shipped_contexts::visit(&mut shipped);
        shipped.views.sort();
        shipped
    }
}

impl ContextVisitor for Shipped {
    fn context<C: Context>(&mut self) {
        self.contexts.push(C::NAME);
        C::register(self);
    }
}

impl Registry for Shipped {
    fn command<C: Command>(&mut self) {}

    fn view<V: View>(&mut self) {
        if V::STORES.contains(&ReadStore::Postgres) {
            let context = (*self.contexts.last().unwrap()).to_owned();
            self.views.push((V::NAME.to_owned(), context, i32::try_from(V::VERSION).unwrap()));
        }
    }
}

async fn make_topics(kafka: &TestKafka, contexts: &[&str]) {
    let topics = Topics::new(&Connection::new(&kafka.brokers), PATIENCE).unwrap();
    for context in contexts {
        let name = format!("{}.{context}.events", kafka.prefix);
        let topic = TopicSpec { name, partitions: 3, replication: 1, config: Vec::new() };
        topics.ensure(&topic).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_makes_the_tables_of_every_view_and_is_ready_when_each_lane_is_followed() {
    let (kafka, database) = (test_servers::kafka(), TestDatabase::create().await);
    let running = start(config(&kafka, database.url())).await;
    running.until_readyz("the relay makes it").await;
    assert!(running.get("/healthz").await.starts_with("HTTP/1.1 200"));
    let shipped = Shipped::all();
    make_topics(&kafka, &shipped.contexts).await;
    running.until_readyz("200 OK").await;
    let pool = database.pool().await;
    let views = sqlx::query("SELECT view, context, serving FROM projections ORDER BY view");
    let views = views.fetch_all(&pool).await.unwrap();
    let views: Vec<(String, String, i32)> =
        views.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    assert!(views.contains(&("product-search".to_owned(), "catalog".to_owned(), 1)));
    assert_eq!(views, shipped.views);
    let lanes_of_views = shipped.views.len() * 3;
    let began_lanes = i64::try_from(lanes_of_views).unwrap();
    let began = async {
        let lanes = "SELECT count(*) FROM serving.checkpoints";
        while sqlx::query_scalar::<_, i64>(lanes).fetch_one(&pool).await.unwrap() < began_lanes {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, began).await.unwrap();
    let metrics = running.get("/metrics").await;
    assert!(
        metrics.contains(r#"twofold_projection_stopped{view="stock",build="1",store="postgres",lane="0"} 0"#),
        "{metrics}"
    );
    assert!(running.get("/openapi.json").await.contains("Twofold projector"));
    assert!(running.get("/v1/ops/projections").await.starts_with("HTTP/1.1 401"));
    let token = |scope| {
        let claims = Claims::new(&TenantId::new("acme").unwrap(), "tester", scope, PATIENCE);
        format!("authorization: Bearer {}\r\n", mint(&SECRET.into(), &claims).unwrap())
    };
    let answer = running.get_with("/v1/ops/projections", &token("catalog:read")).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let answer = running.get_with("/v1/ops/projections", &token("ops")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for (view, context, _) in &shipped.views {
        assert!(answer.contains(&format!(r#""view":"{view}","context":"{context}","store":"postgres""#)));
    }
    assert_eq!(answer.matches(r#""state":"serving""#).count(), shipped.views.len(), "{answer}");
    let caught_up = answer.matches(r#""sequence":0,"lag_events":0,"lag_seconds":0.0"#).count();
    assert_eq!(caught_up, lanes_of_views, "{answer}");
    running.stop().await;
    // And again, on what is there already: every shape can be repeated.
    let running = start(config(&kafka, database.url())).await;
    running.until_readyz("200 OK").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_starts_with_nothing_there_and_says_what_it_waits_for() {
    let kafka = TestKafka { brokers: "127.0.0.1:1".to_owned(), prefix: "nobody".to_owned() };
    let running = start(config(&kafka, "postgres://user:secret@127.0.0.1:1/views")).await;
    running.until_readyz("the store is not available").await;
    let readiness = running.get("/readyz").await;
    assert!(readiness.starts_with("HTTP/1.1 503") && !readiness.contains("secret"), "{readiness}");
    assert!(readiness.contains("product-search"), "each view has its line: {readiness}");
    running.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_and_a_wrong_url_stop_the_start() {
    let kafka = test_servers::kafka();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut wrong = config(&kafka, "postgres://nobody@127.0.0.1:1/views");
    wrong.listen.listen = taken.local_addr().unwrap();
    let error = ProjectorPostgres::build(wrong).await.err().unwrap();
    assert!(error.to_string().contains("is taken"), "{error}");
    let error = ProjectorPostgres::build(config(&kafka, "mysql://user:secret@x")).await.err().unwrap();
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}
