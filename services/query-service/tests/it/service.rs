//! A query-service of the test's own.

use std::net::SocketAddr;
use std::time::Duration;

use http_api::{AuthConfig, Claims, auth::generate_secret, mint};
use query_service::{Config, ProcessManagerConfig, QueryService};
use service_runtime::CancellationToken;
use service_runtime::config::{
    ListenConfig, LogServiceConfig, RedisConfig, SecretString, TelemetryConfig, TrustConfig,
    ViewsDatabaseConfig,
};
use test_servers::TestRedis;
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::shop::{Shop, tenant};

/// A running service; it stops when it is dropped.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    secret: SecretString,
    token: CancellationToken,
    run: JoinHandle<anyhow::Result<()>>,
}

/// A service over the shop's rows.
pub(crate) async fn over(shop: &Shop) -> Service {
    start(config(shop)).await
}

/// What a service over the shop's rows is told.
pub(crate) fn config(shop: &Shop) -> Config {
    config_of(shop.database.url(), &shop.redis)
}

/// What a service over rows in these places is told.
pub(crate) fn config_of(views_url: &str, redis: &TestRedis) -> Config {
    Config {
        listen: ListenConfig::at(SocketAddr::from(([127, 0, 0, 1], 0))),
        views: ViewsDatabaseConfig { url: views_url.into(), pool_max: 4 },
        redis: RedisConfig { url: redis.url.as_str().into(), prefix: redis.prefix.clone() },
        processes: ProcessManagerConfig { url: "http://127.0.0.1:1".to_owned() },
        log_service: LogServiceConfig { url: "http://127.0.0.1:1".to_owned() },
        inline_url: None,
        auth: AuthConfig::with_secret(generate_secret()),
        rates: http_api::RateConfig::default(),
        trust: TrustConfig::default(),
        telemetry: TelemetryConfig { filter: "off".to_owned(), ..TelemetryConfig::default() },
        live_streams_max: 8,
        live_streams_per_tenant_max: 2,
    }
}

pub(crate) async fn start(config: Config) -> Service {
    let secret = config.auth.secret().unwrap().unwrap();
    let _telemetry = service_runtime::telemetry::init("query-service", &config.telemetry).unwrap();
    let service = QueryService::build(config).await.unwrap();
    let (address, token) = (service.address(), CancellationToken::new());
    let run = tokio::spawn(service.run(token.clone()));
    Service { address, secret, token, run }
}

impl Service {
    /// Somebody of this tenant who may read the catalog.
    pub(crate) fn client(&self, name: &str) -> Client {
        self.client_with(name, "catalog:read")
    }

    pub(crate) fn client_with(&self, name: &str, scope: &str) -> Client {
        let claims = Claims::new(&tenant(name), "tester", scope, Duration::from_secs(600));
        Client::new(self.address, Some(mint(&self.secret, &claims).unwrap()))
    }

    pub(crate) fn stranger(&self) -> Client {
        Client::new(self.address, None)
    }

    /// Asks it to stop.
    pub(crate) fn stop(&self) {
        self.token.cancel();
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(mut self) -> anyhow::Result<()> {
        let run = std::mem::replace(&mut self.run, tokio::spawn(async { Ok(()) }));
        run.await?
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.token.cancel();
    }
}
