//! Inline views: rows that the append itself writes.
//!
//! Whoever appends loads the rows that its events touch, folds the events into them, and sends the outcome along; the
//! append writes it where the rows' stamps are still the ones that it was folded from, and nothing at all where they
//! are not. So a row is never behind the log, and nobody waits for a client while the head is locked.
//!
//! Each view keeps beside its rows up to where they reflect each log, and an append that knows the view moves that
//! along. One that does not — of a release without it, or with another version of it — leaves it behind, which the
//! next append that knows it is told: it catches up with the log first. A new version of a view is built the same
//! way, from the beginning.

mod opening;

use std::sync::Arc;

use kernel::{LogId, RowKey, Sequence, TenantId};
use sqlx::{Row, query, query_scalar};

pub use opening::{InlineCode, OpenedView};

use crate::{EventLog, LogError};

/// A version of an inline view, as it was opened in this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InlineView(pub(crate) i32);

/// What is written with the events of an append, in their transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beside {
    /// Every inline view of the context, whether it has rows here or not. Commands with other views never share a
    /// batch.
    pub views: Arc<[InlineView]>,
    /// The rows that the events change, each at most once.
    pub rows: Vec<InlineRow>,
    /// The hash of the password that the main stream has from then on.
    pub password: Option<PasswordHash>,
}

/// A row after the events of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineRow {
    /// Whose rows.
    pub view: InlineView,
    /// Which row of the tenant.
    pub key: RowKey,
    /// The stamp of the row that the events were folded into; zero where there was none.
    pub before: Sequence,
    /// Which of the append's events it last reflects, from 1.
    pub event: u32,
    /// The text that stands for the time of recording; each string in the row that is just this becomes that time.
    pub mark: Arc<str>,
    /// The row as JSON; none where the fold took it away.
    pub row: Option<String>,
}

/// A password's hash in the PHC format. Not for eyes: it is printed nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// From its text.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PasswordHash")
    }
}

impl Beside {
    /// Nothing: an append of a context without inline views.
    pub fn nothing() -> Self {
        Self::default()
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.views.is_empty() && self.rows.is_empty() && self.password.is_none()
    }

    /// About how many bytes it carries.
    pub(crate) fn weight(&self) -> usize {
        let rows = self.rows.iter().map(|row| row.row.as_ref().map_or(0, String::len) + 128).sum::<usize>();
        rows + self.password.as_ref().map_or(0, |hash| hash.0.len())
    }

    pub(crate) fn has_nul(&self) -> bool {
        let texts = self.rows.iter().flat_map(|row| [Some(row.key.as_str()), row.row.as_deref()]);
        texts.flatten().any(|text| text.contains('\0'))
    }
}

/// A row as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRow {
    /// The last event that it reflects.
    pub stamp: Sequence,
    /// The row as JSON; none where the fold took it away.
    pub row: Option<String>,
}

/// A row after a stretch of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaughtUpRow {
    /// Whose row.
    pub tenant: TenantId,
    /// Which one.
    pub key: RowKey,
    /// It.
    pub kept: KeptRow,
}

impl EventLog {
    /// The rows with these keys that there ever were, each with its place in `wanted`.
    pub async fn inline_rows(
        &self,
        view: InlineView,
        wanted: &[(TenantId, RowKey)],
    ) -> Result<Vec<(usize, KeptRow)>, LogError> {
        let tenants: Vec<&str> = wanted.iter().map(|(tenant, _)| tenant.as_str()).collect();
        let keys: Vec<&str> = wanted.iter().map(|(_, key)| key.as_str()).collect();
        let found = query(include_str!("../queries/inline_rows.sql"))
            .bind(view.0)
            .bind(tenants)
            .bind(keys)
            .fetch_all(&self.pool)
            .await?;
        let kept = found.into_iter().map(|row| {
            let place: i64 = row.try_get(0)?;
            let kept = KeptRow { stamp: Sequence::from_i64(row.try_get(1)?), row: row.try_get(2)? };
            Ok((usize::try_from(place - 1).unwrap_or(usize::MAX), kept))
        });
        kept.collect()
    }

    /// Up to where the rows of a view reflect a log; begun at zero where they reflect nothing of it.
    pub async fn inline_through(&self, view: InlineView, log: &LogId) -> Result<Sequence, LogError> {
        let log_id = self.directory.log(log).await?;
        query(
            "INSERT INTO inline_heads (log_id, view_id) VALUES ($1, $2)
             ON CONFLICT ON CONSTRAINT inline_heads_pk DO NOTHING",
        )
        .bind(log_id)
        .bind(view.0)
        .execute(&self.pool)
        .await?;
        let through = query_scalar("SELECT through FROM inline_heads WHERE log_id = $1 AND view_id = $2")
            .bind(log_id)
            .bind(view.0)
            .fetch_one(&self.pool)
            .await?;
        Ok(Sequence::from_i64(through))
    }

    /// A page of the rows of a view that a lane's tenants have, behind the last of the page before; none at the end.
    pub async fn inline_page(
        &self,
        view: InlineView,
        lane: kernel::Lane,
        after: Option<&(TenantId, RowKey)>,
        limit: u32,
    ) -> Result<Vec<CaughtUpRow>, LogError> {
        let found = query(
            "SELECT tenants.tenant, held.key, held.stamp, held.row::text
             FROM tenants JOIN inline_rows AS held ON held.view_id = $1 AND held.tenant_id = tenants.tenant_id
             WHERE tenants.lane = $2 AND held.row IS NOT NULL
               AND ($3::text IS NULL OR (tenants.tenant, held.key) > ($3, $4))
             ORDER BY tenants.tenant, held.key LIMIT $5",
        )
        .bind(view.0)
        .bind(i32::from(lane.number()))
        .bind(after.map(|(tenant, _)| tenant.as_str()))
        .bind(after.map(|(_, key)| key.as_str()))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let rows = found.into_iter().map(|row| {
            let tenant: &str = row.try_get(0)?;
            let tenant = TenantId::new(tenant).map_err(|error| LogError::Corrupt(error.to_string()))?;
            let key: &str = row.try_get(1)?;
            let kept = KeptRow { stamp: Sequence::from_i64(row.try_get(2)?), row: row.try_get(3)? };
            Ok(CaughtUpRow { tenant, key: RowKey::new(key), kept })
        });
        rows.collect()
    }

    /// Writes the rows after a stretch of the log, from what the view reflected before it to what it reflects then.
    /// False, with nothing written, where somebody else has moved it meanwhile.
    pub async fn advance_inline_view(
        &self,
        view: InlineView,
        log: &LogId,
        (from, to): (Sequence, Sequence),
        rows: &[CaughtUpRow],
    ) -> Result<bool, LogError> {
        let log_id = self.directory.log(log).await?;
        let tenants: Vec<&str> = rows.iter().map(|row| row.tenant.as_str()).collect();
        let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        let stamps: Vec<i64> = rows.iter().map(|row| row.kept.stamp.to_i64()).collect();
        let bodies: Vec<Option<&str>> = rows.iter().map(|row| row.kept.row.as_deref()).collect();
        let moved = query_scalar(include_str!("../queries/advance_inline_view.sql"))
            .bind(view.0)
            .bind(log_id)
            .bind(from.to_i64())
            .bind(to.to_i64())
            .bind(tenants)
            .bind(keys)
            .bind(stamps)
            .bind(bodies)
            .fetch_one(&self.pool)
            .await?;
        Ok(moved)
    }

    /// Whose stream holds a claimed value, and the hash of that stream's password where it has one. Asks the same of
    /// the database whether there is such a stream or not, and makes neither tenant nor log.
    pub async fn password_of_holder(
        &self,
        context: &str,
        tenant: &TenantId,
        (set, value): (&str, &str),
    ) -> Result<Option<(kernel::StreamName, PasswordHash)>, LogError> {
        let found = query(
            "SELECT claims.stream, passwords.hash
             FROM tenants
             JOIN logs ON logs.context = $1 AND logs.lane = tenants.lane
             JOIN claims ON claims.log_id = logs.log_id AND claims.tenant_id = tenants.tenant_id
                        AND claims.set_name = $3 AND claims.value = $4
             JOIN passwords ON passwords.log_id = logs.log_id AND passwords.tenant_id = tenants.tenant_id
                           AND passwords.stream = claims.stream
             WHERE tenants.tenant = $2",
        )
        .bind(context)
        .bind(tenant.as_str())
        .bind(set)
        .bind(value)
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let stream = crate::reading::stream_name(found.try_get(0)?)?;
        Ok(Some((stream, PasswordHash(found.try_get(1)?))))
    }
}
