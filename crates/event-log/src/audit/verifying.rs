//! Checking that the audit is what was written, and that the log still has what it was anchored to.

use std::collections::BTreeMap;

use kernel::{ChainHash, LogId, Sequence};
use sqlx::{query, query_scalar};

use super::{AuditHead, KeptEntry, chain, signed};
use crate::{EventLog, LogError};

/// Entries that are checked at a time.
const PAGE: i64 = 2_000;

/// An audit that was found whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditVerified {
    /// How many entries were checked.
    pub count: u64,
    /// How many of them say where logs stood.
    pub anchors: u64,
    /// Where it ends.
    pub head: AuditHead,
}

/// What is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditBroken {
    /// An entry is not there.
    #[error("entry {0} is missing")]
    Missing(u64),
    /// An entry is not what was written, or does not follow the one before.
    #[error("entry {0} is not what was written, or does not follow the one before")]
    Changed(u64),
    /// The head is not where the entries lead.
    #[error("the entries end at {0}, and the audit's head says something else")]
    Head(u64),
    /// The log is another one than when the entry was written, or was cut.
    #[error("entry {number} saw {log} at {sequence}, and the log has something else there")]
    Anchor {
        /// The entry.
        number: u64,
        /// The log.
        log: String,
        /// Where it stood.
        sequence: u64,
    },
    /// It is not the audit that somebody has seen.
    #[error("entry {0} is not the one that was seen")]
    Seen(u64),
}

/// Why an audit could not be found whole.
#[derive(Debug, thiserror::Error)]
pub enum VerifyAuditError {
    /// It is not.
    #[error(transparent)]
    Broken(#[from] AuditBroken),
    /// It could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl EventLog {
    /// Checks the audit from the oldest entry that is kept to the head that it has now. `seen` is a number and the chain
    /// that it had when somebody wrote it down elsewhere: who can write the database could make a whole chain anew, but
    /// not that one.
    pub async fn verify_audit(
        &self,
        seen: Option<(u64, ChainHash)>,
    ) -> Result<AuditVerified, VerifyAuditError> {
        let head = self.audit_head().await?;
        let (mut last, mut chain, mut anchors) = (head.removed, head.removed_chain, 0);
        let check_seen = |number, chain| match seen {
            Some((seen, was)) if seen == number && was != chain => Err(AuditBroken::Seen(number)),
            _ => Ok(()),
        };
        check_seen(last, chain)?;
        while last < head.number {
            let page = self.audit_page(last, head.number).await?;
            if page.is_empty() {
                return Err(AuditBroken::Missing(last + 1).into());
            }
            for kept in page {
                if kept.number != last + 1 {
                    return Err(AuditBroken::Missing(last + 1).into());
                }
                if kept.entry.chained(kept.number, kept.heads.as_deref(), &chain) != kept.chain {
                    return Err(AuditBroken::Changed(kept.number).into());
                }
                (last, chain) = (kept.number, kept.chain);
                check_seen(last, chain)?;
                if let Some(heads) = &kept.heads {
                    self.check_anchor(kept.number, heads).await?;
                    anchors += 1;
                }
            }
        }
        let is_more: bool = query_scalar("SELECT EXISTS (SELECT FROM audit WHERE number <= $1)")
            .bind(signed(head.removed))
            .fetch_one(&self.pool)
            .await
            .map_err(LogError::from)?;
        let beyond = seen.is_some_and(|(seen, _)| seen > head.number || seen < head.removed);
        if chain != head.chain || is_more {
            return Err(AuditBroken::Head(last).into());
        }
        if let (Some((seen, _)), true) = (seen, beyond) {
            return Err(AuditBroken::Missing(seen).into());
        }
        Ok(AuditVerified { count: head.number - head.removed, anchors, head })
    }

    async fn audit_page(&self, after: u64, to: u64) -> Result<Vec<KeptEntry>, LogError> {
        let rows = query(
            "SELECT number, at, id, correlation_id, sequence, log, tenant, actor, address, command, stream, outcome,
                    code, heads, chain
             FROM audit WHERE number > $1 AND number <= $2 ORDER BY number LIMIT $3",
        )
        .bind(signed(after))
        .bind(signed(to))
        .bind(PAGE)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(KeptEntry::read).collect()
    }

    async fn check_anchor(&self, number: u64, heads: &str) -> Result<(), VerifyAuditError> {
        let heads: BTreeMap<String, String> =
            serde_json::from_str(heads).map_err(|_| AuditBroken::Changed(number))?;
        for (log, head) in heads {
            let parsed = head.split_once(':').and_then(|(sequence, chain)| {
                Some((log.parse::<LogId>().ok()?, sequence.parse::<u64>().ok()?, ChainHash::from_hex(chain)?))
            });
            let (id, sequence, was) = parsed.ok_or(AuditBroken::Changed(number))?;
            if self.chain_at(&id, Sequence::new(sequence)).await? != Some(was) {
                return Err(AuditBroken::Anchor { number, log, sequence }.into());
            }
        }
        Ok(())
    }

    async fn chain_at(&self, log: &LogId, sequence: Sequence) -> Result<Option<ChainHash>, LogError> {
        let found: Option<Vec<u8>> = query_scalar(
            "SELECT events.chain FROM logs JOIN events ON events.log_id = logs.log_id AND events.sequence = $3
             WHERE logs.context = $1 AND logs.lane = $2",
        )
        .bind(&*log.context)
        .bind(i32::from(log.lane.number()))
        .bind(sequence.to_i64())
        .fetch_optional(&self.pool)
        .await?;
        found.as_deref().map(chain).transpose()
    }
}
