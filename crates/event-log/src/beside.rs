//! What is kept beside the events: snapshots, schemas, and once-only keys whose time is over.

use std::time::Duration;

use bytes::Bytes;
use kernel::{LogId, SchemaFingerprint, StreamName, StreamVersion, TenantId};
use sqlx::{Row, query};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{EventLog, LogError};

/// How often expired once-only keys are cleared away, and how many in one statement.
const CLEAR_KEYS_EVERY: Duration = Duration::from_secs(60);
const CLEAR_KEYS_AT_ONCE: u32 = 1000;

/// A stream's state as it was at a version, in the bytes of whoever folds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The version that it includes.
    pub version: StreamVersion,
    /// The state.
    pub state: Bytes,
}

impl EventLog {
    /// The last snapshot of a stream that was folded with this state version.
    pub async fn snapshot(
        &self,
        context: &str,
        tenant: &TenantId,
        stream: &StreamName,
        state_version: u32,
    ) -> Result<Option<Snapshot>, LogError> {
        let Some((_, log_id, place)) = self.directory.known(context, tenant).await? else {
            return Ok(None);
        };
        let row = query(
            "SELECT version, state FROM snapshots
             WHERE log_id = $1 AND tenant_id = $2 AND stream = $3 AND state_version = $4",
        )
        .bind(log_id)
        .bind(place.tenant_id)
        .bind(stream.as_str())
        .bind(i64::from(state_version))
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let state: &[u8] = row.try_get(1)?;
        Ok(Some(Snapshot {
            version: StreamVersion::from_i64(row.try_get(0)?),
            state: Bytes::copy_from_slice(state),
        }))
    }

    /// Keeps a snapshot, unless a later one is kept already. The state version before this one keeps its snapshot
    /// too, for the release that still runs; older ones go.
    ///
    /// Locks the stream's snapshots only.
    pub async fn put_snapshot(
        &self,
        context: &str,
        tenant: &TenantId,
        stream: &StreamName,
        state_version: u32,
        snapshot: &Snapshot,
    ) -> Result<(), LogError> {
        let Some((_, log_id, place)) = self.directory.known(context, tenant).await? else {
            let lane = self.directory.tenant(tenant).await?.lane;
            return Err(LogError::UnknownLog(LogId::new(context, lane)));
        };
        query(
            "WITH outdated AS (
                 DELETE FROM snapshots
                 WHERE log_id = $1 AND tenant_id = $2 AND stream = $3 AND state_version < $4 - 1
             )
             INSERT INTO snapshots (log_id, tenant_id, stream, state_version, version, state)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT ON CONSTRAINT snapshots_pk DO UPDATE
             SET version = excluded.version, state = excluded.state
             WHERE snapshots.version < excluded.version",
        )
        .bind(log_id)
        .bind(place.tenant_id)
        .bind(stream.as_str())
        .bind(i64::from(state_version))
        .bind(snapshot.version.to_i64())
        .bind(&snapshot.state[..])
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps schemas (fingerprint, event type, JSON text) beside the events written with them. Those that are kept
    /// already stay as they are.
    pub async fn register_schemas(
        &self,
        schemas: &[(SchemaFingerprint, &str, &str)],
    ) -> Result<(), LogError> {
        let fingerprints: Vec<i64> = schemas.iter().map(|(fingerprint, ..)| fingerprint.0).collect();
        let types: Vec<&str> = schemas.iter().map(|(_, name, _)| *name).collect();
        let texts: Vec<&str> = schemas.iter().map(|(.., json)| *json).collect();
        // In one order everywhere, so that two starters never wait for each other in a circle.
        query(
            "INSERT INTO schemas (fingerprint, type, json)
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (fingerprint, type, json)
             ORDER BY fingerprint
             ON CONFLICT ON CONSTRAINT schemas_pk DO NOTHING",
        )
        .bind(fingerprints)
        .bind(types)
        .bind(texts)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The JSON text of a schema.
    pub async fn schema(&self, fingerprint: SchemaFingerprint) -> Result<Option<String>, LogError> {
        let json = sqlx::query_scalar("SELECT json FROM schemas WHERE fingerprint = $1")
            .bind(fingerprint.0)
            .fetch_optional(&self.pool)
            .await?;
        Ok(json)
    }

    /// Clears away at most `limit` once-only keys whose time is over; answers how many.
    ///
    /// Locks those rows, and passes over what another sweep or an append has locked.
    pub async fn clear_expired_keys(&self, limit: u32) -> Result<u64, LogError> {
        let cleared = query(
            "DELETE FROM once_keys WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM once_keys
                 WHERE expires_at <= extract(epoch FROM clock_timestamp()) * 1000000
                 ORDER BY expires_at LIMIT $1
                 FOR UPDATE SKIP LOCKED
             ))",
        )
        .bind(i64::from(limit))
        .execute(&self.pool)
        .await?;
        Ok(cleared.rows_affected())
    }

    /// Clears expired once-only keys away, every minute, until it is cancelled. Every command-service may run it.
    pub async fn keep_house(&self, token: CancellationToken) {
        let mut clock = tokio::time::interval(CLEAR_KEYS_EVERY);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while token.run_until_cancelled(clock.tick()).await.is_some() {
            while !token.is_cancelled() {
                match self.clear_expired_keys(CLEAR_KEYS_AT_ONCE).await {
                    Ok(cleared) if cleared == u64::from(CLEAR_KEYS_AT_ONCE) => {}
                    Ok(_) => break,
                    Err(error) => {
                        warn!(%error, "cannot clear expired once-only keys; trying again later");
                        break;
                    }
                }
            }
        }
    }
}
