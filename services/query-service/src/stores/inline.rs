//! Inline views: rows in the log's own database, written with the events that they reflect.
//!
//! They are read through a connection of their own, and nothing here writes: command-services keep the rows. An answer
//! is as new as the log; only while command-services of two releases run side by side, or a new version of a view is
//! being built, can it be behind, and then it is waited for like any other.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use http_api::{Problem, ProblemType};
use kernel::{Context, Lane, LogId, Sequence, View};
use read_store::{ReadRow, StampedRow};
use service_runtime::config::{ExposeSecret, SecretString};
use service_runtime::{CancellationToken, Dependency, Health, wait_for};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{PgPool, Row as _};
use tokio::time::{Instant, sleep};
use wire::{Codec, fold_fingerprint};

use super::{CONNECTION_WAIT_MAX, Place, fresh, statement_problem};
use crate::asked::Asked;

/// See `queries/inline/place.sql`.
const PLACE: &str = include_str!("../../queries/inline/place.sql");
/// See `queries/inline/row.sql`.
const ROW: &str = include_str!("../../queries/inline/row.sql");
/// How often a view that is behind is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How often the database is asked whether it is there, for `/readyz`.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A number that no tenant and no log has.
const NONE: i32 = -1;

/// Reads inline views. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct InlineStore {
    pool: PgPool,
    health: Dependency,
    folds: Folds,
}

/// What the folds of views are known by, once they were asked for; empty where that is nothing.
type Folds = Arc<Mutex<HashMap<&'static str, Arc<str>>>>;

/// Where a tenant's rows of an inline view are, and how far an answer from there must have come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InlinePlace {
    pub(crate) place: Place,
    pub(crate) view_id: i32,
    pub(crate) tenant_id: i32,
    pub(crate) log_id: i32,
}

impl InlineStore {
    /// Connects when it is first used.
    pub(crate) fn new(url: &SecretString, pool_max: u32, health: &Health) -> anyhow::Result<Self> {
        let options: PgConnectOptions = url
            .expose_secret()
            .parse()
            .context("TWOFOLD_INLINE_URL is not the URL of a Postgres database")?;
        let pool = PgPoolOptions::new()
            .max_connections(pool_max)
            .acquire_timeout(CONNECTION_WAIT_MAX)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // Planned with their values, so that only the view's own partition is looked at.
                    sqlx::raw_sql(
                        "SET plan_cache_mode = force_custom_plan; SET jit = off; SET statement_timeout = '10s';
                         SET default_transaction_read_only = on;
                         SET idle_in_transaction_session_timeout = '5s'",
                    )
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .connect_lazy_with(options.application_name("twofold query-service"));
        Ok(Self { pool, health: health.dependency("inline"), folds: Folds::default() })
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Where the tenant's rows are. A tenant to whom nothing has happened has none, in any lane.
    pub(crate) async fn place<C: Context, V: View>(&self, asked: &Asked<C>) -> Result<InlinePlace, Problem> {
        let found = sqlx::query(PLACE)
            .bind(V::NAME)
            .bind(i64::from(V::VERSION))
            .bind(asked.tenant.as_str())
            .bind(C::NAME)
            .bind(&*self.fold::<V>()?)
            .fetch_optional(&self.pool)
            .await
            .map_err(statement_problem)?;
        let found = found.ok_or_else(|| {
            Problem::new(ProblemType::ReadModelAway)
                .detail("no command-service has opened this view at this version yet")
        })?;
        Self::numbers(&found, asked).map_err(statement_problem)
    }

    /// Its rows are asked for by it: those of another fold say something else.
    fn fold<V: View>(&self) -> Result<Arc<str>, Problem> {
        let mut folds = self.folds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = folds.get(V::NAME) {
            return Ok(Arc::clone(known));
        }
        let codec = Codec::<V::Event>::new().map_err(Problem::internal)?;
        let fold = fold_fingerprint::<V>(&codec).map(|fold| fold.to_string()).unwrap_or_default();
        let fold: Arc<str> = fold.into();
        folds.insert(V::NAME, Arc::clone(&fold));
        Ok(fold)
    }

    fn numbers<C: Context>(found: &PgRow, asked: &Asked<C>) -> Result<InlinePlace, sqlx::Error> {
        let lane: Option<i32> = found.try_get("lane")?;
        let lane = lane.and_then(|lane| u16::try_from(lane).ok()).map_or(Lane::new(0), Lane::new);
        let (tenant, log): (Option<i32>, Option<i32>) =
            (found.try_get("tenant_id")?, found.try_get("log_id")?);
        Ok(InlinePlace {
            place: Place { log: LogId::new(C::NAME, lane), least: asked.least(lane) },
            view_id: found.try_get("view_id")?,
            tenant_id: tenant.unwrap_or(NONE),
            log_id: log.unwrap_or(NONE),
        })
    }

    /// A row by its key.
    pub(crate) async fn row(
        &self,
        place: &InlinePlace,
        key: &str,
        deadline: Instant,
    ) -> Result<ReadRow, Problem> {
        self.fresh(&place.place, deadline, || async {
            let found = sqlx::query(ROW)
                .bind(place.view_id)
                .bind(place.tenant_id)
                .bind(place.log_id)
                .bind(key)
                .fetch_one(&self.pool)
                .await?;
            let (stamp, body): (Option<i64>, Option<String>) =
                (found.try_get("stamp")?, found.try_get("body")?);
            let row =
                stamp.zip(body).map(|(stamp, body)| StampedRow { stamp: Sequence::from_i64(stamp), body });
            let reflects = Sequence::from_i64(found.try_get("reflects")?);
            Ok((reflects, ReadRow { row, reflects, parked: None }))
        })
        .await
    }

    /// What `read` answers once it reflects what it must; a problem where it does not by the deadline.
    pub(crate) async fn fresh<T, F>(
        &self,
        place: &Place,
        deadline: Instant,
        mut read: impl FnMut() -> F,
    ) -> Result<T, Problem>
    where
        F: Future<Output = Result<(Sequence, T), sqlx::Error>>,
    {
        loop {
            let (reflects, answer) = read().await.map_err(statement_problem)?;
            if reflects >= place.least {
                return Ok(answer);
            }
            if Instant::now() + LOOK_AGAIN > deadline {
                return Err(fresh::behind(place, reflects));
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Keeps `/readyz` true.
    pub(crate) async fn watch(self, token: CancellationToken) -> anyhow::Result<()> {
        loop {
            let look = || async { sqlx::query("SELECT FROM inline_views LIMIT 1").execute(&self.pool).await };
            let paused = async { token.run_until_cancelled(sleep(LOOK_EVERY)).await };
            if wait_for(&self.health, &token, look).await.is_none() || paused.await.is_none() {
                return Ok(());
            }
        }
    }
}

/// Where inline views are asked for and nobody has said where they live.
pub(crate) fn unknown_store() -> Problem {
    Problem::new(ProblemType::ReadModelAway)
        .detail("this service was not told where inline views live: TWOFOLD_INLINE_URL is not set")
}
