//! A service with a few routes, served as services are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use http_api::{
    AuthConfig, Authenticator, Caller, Claims, Json, JsonBody, Limits, OpenApi, Operation, Problem,
    RateConfig, mint, surface,
};
use kernel::TenantId;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use service_runtime::{CancellationToken, Health, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub(crate) const SECRET: &str = "a secret for tests, at least 32 bytes long";

#[derive(Clone)]
struct State {
    authenticator: Authenticator,
    began: Arc<Notify>,
    go: Arc<Notify>,
}

impl FromRef<State> for Authenticator {
    fn from_ref(state: &State) -> Self {
        state.authenticator.clone()
    }
}

pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) client: reqwest::Client,
    pub(crate) health: Health,
    /// Notified when `/slow` has begun.
    pub(crate) began: Arc<Notify>,
    /// Lets `/slow` go on.
    pub(crate) go: Arc<Notify>,
    pub(crate) token: CancellationToken,
    pub(crate) done: JoinHandle<std::io::Result<()>>,
}

#[derive(Deserialize)]
struct Body {
    quantity: u32,
}

fn routes(state: State) -> Router {
    let slow = |axum::extract::State(state): axum::extract::State<State>| async move {
        state.began.notify_one();
        state.go.notified().await;
        "late"
    };
    Router::new()
        .route(
            "/v1/who",
            get(|caller: Caller| async move { format!("{} {}", caller.tenant, caller.actor.as_str()) }),
        )
        .route("/v1/write", post(write))
        .route("/v1/quantity", post(|Json(body): Json<Body>| async move { body.quantity.to_string() }))
        .route("/v1/length", post(|JsonBody(bytes): JsonBody| async move { bytes.len().to_string() }))
        .route("/v1/slow", get(slow))
        .route("/v1/panic", get(panics))
        .route("/v1/broken", get(|| async { Problem::internal("password=hunter2 refused by db-7") }))
        .route("/v1/away", get(|| async { Problem::unavailable("pool timed out") }))
        .with_state(state)
}

async fn write(caller: Caller) -> Result<&'static str, Problem> {
    caller.require("catalog:write")?;
    Ok("written")
}

async fn panics() -> &'static str {
    let list: [u8; 0] = [];
    let index = std::hint::black_box(3);
    if list[index..].is_empty() { "unreachable" } else { "never" }
}

pub(crate) async fn start() -> Service {
    start_rated(RateConfig::default()).await
}

pub(crate) async fn start_rated(rates: RateConfig) -> Service {
    let auth = AuthConfig::with_secret(SecretString::from(SECRET));
    start_asking(Limits::default(), Authenticator::limiting(&auth, &rates).unwrap()).await
}

pub(crate) async fn start_limited(limits: Limits) -> Service {
    start_with(limits, &AuthConfig::with_secret(SecretString::from(SECRET))).await
}

pub(crate) async fn start_with(limits: Limits, auth: &AuthConfig) -> Service {
    start_asking(limits, Authenticator::new(auth).unwrap()).await
}

async fn start_asking(limits: Limits, authenticator: Authenticator) -> Service {
    let state = State { authenticator, began: Arc::new(Notify::new()), go: Arc::new(Notify::new()) };
    let (began, go) = (Arc::clone(&state.began), Arc::clone(&state.go));
    let health = Health::new();
    let mut api = OpenApi::new("Test", "A service for tests.");
    api.tag("test", "What the tests ask for.");
    api.operation(
        &http::Method::GET,
        "/v1/who",
        Operation::new("getWho", "Who asks")
            .tag("test")
            .scope("catalog:read")
            .answer::<String>(200, "The name."),
    );
    let router = surface(routes(state), &api, health.clone(), limits);
    let listener =
        bind(&service_runtime::config::ListenConfig::at("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let address = listener.local_addr().unwrap();
    let token = CancellationToken::new();
    let done = tokio::spawn(serve(listener, router, token.clone(), Duration::from_secs(30)));
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
    Service { address, client, health, began, go, token, done }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    /// The problem without its `instance`, after checking all that problems have in common.
    pub(crate) fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        let mut problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["instance"], self.header("x-request-id"));
        problem.as_object_mut().unwrap().remove("instance");
        problem
    }
}

impl Service {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.client.get(self.url(path))).await
    }

    pub(crate) async fn get_as(&self, path: &str, token: &str) -> Answer {
        Answer::of(self.client.get(self.url(path)).bearer_auth(token)).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        Answer::of(self.client.post(self.url(path)).header("content-type", content_type).body(body)).await
    }

    /// Sends these bytes and reads until the service closes the connection.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    pub(crate) async fn stop(self) {
        self.token.cancel();
        self.done.await.unwrap().unwrap();
    }
}

/// A token for this tenant and scope, good for a minute.
pub(crate) fn token(tenant: &str, scope: &str) -> String {
    let tenant = TenantId::new(tenant).unwrap();
    mint(&SecretString::from(SECRET), &Claims::new(&tenant, "ada", scope, Duration::from_secs(60))).unwrap()
}
