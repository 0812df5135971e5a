//! The numbers behind names: tenants and logs, looked up once and remembered.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use kernel::{Lane, LogId, TenantId};
use quick_cache::sync::Cache;
use sqlx::{PgPool, Row};

use crate::LogError;

/// Where a tenant lives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) tenant_id: i32,
    pub(crate) lane: Lane,
}

/// Neither tenants nor logs ever move or go away, so what was found once stays true.
pub(crate) struct Directory {
    pool: PgPool,
    lanes: u16,
    tenants: Cache<TenantId, Place>,
    logs: RwLock<HashMap<LogId, i32>>,
}

impl Directory {
    pub(crate) fn new(pool: PgPool, lanes: u16, tenants_cached_max: usize) -> Self {
        Self { pool, lanes, tenants: Cache::new(tenants_cached_max), logs: RwLock::default() }
    }

    /// The place of a tenant that has one.
    pub(crate) async fn known_tenant(&self, tenant: &TenantId) -> Result<Option<Place>, LogError> {
        if let Some(place) = self.tenants.get(tenant) {
            return Ok(Some(place));
        }
        let place = find_tenant(&self.pool, tenant).await?;
        if let Some(place) = place {
            self.tenants.insert(tenant.clone(), place);
        }
        Ok(place)
    }

    /// The place of a tenant, given to it now if it has none. Of several that give it at once, one wins.
    pub(crate) async fn tenant(&self, tenant: &TenantId) -> Result<Place, LogError> {
        if let Some(place) = self.known_tenant(tenant).await? {
            return Ok(place);
        }
        add_tenant(&self.pool, tenant, Lane::for_new_tenant(tenant, self.lanes)).await?;
        let place = self.known_tenant(tenant).await?;
        place.ok_or_else(|| LogError::Corrupt("a tenant that was just added is not there".to_owned()))
    }

    /// The number of a log that was begun.
    pub(crate) async fn known_log(&self, log: &LogId) -> Result<Option<i32>, LogError> {
        if let Some(id) = self.logs.read().unwrap_or_else(PoisonError::into_inner).get(log) {
            return Ok(Some(*id));
        }
        let id = find_log(&self.pool, log).await?;
        if let Some(id) = id {
            self.logs.write().unwrap_or_else(PoisonError::into_inner).insert(log.clone(), id);
        }
        Ok(id)
    }

    /// The number of a log, begun now if it was not. Of several that begin it at once, one wins.
    pub(crate) async fn log(&self, log: &LogId) -> Result<i32, LogError> {
        if let Some(id) = self.known_log(log).await? {
            return Ok(id);
        }
        begin_log(&self.pool, log).await?;
        let id = self.known_log(log).await?;
        id.ok_or_else(|| LogError::Corrupt("a log that was just begun is not there".to_owned()))
    }

    /// The log and the numbers of a tenant in a context; `None` where nothing was ever recorded for it.
    pub(crate) async fn known(
        &self,
        context: &str,
        tenant: &TenantId,
    ) -> Result<Option<(LogId, i32, Place)>, LogError> {
        let Some(place) = self.known_tenant(tenant).await? else { return Ok(None) };
        let log = LogId::new(context, place.lane);
        Ok(self.known_log(&log).await?.map(|log_id| (log, log_id, place)))
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Directory").field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

/// Locks nothing.
async fn find_tenant(pool: &PgPool, tenant: &TenantId) -> Result<Option<Place>, LogError> {
    let row = sqlx::query("SELECT tenant_id, lane FROM tenants WHERE tenant = $1")
        .bind(tenant.as_str())
        .fetch_optional(pool)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Place { tenant_id: row.try_get(0)?, lane: lane(row.try_get(1)?)? }))
}

/// Waits for another transaction that adds the same tenant, and then leaves its choice alone.
async fn add_tenant(pool: &PgPool, tenant: &TenantId, lane: Lane) -> Result<(), LogError> {
    sqlx::query(
        "INSERT INTO tenants (tenant, lane) VALUES ($1, $2) ON CONFLICT ON CONSTRAINT tenants_tenant_key DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(i32::from(lane.number()))
    .execute(pool)
    .await?;
    Ok(())
}

/// Locks nothing.
async fn find_log(pool: &PgPool, log: &LogId) -> Result<Option<i32>, LogError> {
    let row = sqlx::query("SELECT log_id FROM logs WHERE context = $1 AND lane = $2")
        .bind(&*log.context)
        .bind(i32::from(log.lane.number()))
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Makes the head row and the publishing cursor in one statement. Waits for another transaction that begins the
/// same log, and then leaves it alone.
async fn begin_log(pool: &PgPool, log: &LogId) -> Result<(), LogError> {
    sqlx::query(
        "WITH begun AS (
             INSERT INTO logs (context, lane) VALUES ($1, $2)
             ON CONFLICT ON CONSTRAINT logs_context_lane_key DO NOTHING
             RETURNING log_id
         )
         INSERT INTO cursors (log_id) SELECT log_id FROM begun",
    )
    .bind(&*log.context)
    .bind(i32::from(log.lane.number()))
    .execute(pool)
    .await?;
    Ok(())
}

/// A lane as Postgres keeps it.
pub(crate) fn lane(number: i32) -> Result<Lane, LogError> {
    let number = u16::try_from(number).map_err(|_| LogError::Corrupt("a lane out of range".to_owned()))?;
    Ok(Lane::new(number))
}
