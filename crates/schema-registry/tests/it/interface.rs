//! The interface as any tool speaks it: plain HTTP.

use reqwest::{Method, StatusCode};
use schema_registry::{Config, RegistryDatabaseConfig, SchemaRegistry};
use serde_json::{Value, json};
use service_runtime::CancellationToken;
use service_runtime::config::{ListenConfig, TelemetryConfig};
use test_servers::TestDatabase;
use uuid::Uuid;

/// The environment's name for the URL of an existing registry.
const EXISTING: &str = "TWOFOLD_TEST_REGISTRY_URL";

/// A registry that runs for one test.
pub(crate) struct Own {
    pub(crate) url: String,
    stop: CancellationToken,
}

impl Own {
    pub(crate) async fn on(database: &TestDatabase) -> Self {
        let config = Config {
            listen: ListenConfig::at("127.0.0.1:0".parse().unwrap()),
            database: RegistryDatabaseConfig { url: database.url().into(), pool_max: 4 },
            telemetry: TelemetryConfig::default(),
        };
        let service = SchemaRegistry::build(config).await.unwrap();
        let url = format!("http://{}", service.address());
        let stop = CancellationToken::new();
        tokio::spawn(service.run(stop.clone()));
        Self { url, stop }
    }

    pub(crate) async fn ready(&self) {
        let ready = async {
            while !reqwest::get(format!("{}/readyz", self.url)).await.unwrap().status().is_success() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), ready)
            .await
            .expect("the registry is not ready");
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The registries that the contract is asked of.
pub(crate) async fn registries() -> Vec<(Asker, Option<Own>)> {
    let own = Own::on(&TestDatabase::create().await).await;
    own.ready().await;
    let mut registries = vec![(Asker::new(&own.url), Some(own))];
    if let Ok(existing) = std::env::var(EXISTING) {
        registries.push((Asker::new(&existing), None));
    }
    registries
}

/// Asks a registry about subjects that no other test uses.
pub(crate) struct Asker {
    pub(crate) url: String,
    http: reqwest::Client,
    prefix: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) media_type: String,
    pub(crate) body: Value,
}

impl Asker {
    pub(crate) fn new(url: &str) -> Self {
        let prefix = format!("test-{}", Uuid::new_v4().simple());
        Self { url: url.trim_end_matches('/').to_owned(), http: reqwest::Client::new(), prefix }
    }

    pub(crate) fn subject(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A record that no other test has, with these fields.
    pub(crate) fn record(&self, fields: &str) -> String {
        let namespace = self.prefix.replace('-', "_");
        format!(r#"{{"type":"record","name":"R","namespace":"{namespace}","fields":[{fields}]}}"#)
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.header("content-type", wire::MEDIA_TYPE).body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let text = answer.text().await.unwrap();
        Answer { status, media_type, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, schema: &str) -> Answer {
        self.ask(Method::POST, path, Some(json!({ "schema": schema }))).await
    }

    pub(crate) async fn put_level(&self, path: &str, level: &str) -> Answer {
        self.ask(Method::PUT, path, Some(json!({ "compatibility": level }))).await
    }

    pub(crate) async fn register(&self, subject: &str, schema: &str) -> i64 {
        let answer = self.post(&format!("/subjects/{subject}/versions"), schema).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body["id"].as_i64().unwrap()
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: i64) {
        assert_eq!((self.status.as_u16(), &self.body["error_code"]), (status, &json!(code)), "{}", self.body);
        assert!(self.body["message"].is_string());
        assert!(self.media_type.starts_with(wire::MEDIA_TYPE), "{}", self.media_type);
    }

    #[track_caller]
    pub(crate) fn says(&self, expected: &Value) {
        assert_eq!((self.status.as_u16(), &self.body), (200, expected));
        assert!(self.media_type.starts_with(wire::MEDIA_TYPE), "{}", self.media_type);
    }
}
