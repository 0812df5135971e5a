//! What was asked, by whom and when: the audit's own entries and the log's, in the order of their times.

use kernel::{Actor, LogId, Sequence, StreamName, TenantId, Timestamp};
use sqlx::{Row, query};
use uuid::Uuid;

use super::{AuditEntry, AuditOutcome, KeptEntry, signed};
use crate::{EventLog, LogError};

/// See `queries/audit/commands.sql`.
const COMMANDS: &str = include_str!("../../queries/audit/commands.sql");
/// See `queries/audit/commands_of_stream.sql`.
const OF_STREAM: &str = include_str!("../../queries/audit/commands_of_stream.sql");
/// Events of a log that are looked at for one answer: however few are wanted ones, a call ends.
const LOOKED_AT: u64 = 20_000;

/// Which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// In this tenant.
    pub tenant: Option<TenantId>,
    /// By them.
    pub actor: Option<Actor>,
    /// About this.
    pub stream: Option<StreamName>,
    /// With this outcome; of entries that are not in the log.
    pub outcome: Option<AuditOutcome>,
}

/// Something that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What is kept of it; of an accepted command, the time at which it was recorded, and its first event's place.
    pub entry: AuditEntry,
    /// Of an accepted command, the type of its first event.
    pub event_type: Option<String>,
    /// Of an entry that is not in the log, its number.
    pub number: Option<u64>,
}

/// A stretch of what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// In order.
    pub items: Vec<Asked>,
    /// Up to where a log was looked through; nothing else of what is wanted lies before it.
    pub through: Sequence,
    /// Nothing more is wanted behind it.
    pub ended: bool,
    /// When the event at `through` was recorded: what comes later may have been asked before what follows.
    pub until: Timestamp,
}

impl EventLog {
    /// Entries that are not in the log, after a time and a number, up to a time; fewer than `limit` are all there are.
    pub async fn audit_entries(
        &self,
        filter: &AuditFilter,
        (after, number): (Timestamp, u64),
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Asked>, LogError> {
        let rows = query(include_str!("../../queries/audit/list.sql"))
            .bind(after.micros())
            .bind(signed(number))
            .bind(to.micros())
            .bind(filter.tenant.as_ref().map(TenantId::as_str))
            .bind(filter.actor.as_ref().map(Actor::as_str))
            .bind(filter.stream.as_ref().map(StreamName::as_str))
            .bind(filter.outcome.map(AuditOutcome::as_str))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        let asked = |row| {
            let KeptEntry { number, entry, .. } = KeptEntry::read(row)?;
            Ok(Asked { entry, event_type: None, number: Some(number) })
        };
        rows.iter().map(asked).collect()
    }

    /// The commands of a log after a sequence, up to another: at most `limit` of them, of a bounded number of events.
    pub async fn audit_commands(
        &self,
        filter: &AuditFilter,
        log: &LogId,
        (after, to): (Sequence, Sequence),
        limit: usize,
    ) -> Result<Listed, LogError> {
        // What a stream holds is found by its index, however far apart.
        let by_stream = filter.stream.is_some() && filter.tenant.is_some();
        let looked_at = if by_stream { u64::MAX } else { LOOKED_AT };
        let last = to.min(Sequence::new(after.number().saturating_add(looked_at)));
        let statement = if by_stream { OF_STREAM } else { COMMANDS };
        let rows = query(statement)
            .bind(&*log.context)
            .bind(i32::from(log.lane.number()))
            .bind(after.to_i64())
            .bind(last.to_i64())
            .bind(filter.tenant.as_ref().map(TenantId::as_str))
            .bind(filter.actor.as_ref().map(Actor::as_str))
            .bind(filter.stream.as_ref().map(StreamName::as_str))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(log.to_string())
            .fetch_all(&self.pool)
            .await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            let corrupt = |error: kernel::InvalidIdentifier| LogError::Corrupt(error.to_string());
            let command_id: Uuid = row.try_get(2)?;
            let entry = AuditEntry {
                id: command_id,
                at: Timestamp::from_micros(row.try_get(1)?),
                correlation_id: row.try_get(3)?,
                tenant: Some(TenantId::new(row.try_get::<&str, _>(4)?).map_err(corrupt)?),
                actor: Some(Actor::new(row.try_get(5)?)),
                stream: Some(StreamName::parse(row.try_get(6)?).map_err(corrupt)?),
                address: row.try_get(8)?,
                command: row.try_get(9)?,
                outcome: AuditOutcome::Accepted,
                code: None,
                place: Some((log.clone(), Sequence::from_i64(row.try_get(0)?))),
            };
            items.push(Asked { entry, event_type: Some(row.try_get(7)?), number: None });
        }
        let cut = items.len() >= limit;
        let through = match items.last().and_then(|item| item.entry.place.as_ref()) {
            Some((_, sequence)) if cut => *sequence,
            _ => last,
        };
        let until = self.recorded_at(log, through).await?;
        Ok(Listed { items, through, ended: !cut && last >= to, until })
    }

    /// When the event at this place was recorded; the beginning of time where there is none.
    async fn recorded_at(&self, log: &LogId, sequence: Sequence) -> Result<Timestamp, LogError> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT events.recorded_at FROM logs JOIN events ON events.log_id = logs.log_id AND events.sequence = $3
             WHERE logs.context = $1 AND logs.lane = $2",
        )
        .bind(&*log.context)
        .bind(i32::from(log.lane.number()))
        .bind(sequence.to_i64())
        .fetch_optional(&self.pool)
        .await?;
        Ok(Timestamp::from_micros(at.unwrap_or(i64::MIN)))
    }
}
