//! What is not published yet, and who publishes it.

use std::sync::Arc;
use std::time::Duration;

use kernel::{ChainHash, LogId, Sequence};
use sqlx::{PgPool, Row, query};
use uuid::Uuid;

use crate::LogError;
use crate::directory::Directory;
use crate::reading::chain_hash;

/// The relay's side of the log: a cursor per log, moved by whoever holds the lease.
///
/// The log is the outbox: what is not published yet is what lies after the cursor.
#[derive(Debug, Clone)]
pub struct Outbox {
    pool: PgPool,
    directory: Arc<Directory>,
}

/// The right to publish a log, until it ends or another takes it over. Each lease of a log has a greater fence, and
/// only the last one given can move the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    log: LogId,
    log_id: i32,
    holder: Uuid,
    fence: i64,
}

/// How far a log has been published, and where that is on the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The last sequence that the broker has acknowledged.
    pub published_through: Sequence,
    /// The chain up to and with it.
    pub chain: Option<ChainHash>,
    /// The topic that it went to.
    pub topic_id: Option<Uuid>,
    /// Its record's offset.
    pub offset: Option<i64>,
}

impl Lease {
    /// The log that it is for.
    pub fn log(&self) -> &LogId {
        &self.log
    }

    /// Who holds it.
    pub fn holder(&self) -> Uuid {
        self.holder
    }

    /// Greater than that of every lease of the log before it.
    pub fn fence(&self) -> i64 {
        self.fence
    }
}

impl Outbox {
    pub(crate) fn new(pool: PgPool, directory: Arc<Directory>) -> Self {
        Self { pool, directory }
    }

    /// Takes the lease of a log for `ttl`, where nobody else holds it; `None` where somebody does. A holder that
    /// leases again has a new lease, and its old one is lost.
    ///
    /// Locks the log's cursor row; of several that try at once, the first commits and the others see it.
    pub async fn lease(&self, log: &LogId, holder: Uuid, ttl: Duration) -> Result<Option<Lease>, LogError> {
        let log_id = self.log_id(log).await?;
        let fence: Option<i64> = sqlx::query_scalar(
            "UPDATE cursors
             SET holder = $2, fence = fence + 1, leased_until = clock_timestamp() + $3 * interval '1 microsecond'
             WHERE log_id = $1
               AND (holder IS NULL OR holder = $2 OR leased_until IS NULL OR leased_until <= clock_timestamp())
             RETURNING fence",
        )
        .bind(log_id)
        .bind(holder)
        .bind(micros(ttl))
        .fetch_optional(&self.pool)
        .await?;
        Ok(fence.map(|fence| Lease { log: log.clone(), log_id, holder, fence }))
    }

    /// Prolongs a lease to `ttl` from now; false where another has taken it over. One that ran out and that nobody
    /// took over is good again.
    ///
    /// Locks the log's cursor row.
    pub async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, LogError> {
        let renewed = query(
            "UPDATE cursors SET leased_until = clock_timestamp() + $3 * interval '1 microsecond'
             WHERE log_id = $1 AND fence = $2 AND holder IS NOT NULL",
        )
        .bind(lease.log_id)
        .bind(lease.fence)
        .bind(micros(ttl))
        .execute(&self.pool)
        .await?;
        Ok(renewed.rows_affected() == 1)
    }

    /// Gives a lease back, so that another need not wait for its end. One that is lost is left alone.
    ///
    /// Locks the log's cursor row.
    pub async fn release(&self, lease: &Lease) -> Result<(), LogError> {
        query("UPDATE cursors SET holder = NULL, leased_until = NULL WHERE log_id = $1 AND fence = $2")
            .bind(lease.log_id)
            .bind(lease.fence)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Where the log's publishing stands.
    pub async fn cursor(&self, log: &LogId) -> Result<Cursor, LogError> {
        let log_id = self.log_id(log).await?;
        let row =
            query("SELECT published_through, chain, topic_id, topic_offset FROM cursors WHERE log_id = $1")
                .bind(log_id)
                .fetch_one(&self.pool)
                .await?;
        Ok(Cursor {
            published_through: Sequence::from_i64(row.try_get(0)?),
            chain: row.try_get::<Option<&[u8]>, _>(1)?.map(chain_hash).transpose()?,
            topic_id: row.try_get(2)?,
            offset: row.try_get(3)?,
        })
    }

    /// Moves the cursor, forwards, or back where the topic has lost its tail; [`LogError::LeaseLost`] where another
    /// has taken the lease over or it was given back.
    ///
    /// Locks the log's cursor row.
    pub async fn advance(&self, lease: &Lease, cursor: Cursor) -> Result<(), LogError> {
        let moved = query(
            "UPDATE cursors SET published_through = $3, chain = $4, topic_id = $5, topic_offset = $6
             WHERE log_id = $1 AND fence = $2 AND holder IS NOT NULL",
        )
        .bind(lease.log_id)
        .bind(lease.fence)
        .bind(cursor.published_through.to_i64())
        .bind(cursor.chain.as_ref().map(|chain| &chain.as_bytes()[..]))
        .bind(cursor.topic_id)
        .bind(cursor.offset)
        .execute(&self.pool)
        .await?;
        if moved.rows_affected() == 1 { Ok(()) } else { Err(LogError::LeaseLost(lease.log.clone())) }
    }

    /// How many events are recorded and not yet published.
    pub async fn backlog(&self, log: &LogId) -> Result<u64, LogError> {
        let log_id = self.log_id(log).await?;
        let backlog: i64 = sqlx::query_scalar(
            "SELECT logs.sequence - cursors.published_through
             FROM logs JOIN cursors ON cursors.log_id = logs.log_id WHERE logs.log_id = $1",
        )
        .bind(log_id)
        .fetch_one(&self.pool)
        .await?;
        Ok(u64::try_from(backlog).unwrap_or(0))
    }

    async fn log_id(&self, log: &LogId) -> Result<i32, LogError> {
        self.directory.known_log(log).await?.ok_or_else(|| LogError::UnknownLog(log.clone()))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
