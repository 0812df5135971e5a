//! The real Redis projector, as its `main` starts it.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::net::SocketAddr;
use std::time::Duration;

use http_api::{AuthConfig, OperatorConfig};
use kernel::{Context, ContextVisitor, Lane};
use messaging::{Connection, TopicSpec, Topics};
use projection::BuildsConfig;
use projector_redis::{Config, ProjectorRedis};
use read_store::RedisReader;
use service_runtime::CancellationToken;
use service_runtime::config::{
    KafkaConfig, KafkaSecurityConfig, ListenConfig, LogServiceConfig, ParkingConfig, RedisConfig,
    RegistryConfig, TelemetryConfig, TrustConfig,
};
use test_servers::TestKafka;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(120);
const SECRET: &str = "a key for these tests and nothing else";

fn config(kafka: &TestKafka, redis: &str) -> Config {
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
        redis: RedisConfig { url: redis.into(), prefix: kafka.prefix.clone() },
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
        service_runtime::telemetry::init("projector-redis", &TelemetryConfig::default()).unwrap();
    let projector = ProjectorRedis::build(config).await.unwrap();
    let (address, token) = (projector.address(), CancellationToken::new());
    let task = tokio::spawn(projector.run(token.clone()));
    Running { address, token, task }
}

impl Running {
    async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
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

/// The contexts that are shipped.
#[derive(Default)]
struct Shipped(Vec<&'static str>);

impl ContextVisitor for Shipped {
    fn context<C: Context>(&mut self) {
        self.0.push(C::NAME);
    }
}

async fn make_topics(kafka: &TestKafka) {
    let topics = Topics::new(&Connection::new(&kafka.brokers), PATIENCE).unwrap();
    let mut shipped = Shipped::default();
    shipped_contexts::visit(&mut shipped);
    for context in shipped.0 {
        let name = format!("{}.{context}.events", kafka.prefix);
        let topic = TopicSpec { name, partitions: 3, replication: 1, config: Vec::new() };
        topics.ensure(&topic).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_ready_when_each_lane_is_followed_and_each_lane_then_serves() {
    let (kafka, redis) = (test_servers::kafka(), test_servers::redis());
    let running = start(config(&kafka, &redis.url)).await;
    running.until_readyz("the relay makes it").await;
    assert!(running.get("/healthz").await.starts_with("HTTP/1.1 200"));
    make_topics(&kafka).await;
    running.until_readyz("200 OK").await;
    let reader = RedisReader::new(&redis.url, &kafka.prefix).unwrap();
    let serve = async {
        for lane in (0..3).map(Lane::new) {
            while reader.reflects("product-details", lane).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, serve).await.unwrap();
    let metrics = running.get("/metrics").await;
    let stopped = r#"twofold_projection_stopped{view="product-details",build="1",store="redis",lane="0"} 0"#;
    assert!(metrics.contains(stopped), "{metrics}");
    assert!(running.get("/openapi.json").await.contains("Twofold projector"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_starts_with_nothing_there_and_says_what_it_waits_for() {
    let kafka = TestKafka { brokers: "127.0.0.1:1".to_owned(), prefix: "nobody".to_owned() };
    let running = start(config(&kafka, "redis://user:secret@127.0.0.1:1")).await;
    running.until_readyz("the store is not available").await;
    let readiness = running.get("/readyz").await;
    assert!(readiness.starts_with("HTTP/1.1 503") && !readiness.contains("secret"), "{readiness}");
    assert!(readiness.contains("product-details"), "each view has its line: {readiness}");
    running.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_and_a_wrong_url_stop_the_start() {
    let kafka = test_servers::kafka();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut wrong = config(&kafka, "redis://127.0.0.1:1");
    wrong.listen.listen = taken.local_addr().unwrap();
    let error = ProjectorRedis::build(wrong).await.err().unwrap();
    assert!(error.to_string().contains("is taken"), "{error}");
    let error = ProjectorRedis::build(config(&kafka, "mysql://user:secret@x")).await.err().unwrap();
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}
