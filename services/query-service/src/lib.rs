//! Answers queries over HTTP from the read models.
//!
//! ```text
//! open, views missing ──found──► open ──token──► draining ──answered, live streams ended, or the deadline──► done
//! ```
//!
//! It writes nothing: killed at any moment, it loses the answers that were on their way. It does not need its stores
//! to be there: without Postgres, lists are answered 503; without Redis, what Redis would have answered comes from
//! Postgres. Every answer says in `Twofold-Sequence` what it reflects, read in the same statement as its data.
//!
//! Each context has a module with its routes (`catalog`, `travel`) and its SQL in `queries/<context>/`. What queries have in
//! common is here: `asked` (who asks, and for how fresh an answer), `stores` (where rows are read), `answer`,
//! `listing` (pages), `live` (streams of changes), `past` (resources as they were), `beside` (rows of another context)
//! and `processes` (what the process-manager says).

mod accounts;
mod answer;
mod api;
mod asked;
mod beside;
mod catalog;
mod config;
mod listing;
mod live;
mod orders;
mod past;
mod processes;
#[cfg(feature = "seeded-bugs")]
mod seeded_bugs;
mod stores;
mod telemetry;
mod travel;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use http_api::{Authenticator, Limits, surface};
use service_runtime::{
    CancellationToken, DRAIN_TIMEOUT, Health, Listener, ServiceFuture, Tasks, bind, serve,
};
use tracing::info;

use api::{Api, App};
pub use config::{Config, ProcessManagerConfig};
use live::Streams;
use past::Past;
use processes::Processes;
use stores::Stores;

/// A query-service that has its port and waits to be run.
#[derive(Debug)]
pub struct QueryService {
    listener: Listener,
    address: SocketAddr,
    authenticator: Authenticator,
    stores: Stores,
    streams: Streams,
    processes: Processes,
    past: Past,
    health: Health,
}

impl QueryService {
    /// Checks the configuration and opens the port. Does not need the stores to be there.
    pub fn build(config: Config) -> ServiceFuture<Self> {
        Box::pin(async move {
            let authenticator =
                Authenticator::over(config.trust.http_client()?, &config.auth, &config.rates)?;
            let health = Health::new();
            let stores = Stores::new(&config.views, &config.redis, config.inline_url.as_ref(), &health)?;
            let streams = Streams::new(config.live_streams_max, config.live_streams_per_tenant_max);
            let processes = Processes::new(config.trust.http_client()?, &config.processes)?;
            let past = Past::new(config.trust.http_client()?, &config.log_service.url)?;
            let listener = bind(&config.listen).await?;
            let address = listener.local_addr().context("find the port that was opened")?;
            Ok(Self { listener, address, authenticator, stores, streams, processes, past, health })
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `token` is cancelled, then drains: live streams end, requests in flight are answered.
    pub fn run(self, token: CancellationToken) -> ServiceFuture<()> {
        Box::pin(async move {
            let Self { listener, address, authenticator, stores, streams, processes, past, health } = self;
            health.unready_when(&token);
            let mut tasks = Tasks::new(&token);
            let stop = tasks.token();
            let app =
                App { authenticator, stores: stores.clone(), streams, processes, past, stop: stop.clone() };
            tasks.spawn("http", serve(listener, router(app, health), stop.clone(), DRAIN_TIMEOUT));
            tasks.spawn("redis watch", stores.clone().watch_redis(stop.clone()));
            tasks.spawn("postgres watch", stores.clone().watch_postgres(stop.clone()));
            tasks.spawn("inline watch", stores.clone().watch_inline(stop));
            info!(%address, "query-service listens");
            let ended = tasks.finish(DRAIN_TIMEOUT + Duration::from_secs(1)).await;
            stores.close().await;
            ended
        })
    }
}

/// Everything it answers. A new context is one line here.
fn router(app: App, health: Health) -> Router {
    let mut api = Api::new();
    catalog::add_to(&mut api);
    accounts::add_to(&mut api);
    orders::add_to(&mut api);
    travel::add_to(&mut api);
    let (routes, open_api) = api.into_parts();
    surface(routes.with_state(app), &open_api, health, Limits::default())
}

#[cfg(test)]
mod tests;
