//! Where rows are read: Postgres for everything, Redis first for what is asked by its key.
//!
//! Redis is a gate that can be closed. A Redis that answers too slowly closes it, and so does a probe that fails;
//! the probe opens it again. While it is closed nobody waits for Redis: Postgres answers.

mod fresh;
mod inline;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use http_api::{Problem, ProblemType};
use kernel::{Context, Lane, LaneToken, LogId, ReadStore, Sequence, TenantId, View};
use read_store::{PostgresReader, ReadError, ReadRow, RedisReader};
use service_runtime::config::{ExposeSecret, RedisConfig, SecretString, ViewsDatabaseConfig};
use service_runtime::{CancellationToken, Dependency, Health};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{PgPool, Row as _};

use crate::asked::Asked;
use crate::telemetry;
pub(crate) use inline::{InlinePlace, InlineStore};

/// How long a query waits for a connection to Postgres: beyond it the database is away, or asked too much.
const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(2);

/// The read models. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Stores {
    postgres: PostgresReader,
    redis: RedisReader,
    inline: Option<InlineStore>,
    redis_open: Arc<AtomicBool>,
    postgres_health: Dependency,
    redis_health: Dependency,
}

/// Where a tenant's rows of a context are, and how far an answer from there must have come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) log: LogId,
    pub(crate) least: Sequence,
}

impl Place {
    fn of<C: Context>(lane: Lane, asked: &Asked<C>) -> Self {
        Self { log: LogId::new(C::NAME, lane), least: asked.least(lane) }
    }

    /// The lane as statements take it.
    pub(crate) fn lane(&self) -> i32 {
        i32::from(self.log.lane.number())
    }

    /// From which sequence on an answer lacks events; a problem where the client named one of them.
    pub(crate) fn parked(&self, since: Option<Sequence>) -> Result<Option<Sequence>, Problem> {
        match since {
            Some(since) if self.least >= since => Err(Problem::new(ProblemType::ViewParked)
                .detail("events that the query named could not be applied here, and wait for an operator")
                .with("parked", self.log.at(since).to_string())),
            since => Ok(since),
        }
    }

    /// The same, of a statement's column `parked`.
    pub(crate) fn parked_in(&self, row: &PgRow) -> Result<Option<Sequence>, Problem> {
        let since: Option<i64> = row.try_get("parked").map_err(statement_problem)?;
        self.parked(since.map(Sequence::from_i64))
    }

    /// What an answer reflects, as clients see it.
    pub(crate) fn at(&self, reflects: i64) -> LaneToken {
        self.log.at(Sequence::from_i64(reflects))
    }
}

impl Stores {
    /// Connects when it is first used.
    pub(crate) fn new(
        views: &ViewsDatabaseConfig,
        redis: &RedisConfig,
        inline_url: Option<&SecretString>,
        health: &Health,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            postgres: PostgresReader::new(pool(views)?),
            redis: RedisReader::new(redis.url.expose_secret(), &redis.prefix)
                .context("TWOFOLD_REDIS_URL is not the URL of a Redis")?,
            inline: inline_url.map(|url| InlineStore::new(url, views.pool_max, health)).transpose()?,
            redis_open: Arc::new(AtomicBool::new(true)),
            postgres_health: health.dependency("views"),
            redis_health: health.optional("redis"),
        })
    }

    /// Inline views, where it was said where they live.
    pub(crate) fn inline(&self) -> Result<&InlineStore, Problem> {
        self.inline.as_ref().ok_or_else(inline::unknown_store)
    }

    /// Keeps `/readyz` true about inline views, where there are any.
    pub(crate) async fn watch_inline(self, token: CancellationToken) -> anyhow::Result<()> {
        match self.inline {
            Some(inline) => inline.watch(token).await,
            None => {
                token.cancelled().await;
                Ok(())
            }
        }
    }

    /// For lists.
    pub(crate) fn pool(&self) -> &PgPool {
        self.postgres.pool()
    }

    /// Where the tenant's rows are.
    ///
    /// A tenant that no projector has seen may have been born a moment ago. Then the client's own token names its
    /// lane: the answer waits until that lane has come so far, and with it the tenant.
    pub(crate) async fn place<C: Context, V: View>(&self, asked: &Asked<C>) -> Result<Place, Problem> {
        if let Some(lane) = self.lane_of(&asked.tenant).await? {
            return Ok(Place::of(lane, asked));
        }
        let mut named = None;
        for token in asked.named() {
            let place = Place { log: token.log.clone(), least: token.sequence };
            self.catch_up::<V>(&place, asked.deadline).await?;
            named = Some(token.log.lane);
        }
        let lane = self.lane_of(&asked.tenant).await?.or(named);
        // Nothing has happened to the tenant: an answer reflects all of nothing, in any lane.
        Ok(Place::of(lane.unwrap_or(Lane::new(0)), asked))
    }

    async fn lane_of(&self, tenant: &TenantId) -> Result<Option<Lane>, Problem> {
        match self.postgres.lane_of(tenant).await {
            Ok(lane) => Ok(lane),
            Err(ReadError::Away(why)) => match self.redis.lane_of(tenant).await {
                Ok(Some(lane)) => Ok(Some(lane)),
                Ok(None) | Err(_) => Err(problem(ReadError::Away(why))),
            },
            Err(error) => Err(problem(error)),
        }
    }

    /// Waits until Postgres' rows of a view reflect what they must.
    pub(crate) async fn catch_up<V: View>(
        &self,
        place: &Place,
        deadline: tokio::time::Instant,
    ) -> Result<(), Problem> {
        fresh::catch_up(&self.postgres, V::NAME, place, deadline).await
    }

    /// A row by its key, from Redis where the view lives there; else, or where Redis is away, from Postgres.
    pub(crate) async fn row<V: View>(
        &self,
        place: &Place,
        tenant: &TenantId,
        key: &str,
        deadline: tokio::time::Instant,
    ) -> Result<ReadRow, Problem> {
        let in_redis = V::STORES.contains(&ReadStore::Redis);
        if in_redis && self.redis_open.load(Ordering::Relaxed) {
            match fresh::row(&self.redis, V::NAME, place, tenant, key, deadline).await {
                Err(fresh::Failed::Slow) => self.close_redis("it answers too slowly"),
                Err(fresh::Failed::Read(ReadError::Away(_))) => {}
                found => return found.map_err(|failed| failed.into_problem(place)),
            }
        }
        if in_redis {
            metrics::counter!(telemetry::FALLBACKS, "view" => V::NAME).increment(1);
        }
        fresh::row(&self.postgres, V::NAME, place, tenant, key, deadline)
            .await
            .map_err(|failed| failed.into_problem(place))
    }

    fn close_redis(&self, why: &'static str) {
        self.redis_open.store(false, Ordering::Relaxed);
        self.redis_health.waiting(why);
    }

    /// Gives the connections back.
    pub(crate) async fn close(&self) {
        self.pool().close().await;
        if let Some(inline) = &self.inline {
            inline.pool().close().await;
        }
    }
}

/// A pool whose statements are planned with their values: what a filter leaves open is then gone before the plan is
/// made, and each sort walks its own index.
fn pool(config: &ViewsDatabaseConfig) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = config
        .url
        .expose_secret()
        .parse()
        .context("TWOFOLD_VIEWS_URL is not the URL of a Postgres database")?;
    Ok(PgPoolOptions::new()
        .max_connections(config.pool_max)
        .acquire_timeout(CONNECTION_WAIT_MAX)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // Below the last, names that share a word's letters count as spellings of it.
                sqlx::raw_sql(
                    "SET plan_cache_mode = force_custom_plan; SET jit = off; SET client_min_messages = warning;
                     SET default_transaction_read_only = on; SET statement_timeout = '10s';
                     SET idle_in_transaction_session_timeout = '10s';
                     SET pg_trgm.word_similarity_threshold = 0.3",
                )
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .connect_lazy_with(options.application_name("twofold query-service")))
}

/// What a client sees of a store that gives no answer.
pub(crate) fn problem(error: ReadError) -> Problem {
    match error {
        ReadError::Away(_) => Problem::new(ProblemType::ReadModelAway).cause(error),
        ReadError::Corrupt(_) => Problem::internal(error),
    }
}

/// What a client sees of a statement that failed.
pub(crate) fn statement_problem(error: sqlx::Error) -> Problem {
    problem(ReadError::from(error))
}
