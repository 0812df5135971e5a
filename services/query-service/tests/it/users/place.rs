//! A place where commands are taken and queries answered, over one log.

use std::net::SocketAddr;
use std::time::Duration;

use command_service::{CommandService, OnceConfig, SignInConfig};
use http_api::{AuthConfig, Claims, auth::generate_secret, mint};
use serde_json::{Value, json};
use service_runtime::CancellationToken;
use service_runtime::config::{
    ChangedViewsConfig, LanesConfig, ListenConfig, LogDatabaseConfig, LogServiceConfig, SecretString,
    TelemetryConfig, TrustConfig,
};
use test_servers::{TestDatabase, TestRedis};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::{Client, Got, until};
use crate::service::{self, Service};
use crate::shop::tenant;

pub(super) const PASSWORD: &str = "correct horse battery";
pub(super) const ANOTHER_FOLD: &str = "0123456789abcdef";

/// A log, a service that takes commands and one that answers queries.
pub(super) struct Place {
    pub(super) log: TestDatabase,
    _redis: TestRedis,
    pub(super) secret: SecretString,
    pub(super) commands: SocketAddr,
    pub(super) queries: Service,
    pub(super) token: CancellationToken,
    pub(super) running: JoinHandle<anyhow::Result<()>>,
    http: reqwest::Client,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Place {
    pub(super) async fn open() -> Self {
        let (log, redis) = (TestDatabase::create().await, test_servers::redis());
        let secret = generate_secret();
        let mut config = service::config_of(TestDatabase::create().await.url(), &redis);
        config.auth = AuthConfig::with_secret(secret.clone());
        config.inline_url = Some(SecretString::from(log.url()));
        let (commands, token, running) = commands_on(&log, &secret, ChangedViewsConfig::default()).await;
        config.log_service = LogServiceConfig { url: format!("http://{commands}") };
        let queries = service::start(config).await;
        let place = Self {
            log,
            _redis: redis,
            secret,
            commands,
            queries,
            token,
            running,
            http: reqwest::Client::new(),
        };
        place.is_ready().await;
        place
    }

    pub(super) async fn is_ready(&self) {
        let client = Client::new(self.commands, None);
        until(&client, "/readyz", |got| got.status == 200).await;
    }

    /// The command-service ends and another one takes its place.
    pub(super) async fn restart_commands(&mut self) {
        self.stop_commands().await;
        let config = ChangedViewsConfig::default();
        (self.commands, self.token, self.running) = commands_on(&self.log, &self.secret, config).await;
        self.is_ready().await;
    }

    pub(super) async fn stop_commands(&mut self) {
        self.token.cancel();
        (&mut self.running).await.unwrap().unwrap();
    }

    /// The rows are the work of another fold.
    pub(super) async fn release_of_another_fold_was_here(&self, pool: &sqlx::PgPool) {
        let changed = sqlx::query("UPDATE inline_views SET fold = $1").bind(ANOTHER_FOLD);
        changed.execute(pool).await.unwrap();
    }

    fn bearer(&self, name: &str, scope: &str) -> String {
        mint(&self.secret, &Claims::new(&tenant(name), "tester", scope, Duration::from_secs(600))).unwrap()
    }

    pub(super) async fn send(&self, name: &str, command: &str, body: Value) -> (u16, Value, Option<String>) {
        let answer = self
            .http
            .post(format!("http://{}/v1/accounts/{command}", self.commands))
            .bearer_auth(self.bearer(name, "accounts:write"))
            .json(&body)
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let sequence = answer.headers().get("twofold-sequence").map(|it| it.to_str().unwrap().to_owned());
        (status, answer.json().await.unwrap(), sequence)
    }

    pub(super) async fn done(&self, name: &str, command: &str, body: Value) -> String {
        let (status, body, sequence) = self.send(name, command, body).await;
        assert!((200..300).contains(&status), "{command}: {status} {body}");
        sequence.unwrap()
    }

    pub(super) async fn registers(&self, tenant: &str, id: Uuid, name: &str) -> String {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        let body = json!({ "user_id": id, "email": email, "name": name, "password": PASSWORD });
        self.done(tenant, "register-user", body).await
    }

    pub(super) async fn follows(&self, tenant: &str, user: Uuid, followed: Uuid) -> String {
        self.done(tenant, "follow-user", json!({ "user_id": user, "followed_id": followed })).await
    }

    pub(super) fn client(&self, name: &str) -> Client {
        self.queries.client_with(name, "accounts:read")
    }

    pub(super) async fn user(&self, name: &str, id: Uuid) -> Got {
        self.client(name).get(&user(id)).await
    }

    pub(super) async fn list(&self, name: &str, query: &str) -> Got {
        self.client(name).get(&format!("/v1/accounts/users?{query}")).await.ok()
    }
}

pub(super) async fn commands_on(
    log: &TestDatabase,
    secret: &SecretString,
    views: ChangedViewsConfig,
) -> (SocketAddr, CancellationToken, JoinHandle<anyhow::Result<()>>) {
    let config = command_service::Config {
        listen: ListenConfig::at(SocketAddr::from(([127, 0, 0, 1], 0))),
        log: LogDatabaseConfig { url: SecretString::from(log.url()), pool_max: 8 },
        lanes: LanesConfig::default(),
        auth: AuthConfig::with_secret(secret.clone()),
        rates: http_api::RateConfig::default(),
        audit: command_service::AuditConfig::default(),
        once: OnceConfig::default(),
        sign_in: SignInConfig::default(),
        views,
        warm_mib: 32,
        trust: TrustConfig::default(),
        telemetry: TelemetryConfig { filter: "off".to_owned(), ..TelemetryConfig::default() },
    };
    let service = CommandService::build(config).await.unwrap();
    let (address, token) = (service.address(), CancellationToken::new());
    (address, token.clone(), tokio::spawn(service.run(token)))
}

pub(super) fn user(id: Uuid) -> String {
    format!("/v1/accounts/users/{id}")
}
