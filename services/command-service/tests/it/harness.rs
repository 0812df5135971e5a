//! A command-service on a database of its own, and a client that talks to it.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use command_service::{CommandService, Config, OnceConfig, SignInConfig};
use event_log::{EventLog, Options};
use http_api::{AuthConfig, Claims, mint};
use kernel::{LoggedEvent, Sequence, StreamName, StreamVersion, TenantId};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use service_runtime::CancellationToken;
use service_runtime::config::{
    LanesConfig, ListenConfig, LogDatabaseConfig, SecretString, TelemetryConfig, TrustConfig,
};
use test_servers::TestDatabase;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub(crate) const SECRET: &str = "a secret for tests, 32 bytes or more";

/// A tenant that most tests live in.
pub(crate) const TENANT: &str = "acme";

/// A running service.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) log: EventLog,
    pub(crate) client: Client,
    token: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

/// What a service answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Service {
    /// One on a new database.
    pub(crate) async fn start() -> Self {
        Self::start_on(&TestDatabase::create().await).await
    }

    /// One on this database.
    pub(crate) async fn start_on(database: &TestDatabase) -> Self {
        let service = Self::start_at(database.url(), database).await;
        service.until_ready().await;
        service
    }

    /// One that finds its log at `url`, and a log of the tests' own that goes straight to the database.
    pub(crate) async fn start_at(url: &str, database: &TestDatabase) -> Self {
        Self::start_as(config(url), database).await
    }

    /// One that is told something else than others.
    pub(crate) async fn start_with(database: &TestDatabase, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(database.url());
        change(&mut config);
        let service = Self::start_as(config, database).await;
        service.until_ready().await;
        service
    }

    async fn start_as(config: Config, database: &TestDatabase) -> Self {
        let service = CommandService::build(config).await.unwrap();
        let (address, token) = (service.address(), CancellationToken::new());
        let running = tokio::spawn(service.run(token.clone()));
        let log = EventLog::new(database.pool().await, Options::default());
        Self { address, log, client: Client::new(), token, running }
    }

    pub(crate) async fn until_ready(&self) {
        until("the service is ready", async || {
            let answer = self.client.get(self.url("/readyz")).send().await;
            answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
        })
        .await;
    }

    /// Asks it to stop and waits until it has drained.
    pub(crate) async fn stop(mut self) {
        self.token.cancel();
        (&mut self.running).await.unwrap().unwrap();
    }

    /// Ends it where it stands.
    pub(crate) fn kill(&self) {
        self.running.abort();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request with a good token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let token = token(TENANT, "catalog:write", Duration::from_secs(600));
        self.client.request(method, self.url(path)).bearer_auth(token)
    }

    /// A command with a good token.
    pub(crate) fn command(&self, name: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, &format!("/v1/catalog/{name}")).json(body)
    }

    /// Sends a command.
    pub(crate) async fn send(&self, name: &str, body: &Value) -> Reply {
        reply(self.command(name, body)).await
    }

    /// Sends a command that is carried out.
    pub(crate) async fn done(&self, name: &str, body: &Value) -> Reply {
        let reply = self.send(name, body).await;
        assert!(reply.status.is_success(), "{name} was answered {reply:?}");
        reply
    }

    /// A category, and its id.
    pub(crate) async fn category(&self, name: &str) -> String {
        self.done("create-category", &json!({"name": name})).await.id()
    }

    /// A product in a new category, and its id.
    pub(crate) async fn product(&self, sku: &str) -> String {
        let category = self.category(&format!("for {sku}")).await;
        self.done("create-product", &product(sku, &category)).await.id()
    }

    /// The end of the tenant's log: it stands where it was as long as nothing is recorded.
    pub(crate) async fn head(&self) -> Sequence {
        self.head_of(TENANT).await
    }

    pub(crate) async fn head_of(&self, tenant: &str) -> Sequence {
        let tenant = TenantId::new(tenant).unwrap();
        let Some(lane) = self.log.known_lane(&tenant).await.unwrap() else { return Sequence::ZERO };
        let log = kernel::LogId::new("catalog", lane);
        if !self.log.logs().await.unwrap().contains(&log) {
            return Sequence::ZERO;
        }
        self.log.head(&log).await.unwrap().sequence
    }

    /// What was recorded in a stream.
    pub(crate) async fn events(&self, kind: &'static str, id: &str) -> Vec<LoggedEvent> {
        let tenant = TenantId::new(TENANT).unwrap();
        let stream = StreamName::of(kind, id.parse().unwrap());
        self.log.read_stream("catalog", &tenant, &stream, StreamVersion::ZERO, 10_000).await.unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Reply {
    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id in {self:?}")).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// It is this problem, and well-formed as such.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, slug: &str) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.body["type"], format!("/problems/{slug}"), "{self:?}");
        assert_eq!(self.body["status"], status);
        assert!(self.body["title"].is_string());
        assert_eq!(self.body["instance"].as_str(), self.header("x-request-id"));
        self
    }

    /// It refuses with this rule.
    #[track_caller]
    pub(crate) fn is_refused(&self, code: &str) {
        self.is_problem(409, "rejected");
        assert_eq!(self.body["code"], code);
    }

    /// The fields and codes that it complains about.
    pub(crate) fn errors(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = self.body["errors"].as_array().unwrap_or_else(|| panic!("no errors in {self:?}"));
        errors.iter().map(|error| (text(&error["field"]), text(&error["code"]))).collect()
    }

    #[track_caller]
    pub(crate) fn has_errors(&self, expected: &[(&str, &str)]) {
        let errors = self.errors();
        let errors: Vec<_> = errors.iter().map(|(field, code)| (field.as_str(), code.as_str())).collect();
        assert_eq!(errors, expected);
    }
}

/// Sends a request and takes the answer apart.
pub(crate) async fn reply(request: RequestBuilder) -> Reply {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Reply { status, headers, body }
}

/// A token that the service accepts.
pub(crate) fn token(tenant: &str, scope: &str, ttl: Duration) -> String {
    let claims = Claims::new(&TenantId::new(tenant).unwrap(), "tester", scope, ttl);
    mint(&SecretString::from(SECRET), &claims).unwrap()
}

/// A token that has ended.
pub(crate) fn expired_token() -> String {
    let mut claims = Claims::new(&TenantId::new(TENANT).unwrap(), "tester", "catalog:write", Duration::ZERO);
    claims.iat -= 120;
    claims.exp -= 60;
    mint(&SecretString::from(SECRET), &claims).unwrap()
}

/// A token that somebody else signed.
pub(crate) fn forged_token() -> String {
    let claims =
        Claims::new(&TenantId::new(TENANT).unwrap(), "tester", "catalog:write", Duration::from_secs(60));
    mint(&SecretString::from(SECRET.replace('a', "b")), &claims).unwrap()
}

/// The body of `create-product`.
pub(crate) fn product(sku: &str, category: &str) -> Value {
    json!({
        "sku": sku,
        "name": format!("Product {sku}"),
        "category_id": category,
        "price": {"amount": 1999, "currency": "EUR"},
    })
}

/// A new id.
pub(crate) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// Waits for something that is bound to happen.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// All of them at once.
pub(crate) async fn together<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    futures::future::join_all(futures).await
}

fn config(url: &str) -> Config {
    Config {
        listen: ListenConfig::at(SocketAddr::from(([127, 0, 0, 1], 0))),
        log: LogDatabaseConfig { url: SecretString::from(url), pool_max: 8 },
        lanes: LanesConfig::default(),
        auth: AuthConfig::with_secret(SecretString::from(SECRET)),
        rates: http_api::RateConfig::default(),
        audit: command_service::AuditConfig::default(),
        once: OnceConfig::default(),
        sign_in: SignInConfig::default(),
        views: service_runtime::config::ChangedViewsConfig::default(),
        warm_mib: 32,
        trust: TrustConfig::default(),
        telemetry: TelemetryConfig::default(),
    }
}
