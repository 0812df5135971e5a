//! Commands on their way: whoever claims one sends it and says what came of it.

use std::time::Duration;

use kernel::{Reply, TenantId};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Store, StoreError, in_time};

/// A command to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(crate) process: String,
    pub(crate) tenant: TenantId,
    pub(crate) instance: Uuid,
    pub(crate) key: String,
    pub(crate) context: String,
    pub(crate) name: String,
    pub(crate) body: String,
    pub(crate) correlation_id: Uuid,
    pub(crate) causation_id: Option<Uuid>,
    pub(crate) traceparent: Option<String>,
    /// How often it was sent, this time included.
    pub(crate) attempts: i32,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// A definite outcome, and the last event that it recorded.
    Definite(Reply, Option<Uuid>),
    /// Nothing was done, for now: sent again after a pause.
    NotDone { why: String, pause: Duration },
    /// Nobody knows: sent again after a pause.
    Unknown { why: String, pause: Duration },
}

/// A command and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) command: Claimed,
    pub(crate) settlement: Settlement,
}

/// Takes commands that are due, those that wait longest first, until they are settled or the lease runs out. One that
/// was on its way was lost with whoever sent it: its outcome is not known. A time that lies further ahead than any
/// pause is from before the clock was set back.
const CLAIM: &str = "
    UPDATE processes.commands AS c
       SET attempts = c.attempts + 1, on_its_way = true, next_at = now() + $3 * interval '1 millisecond',
           doubt = CASE WHEN c.on_its_way AND c.doubt = 'none' THEN 'news' ELSE c.doubt END,
           noted_at = CASE WHEN c.on_its_way AND c.doubt = 'none' THEN now() ELSE c.noted_at END
      FROM (SELECT process, tenant, instance, key
              FROM processes.commands
             WHERE reply IS NULL AND process = ANY ($1)
               AND (next_at <= now() OR next_at > now() + interval '10 minutes')
             ORDER BY next_at
             LIMIT $2
               FOR UPDATE SKIP LOCKED) AS due
     WHERE c.process = due.process AND c.tenant = due.tenant AND c.instance = due.instance AND c.key = due.key
    RETURNING c.process, c.tenant, c.instance, c.key, c.context, c.name, c.body, c.correlation_id, c.causation_id,
              c.traceparent, c.attempts";

/// Counts only for the attempt that was claimed: one that was claimed again since is somebody else's.
const SETTLE: &str = "
    UPDATE processes.commands AS c
       SET on_its_way = false, reply = s.reply::jsonb, event_id = s.event_id, trouble = s.trouble,
           doubt = CASE WHEN s.doubtful AND c.doubt = 'none' THEN 'news' ELSE c.doubt END,
           noted_at = CASE WHEN s.reply IS NOT NULL OR (s.doubtful AND c.doubt = 'none') THEN now()
                           ELSE c.noted_at END,
           next_at = now() + s.pause * interval '1 millisecond'
      FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::integer[], $6::text[], $7::uuid[],
                  $8::boolean[], $9::text[], $10::bigint[])
        AS s (process, tenant, instance, key, attempts, reply, event_id, doubtful, trouble, pause)
     WHERE c.process = s.process AND c.tenant = s.tenant AND c.instance = s.instance AND c.key = s.key
       AND c.attempts = s.attempts AND c.on_its_way AND c.reply IS NULL";

impl Store {
    /// Takes up to `most` commands of these processes.
    pub(crate) async fn claim(
        &self,
        processes: &[&'static str],
        most: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        in_time(async {
            let rows = sqlx::query(CLAIM)
                .bind(processes)
                .bind(i64::try_from(most).unwrap_or(i64::MAX))
                .bind(millis(lease))
                .fetch_all(&self.pool)
                .await?;
            rows.iter()
                .map(|row| {
                    let tenant: &str = row.try_get(1)?;
                    Ok(Claimed {
                        process: row.try_get(0)?,
                        tenant: TenantId::new(tenant)
                            .map_err(|error| StoreError::Refused(error.to_string()))?,
                        instance: row.try_get(2)?,
                        key: row.try_get(3)?,
                        context: row.try_get(4)?,
                        name: row.try_get(5)?,
                        body: row.try_get(6)?,
                        correlation_id: row.try_get(7)?,
                        causation_id: row.try_get(8)?,
                        traceparent: row.try_get(9)?,
                        attempts: row.try_get(10)?,
                    })
                })
                .collect()
        })
        .await
    }

    /// Notes what came of these. Noted twice, it counts once.
    pub(crate) async fn settle(&self, settled: &[Settled]) -> Result<(), StoreError> {
        let commands = || settled.iter().map(|settled| &settled.command);
        let processes: Vec<&str> = commands().map(|command| command.process.as_str()).collect();
        let tenants: Vec<&str> = commands().map(|command| command.tenant.as_str()).collect();
        let instances: Vec<Uuid> = commands().map(|command| command.instance).collect();
        let keys: Vec<&str> = commands().map(|command| command.key.as_str()).collect();
        let attempts: Vec<i32> = commands().map(|command| command.attempts).collect();
        let (mut replies, mut events) = (Vec::new(), Vec::new());
        let (mut doubtful, mut troubles, mut pauses) = (Vec::new(), Vec::new(), Vec::new());
        for Settled { settlement, .. } in settled {
            let (reply, event, doubt, trouble, pause) = match settlement {
                Settlement::Definite(reply, event) => {
                    let reply = serde_json::to_string(reply)
                        .map_err(|error| StoreError::Refused(error.to_string()))?;
                    (Some(reply), *event, false, None, Duration::ZERO)
                }
                Settlement::NotDone { why, pause } => (None, None, false, Some(why.as_str()), *pause),
                Settlement::Unknown { why, pause } => (None, None, true, Some(why.as_str()), *pause),
            };
            replies.push(reply);
            events.push(event);
            doubtful.push(doubt);
            troubles.push(trouble);
            pauses.push(millis(pause));
        }
        in_time(async {
            sqlx::query(SETTLE)
                .bind(processes)
                .bind(tenants)
                .bind(instances)
                .bind(keys)
                .bind(attempts)
                .bind(replies)
                .bind(events)
                .bind(doubtful)
                .bind(troubles)
                .bind(pauses)
                .execute(&self.pool)
                .await?;
            Ok(())
        })
        .await
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
