//! Reading rows from Postgres, for queries.

use std::sync::Arc;

use kernel::{Lane, Sequence, TenantId};
use quick_cache::sync::Cache;
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use tokio::time::Instant;

use super::statements::{is_a_name, snake};
use crate::waiting::{Place, Positions, Waits};
use crate::{ReadError, ReadRow, StampedRow};

/// Tenants whose lanes are remembered, at about 100 bytes each. A lane never changes, so entries do not age.
const LANES_REMEMBERED: usize = 50_000;

/// Reads the serving versions of views. Clones share everything.
#[derive(Debug, Clone)]
pub struct PostgresReader {
    pool: PgPool,
    lanes: Arc<Cache<TenantId, Lane>>,
    waits: Waits<Reflected>,
}

impl PostgresReader {
    /// Reads through this pool.
    pub fn new(pool: PgPool) -> Self {
        let waits = Waits::new("postgres", Reflected(pool.clone()));
        Self { pool, lanes: Arc::new(Cache::new(LANES_REMEMBERED)), waits }
    }

    /// For lists: statements over `serving.<view>` and `serving.checkpoints`, each naming its tenant. Errors
    /// become [`ReadError`]s by `From`.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The lane that a tenant lives in; none where no projector has seen an event of it yet.
    pub async fn lane_of(&self, tenant: &TenantId) -> Result<Option<Lane>, ReadError> {
        if let Some(lane) = self.lanes.get(tenant) {
            return Ok(Some(lane));
        }
        let lane: Option<i32> = sqlx::query_scalar("SELECT lane FROM tenant_lanes WHERE tenant = $1")
            .bind(tenant.as_str())
            .fetch_optional(&self.pool)
            .await?;
        let Some(lane) = lane else { return Ok(None) };
        let lane = u16::try_from(lane).map_err(|_| ReadError::Corrupt("a lane's number".to_owned()))?;
        self.lanes.insert(tenant.clone(), Lane::new(lane));
        Ok(Some(Lane::new(lane)))
    }

    /// A row by its key, with what it reflects, in one statement. `lane` is the tenant's.
    pub async fn row(
        &self,
        view: &str,
        lane: Lane,
        tenant: &TenantId,
        key: &str,
    ) -> Result<ReadRow, ReadError> {
        if !is_a_name(view) {
            return Err(ReadError::Corrupt(format!("{view:?} is not the name of a view")));
        }
        let statement = format!(
            "SELECT coalesce((SELECT sequence FROM serving.checkpoints WHERE view = $1 AND lane = $2), 0),
                    found.stamp, found.row::text,
                    least((SELECT min(p.sequence) FROM serving.parked AS p
                            WHERE p.view = $1 AND p.tenant = $3 AND p.row_key = $4),
                          (SELECT min(p.sequence) FROM serving.parked AS p
                            WHERE p.view = $1 AND p.tenant = $3 AND p.row_key IS NULL))
               FROM (VALUES (1)) AS always
               LEFT JOIN serving.{} AS found ON found.tenant = $3 AND found.key = $4",
            snake(view)
        );
        let found = sqlx::query(AssertSqlSafe(statement))
            .bind(view)
            .bind(i32::from(lane.number()))
            .bind(tenant.as_str())
            .bind(key)
            .fetch_one(&self.pool)
            .await?;
        let stamp: Option<i64> = found.try_get(1)?;
        let body: Option<String> = found.try_get(2)?;
        let row = stamp.zip(body).map(|(stamp, body)| StampedRow { stamp: Sequence::from_i64(stamp), body });
        let parked: Option<i64> = found.try_get(3)?;
        let reflects = Sequence::from_i64(found.try_get(0)?);
        Ok(ReadRow { row, reflects, parked: parked.map(Sequence::from_i64) })
    }

    /// What the serving version of a view reflects of a lane; zero where nothing has come yet.
    pub async fn reflects(&self, view: &str, lane: Lane) -> Result<Sequence, ReadError> {
        let sequence: Option<i64> =
            sqlx::query_scalar("SELECT sequence FROM serving.checkpoints WHERE view = $1 AND lane = $2")
                .bind(view)
                .bind(i32::from(lane.number()))
                .fetch_optional(&self.pool)
                .await?;
        Ok(sequence.map_or(Sequence::ZERO, Sequence::from_i64))
    }

    /// Waits until a lane of a view reflects `sequence`; false where it does not by `deadline`.
    pub async fn wait_until(
        &self,
        view: &str,
        lane: Lane,
        sequence: Sequence,
        deadline: Instant,
    ) -> Result<bool, ReadError> {
        self.waits.wait_until(view, lane, sequence, deadline).await
    }
}

#[derive(Debug)]
struct Reflected(PgPool);

impl Positions for Reflected {
    async fn of(&self, places: &[Place]) -> Result<Vec<Result<Sequence, ReadError>>, ReadError> {
        let views: Vec<&str> = places.iter().map(|place| &*place.view).collect();
        let lanes: Vec<i32> = places.iter().map(|place| i32::from(place.lane.number())).collect();
        let found: Vec<i64> = sqlx::query_scalar(
            "SELECT coalesce(c.sequence, 0)
               FROM unnest($1::text[], $2::integer[]) WITH ORDINALITY AS wanted (view, lane, number)
               LEFT JOIN serving.checkpoints AS c ON c.view = wanted.view AND c.lane = wanted.lane
              ORDER BY wanted.number",
        )
        .bind(views)
        .bind(lanes)
        .fetch_all(&self.0)
        .await?;
        Ok(found.into_iter().map(|sequence| Ok(Sequence::from_i64(sequence))).collect())
    }
}
