//! What can be asked of instances.

use kernel::{TenantId, Timestamp};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Store, StoreError, in_time, time};

/// Which instances are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those that have not ended.
    Open,
    Running,
    Compensating,
    Ended,
    /// Those that an operator has to look at.
    Stuck,
    All,
}

/// An instance in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) process: String,
    pub(crate) tenant: String,
    pub(crate) instance: Uuid,
    pub(crate) phase: String,
    pub(crate) stuck: Option<String>,
    pub(crate) begun_at: Timestamp,
    pub(crate) changed_at: Timestamp,
}

/// Everything about an instance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) listed: Listed,
    /// As it is kept: `kernel::Instance`.
    pub(crate) kept: Value,
    pub(crate) correlation_id: Uuid,
    pub(crate) commands: Vec<SentCommand>,
    pub(crate) history: Vec<(Timestamp, String)>,
    pub(crate) audit: Vec<Audited>,
}

/// A command that it wants sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SentCommand {
    pub(crate) key: String,
    pub(crate) attempts: i32,
    pub(crate) trouble: Option<String>,
    pub(crate) doubtful: bool,
    pub(crate) is_answered: bool,
    pub(crate) next_at: Timestamp,
}

/// What an operator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audited {
    pub(crate) at: Timestamp,
    pub(crate) action: String,
    pub(crate) by: String,
    pub(crate) reason: String,
    pub(crate) stuck: Option<String>,
}

/// How many there are of what, for metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) running: i64,
    pub(crate) compensating: i64,
    pub(crate) stuck: i64,
    pub(crate) timers: i64,
    pub(crate) timers_due: i64,
    pub(crate) commands: i64,
    pub(crate) commands_in_doubt: i64,
}

macro_rules! listed {
    () => {
        "process, tenant, instance, phase, coalesce(stuck, unanswered), (extract(epoch FROM begun_at) * 1000000)::bigint,
         (extract(epoch FROM changed_at) * 1000000)::bigint"
    };
}

const LIST: &str = concat!(
    "SELECT ",
    listed!(),
    " FROM processes.instances
      WHERE ($1::text IS NULL OR process = $1)
        AND ($2::text IS NULL OR tenant = $2)
        AND CASE $3 WHEN 'all' THEN true WHEN 'open' THEN phase <> 'ended' WHEN 'stuck' THEN stuck IS NOT NULL OR unanswered IS NOT NULL
                    ELSE phase = $3 END
        AND ($4::text IS NULL OR (process, tenant, instance) > ($4, $5, $6))
      ORDER BY process, tenant, instance
      LIMIT $7"
);

const SHOW: &str = concat!(
    "SELECT ",
    listed!(),
    ", kept, correlation_id FROM processes.instances WHERE process = $1 AND tenant = $2 AND instance = $3"
);

const COMMANDS: &str = "
    SELECT key, attempts, trouble, doubt <> 'none', reply IS NOT NULL, (extract(epoch FROM next_at) * 1000000)::bigint
      FROM processes.commands WHERE process = $1 AND tenant = $2 AND instance = $3";

/// The last lines, oldest first.
const HISTORY: &str = "
    SELECT at, what FROM (
        SELECT number, (extract(epoch FROM at) * 1000000)::bigint AS at, what
          FROM processes.history WHERE process = $1 AND tenant = $2 AND instance = $3
         ORDER BY number DESC LIMIT 500) AS last
     ORDER BY number";

const AUDIT: &str = "
    SELECT (extract(epoch FROM at) * 1000000)::bigint, action, actor, reason, stuck
      FROM processes.audit WHERE process = $1 AND tenant = $2 AND instance = $3
     ORDER BY number DESC LIMIT 100";

const CENSUS: &str = "
    SELECT (SELECT count(*) FROM processes.instances WHERE process = $1 AND phase = 'running'),
           (SELECT count(*) FROM processes.instances WHERE process = $1 AND phase = 'compensating'),
           (SELECT count(*) FROM processes.instances
             WHERE process = $1 AND (stuck IS NOT NULL OR unanswered IS NOT NULL)),
           (SELECT count(*) FROM processes.timers WHERE process = $1),
           (SELECT count(*) FROM processes.timers WHERE process = $1 AND at <= now()),
           (SELECT count(*) FROM processes.commands WHERE process = $1 AND reply IS NULL),
           (SELECT count(*) FROM processes.commands WHERE process = $1 AND reply IS NULL AND doubt <> 'none')";

impl Which {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Running => "running",
            Self::Compensating => "compensating",
            Self::Ended => "ended",
            Self::Stuck => "stuck",
            Self::All => "all",
        }
    }
}

impl Store {
    /// A page of instances of all processes, by process, tenant and id; an operator's, who sees every tenant's.
    pub(crate) async fn list(
        &self,
        process: Option<&str>,
        tenant: Option<&TenantId>,
        which: Which,
        after: Option<&(String, String, Uuid)>,
        most: i64,
    ) -> Result<Vec<Listed>, StoreError> {
        in_time(async {
            let rows = sqlx::query(LIST)
                .bind(process)
                .bind(tenant.map(TenantId::as_str))
                .bind(which.as_str())
                .bind(after.map(|(process, ..)| process))
                .bind(after.map(|(_, tenant, _)| tenant))
                .bind(after.map(|(.., instance)| instance))
                .bind(most)
                .fetch_all(&self.pool)
                .await?;
            rows.iter().map(listed).collect()
        })
        .await
    }

    /// One instance.
    pub(crate) async fn show(
        &self,
        process: &str,
        tenant: &TenantId,
        instance: Uuid,
    ) -> Result<Option<Shown>, StoreError> {
        in_time(async {
            let mut transaction = self.pool.begin().await?;
            // All of it as it was at one moment.
            sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                .execute(&mut *transaction)
                .await?;
            let of = |statement| sqlx::query(statement).bind(process).bind(tenant.as_str()).bind(instance);
            let Some(row) = of(SHOW).fetch_optional(&mut *transaction).await? else { return Ok(None) };
            let commands = of(COMMANDS).fetch_all(&mut *transaction).await?;
            let history = of(HISTORY).fetch_all(&mut *transaction).await?;
            let audit = of(AUDIT).fetch_all(&mut *transaction).await?;
            Ok(Some(Shown {
                listed: listed(&row)?,
                kept: row.try_get(7)?,
                correlation_id: row.try_get(8)?,
                commands: commands.iter().map(command).collect::<Result<_, _>>()?,
                history: history.iter().map(line).collect::<Result<_, _>>()?,
                audit: audit.iter().map(audited).collect::<Result<_, _>>()?,
            }))
        })
        .await
    }

    /// How many there are of what.
    pub(crate) async fn census(&self, process: &str) -> Result<Census, StoreError> {
        in_time(async {
            let row = sqlx::query(CENSUS).bind(process).fetch_one(&self.pool).await?;
            Ok(Census {
                running: row.try_get(0)?,
                compensating: row.try_get(1)?,
                stuck: row.try_get(2)?,
                timers: row.try_get(3)?,
                timers_due: row.try_get(4)?,
                commands: row.try_get(5)?,
                commands_in_doubt: row.try_get(6)?,
            })
        })
        .await
    }
}

fn listed(row: &PgRow) -> Result<Listed, StoreError> {
    Ok(Listed {
        process: row.try_get(0)?,
        tenant: row.try_get(1)?,
        instance: row.try_get(2)?,
        phase: row.try_get(3)?,
        stuck: row.try_get(4)?,
        begun_at: time(row.try_get(5)?),
        changed_at: time(row.try_get(6)?),
    })
}

fn command(row: &PgRow) -> Result<SentCommand, StoreError> {
    Ok(SentCommand {
        key: row.try_get(0)?,
        attempts: row.try_get(1)?,
        trouble: row.try_get(2)?,
        doubtful: row.try_get(3)?,
        is_answered: row.try_get(4)?,
        next_at: time(row.try_get(5)?),
    })
}

fn line(row: &PgRow) -> Result<(Timestamp, String), StoreError> {
    Ok((time(row.try_get(0)?), row.try_get(1)?))
}

fn audited(row: &PgRow) -> Result<Audited, StoreError> {
    Ok(Audited {
        at: time(row.try_get(0)?),
        action: row.try_get(1)?,
        by: row.try_get(2)?,
        reason: row.try_get(3)?,
        stuck: row.try_get(4)?,
    })
}
