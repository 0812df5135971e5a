//! Who asked for what: commands that were carried out are in the log, with who sent them; what it lacks is here.
//!
//! Entries are a chain of their own, as events are: each names the one before by its hash, and now and then one holds
//! where the logs stood. What is changed, taken out or put in later does not fit, and neither does a log that was cut
//! behind such an anchor. Entries are written in batches under the lock of the audit's own head, which no append
//! waits for.

mod listing;
mod verifying;

use std::collections::BTreeMap;

use kernel::{Actor, ChainHash, LogId, Sequence, StreamName, TenantId, Timestamp};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row, query, query_scalar};
use uuid::Uuid;

pub use listing::{Asked, AuditFilter, Listed};
pub use verifying::{AuditBroken, AuditVerified, VerifyAuditError};

use crate::{EventLog, LogError};

/// Entries that one call removes.
const REMOVED_MOST: i64 = 5_000;

/// What was asked and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its own, so that it is written once.
    pub id: Uuid,
    /// When it was asked.
    pub at: Timestamp,
    /// In whose tenant.
    pub tenant: Option<TenantId>,
    /// By whom.
    pub actor: Option<Actor>,
    /// From where.
    pub address: Option<String>,
    /// The command: `catalog/create-product`.
    pub command: Option<String>,
    /// What it was about, where that is known.
    pub stream: Option<StreamName>,
    /// What became of it.
    pub outcome: AuditOutcome,
    /// The rule that refused it, or the kind of problem; of [`AuditOutcome::Unrecorded`], how many.
    pub code: Option<String>,
    /// Ties it to what began with the same request.
    pub correlation_id: Option<Uuid>,
    /// Of an accepted command, its last event.
    pub place: Option<(LogId, Sequence)>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    /// It was carried out.
    Accepted,
    /// A rule refused it, or it made no sense.
    Refused,
    /// The token was good, and does not allow it.
    Forbidden,
    /// So many entries before this one were not written.
    Unrecorded,
}

impl AuditOutcome {
    /// As it is kept and told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Forbidden => "forbidden",
            Self::Unrecorded => "unrecorded",
        }
    }

    fn read(text: &str) -> Result<Self, LogError> {
        let all = [Self::Accepted, Self::Refused, Self::Forbidden, Self::Unrecorded];
        let known = all.into_iter().find(|outcome| outcome.as_str() == text);
        known.ok_or_else(|| LogError::Corrupt(format!("{text:?} is no outcome")))
    }
}

/// Where the audit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// The number of the last entry; they are counted from 1, without a gap.
    pub number: u64,
    /// The chain up to and with it.
    pub chain: ChainHash,
    /// Entries up to and with this number were removed after their time.
    pub removed: u64,
    removed_chain: ChainHash,
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptEntry {
    pub(crate) number: u64,
    pub(crate) entry: AuditEntry,
    /// Where logs stood: `{"catalog/3":"1042:<chain>"}`.
    pub(crate) heads: Option<String>,
    pub(crate) chain: ChainHash,
}

impl AuditEntry {
    /// Everything of it, each part with its length, so that no two entries say the same bytes.
    fn chained(&self, number: u64, heads: Option<&str>, before: &ChainHash) -> ChainHash {
        let mut digest = Sha256::new();
        let mut part = |bytes: Option<&[u8]>| {
            let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
            digest.update(length.to_be_bytes());
            digest.update(bytes.unwrap_or_default());
        };
        part(Some(before.as_bytes()));
        part(Some(&number.to_be_bytes()));
        part(Some(self.id.as_bytes()));
        part(Some(&self.at.micros().to_be_bytes()));
        part(self.tenant.as_ref().map(|tenant| tenant.as_str().as_bytes()));
        part(self.actor.as_ref().map(|actor| actor.as_str().as_bytes()));
        part(self.address.as_ref().map(String::as_bytes));
        part(self.command.as_ref().map(String::as_bytes));
        part(self.stream.as_ref().map(|stream| stream.as_str().as_bytes()));
        part(Some(self.outcome.as_str().as_bytes()));
        part(self.code.as_ref().map(String::as_bytes));
        part(self.correlation_id.as_ref().map(|id| id.as_bytes().as_slice()));
        let place = self.place.as_ref().map(|(log, sequence)| log.at(*sequence).to_string());
        part(place.as_ref().map(String::as_bytes));
        part(heads.map(str::as_bytes));
        ChainHash::from_bytes(&digest.finalize()).unwrap_or(ChainHash::GENESIS)
    }
}

impl EventLog {
    /// Writes entries behind the last one. `anchored` keeps with the last of them where every log stands. A repeat of a
    /// batch that was written, its answer lost, changes nothing.
    pub async fn write_audit(&self, entries: &[AuditEntry], anchored: bool) -> Result<(), LogError> {
        let Some(first) = entries.first() else { return Ok(()) };
        let mut transaction = self.pool.begin().await?;
        let head = locked_head(&mut transaction).await?;
        let known = query_scalar("SELECT EXISTS (SELECT FROM audit WHERE id = $1)").bind(first.id);
        if known.fetch_one(&mut *transaction).await? {
            return Ok(());
        }
        let heads = if anchored { Some(heads(&mut transaction).await?) } else { None };
        let (mut number, mut chain) = (head.number, head.chain);
        let (mut numbers, mut chains, mut anchors) = (Vec::new(), Vec::new(), Vec::new());
        for (place, entry) in (1..).zip(entries) {
            number += 1;
            let anchor = heads.clone().filter(|_| place == entries.len());
            chain = entry.chained(number, anchor.as_deref(), &chain);
            numbers.push(signed(number));
            chains.push(chain.as_bytes().to_vec());
            anchors.push(anchor);
        }
        let text =
            |of: fn(&AuditEntry) -> Option<&str>| -> Vec<Option<&str>> { entries.iter().map(of).collect() };
        let places = |entry: &AuditEntry| entry.place.as_ref().map(|(log, _)| log.to_string());
        query(include_str!("../queries/audit/write.sql"))
            .bind(numbers)
            .bind(entries.iter().map(|entry| entry.at.micros()).collect::<Vec<_>>())
            .bind(entries.iter().map(|entry| entry.id).collect::<Vec<_>>())
            .bind(entries.iter().map(|entry| entry.correlation_id).collect::<Vec<_>>())
            .bind(
                entries
                    .iter()
                    .map(|entry| entry.place.as_ref().map(|(_, sequence)| sequence.to_i64()))
                    .collect::<Vec<_>>(),
            )
            .bind(entries.iter().map(places).collect::<Vec<_>>())
            .bind(text(|entry| entry.tenant.as_ref().map(TenantId::as_str)))
            .bind(text(|entry| entry.actor.as_ref().map(Actor::as_str)))
            .bind(text(|entry| entry.address.as_deref()))
            .bind(text(|entry| entry.command.as_deref()))
            .bind(text(|entry| entry.stream.as_ref().map(StreamName::as_str)))
            .bind(text(|entry| Some(entry.outcome.as_str())))
            .bind(text(|entry| entry.code.as_deref()))
            .bind(anchors)
            .bind(chains)
            .execute(&mut *transaction)
            .await?;
        query("UPDATE audit_head SET number = $1, chain = $2")
            .bind(signed(number))
            .bind(chain.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Where the audit ends.
    pub async fn audit_head(&self) -> Result<AuditHead, LogError> {
        let row = query("SELECT number, chain, removed, removed_chain FROM audit_head");
        read_head(&row.fetch_one(&self.pool).await?)
    }

    /// Removes some entries from before a time, the oldest first and without leaving a gap; says how many.
    pub async fn remove_audit_before(&self, time: Timestamp) -> Result<u64, LogError> {
        let mut transaction = self.pool.begin().await?;
        let head = locked_head(&mut transaction).await?;
        // Times are those of several machines: what is newer stays, with all that follows it.
        let through: Option<i64> = query_scalar(
            "SELECT CASE WHEN aged IS NOT NULL THEN least($1 + $3, aged) END
               FROM (SELECT coalesce((SELECT min(number) - 1 FROM audit WHERE at >= $2),
                                     (SELECT max(number) FROM audit))) AS through (aged)",
        )
        .bind(signed(head.removed))
        .bind(time.micros())
        .bind(REMOVED_MOST)
        .fetch_one(&mut *transaction)
        .await?;
        let Some(through) = through.filter(|through| *through > signed(head.removed)) else { return Ok(0) };
        let chain: Vec<u8> = query_scalar("SELECT chain FROM audit WHERE number = $1")
            .bind(through)
            .fetch_one(&mut *transaction)
            .await?;
        let removed =
            query("DELETE FROM audit WHERE number <= $1").bind(through).execute(&mut *transaction).await?;
        query("UPDATE audit_head SET removed = $1, removed_chain = $2")
            .bind(through)
            .bind(chain)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(removed.rows_affected())
    }
}

/// Locks it until the transaction ends.
async fn locked_head(connection: &mut PgConnection) -> Result<AuditHead, LogError> {
    let row = query("SELECT number, chain, removed, removed_chain FROM audit_head FOR NO KEY UPDATE");
    read_head(&row.fetch_one(connection).await?)
}

fn read_head(row: &PgRow) -> Result<AuditHead, LogError> {
    Ok(AuditHead {
        number: unsigned(row.try_get(0)?),
        chain: chain(row.try_get(1)?)?,
        removed: unsigned(row.try_get(2)?),
        removed_chain: chain(row.try_get(3)?)?,
    })
}

/// Where every log stands, as it is kept with an entry.
async fn heads(connection: &mut PgConnection) -> Result<String, LogError> {
    let rows =
        query("SELECT context, lane, sequence, chain FROM logs WHERE sequence > 0 ORDER BY context, lane")
            .fetch_all(connection)
            .await?;
    let mut heads = BTreeMap::new();
    for row in rows {
        let (context, lane): (&str, i32) = (row.try_get(0)?, row.try_get(1)?);
        let (sequence, head): (i64, ChainHash) = (row.try_get(2)?, chain(row.try_get(3)?)?);
        heads.insert(format!("{context}/{lane}"), format!("{sequence}:{head}"));
    }
    serde_json::to_string(&heads).map_err(|error| LogError::Corrupt(error.to_string()))
}

impl KeptEntry {
    /// Columns as in `queries/audit/list.sql`.
    fn read(row: &PgRow) -> Result<Self, LogError> {
        let corrupt = |error: kernel::InvalidIdentifier| LogError::Corrupt(error.to_string());
        let (tenant, stream): (Option<&str>, Option<&str>) = (row.try_get(6)?, row.try_get(10)?);
        let (log, sequence): (Option<&str>, Option<i64>) = (row.try_get(5)?, row.try_get(4)?);
        let place = log.zip(sequence).map(|(log, sequence)| {
            let log: LogId = log.parse().map_err(|_| LogError::Corrupt(format!("{log:?} is no log")))?;
            Ok::<_, LogError>((log, Sequence::from_i64(sequence)))
        });
        Ok(Self {
            number: unsigned(row.try_get(0)?),
            entry: AuditEntry {
                at: Timestamp::from_micros(row.try_get(1)?),
                id: row.try_get(2)?,
                correlation_id: row.try_get(3)?,
                place: place.transpose()?,
                tenant: tenant.map(TenantId::new).transpose().map_err(corrupt)?,
                actor: row.try_get::<Option<&str>, _>(7)?.map(Actor::new),
                address: row.try_get(8)?,
                command: row.try_get(9)?,
                stream: stream.map(StreamName::parse).transpose().map_err(corrupt)?,
                outcome: AuditOutcome::read(row.try_get(11)?)?,
                code: row.try_get(12)?,
            },
            heads: row.try_get(13)?,
            chain: chain(row.try_get(14)?)?,
        })
    }
}

fn chain(bytes: &[u8]) -> Result<ChainHash, LogError> {
    ChainHash::from_bytes(bytes).ok_or_else(|| LogError::Corrupt("a chain has 32 bytes".to_owned()))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
