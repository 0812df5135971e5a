//! What is done about instances that nothing happens to: those whose commands get no answer are shown to operators,
//! and those that ended long ago are removed. Each call does a bounded amount, and passes over what others have in hand.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Row as _};

use super::inputs::Inputs;
use super::outgoing::millis;
use super::told::Stuck;
use super::{Store, StoreError, in_time};

/// Most instances that a call takes.
const INSTANCES_MOST: i64 = 200;

/// The command that has waited longest says why. The instance is not held up: whatever else it hears, it hears.
const MARK: &str = "
    WITH overdue AS (
        SELECT DISTINCT ON (c.tenant, c.instance) c.tenant, c.instance,
               c.key || ': no definite answer since '
                     || to_char(c.asked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
                     || coalesce(': ' || c.trouble, '') AS why
          FROM processes.commands AS c
          JOIN processes.instances AS i USING (process, tenant, instance)
         WHERE c.process = $1 AND c.reply IS NULL AND c.attempts > 0
           AND c.asked_at < now() - $2 * interval '1 millisecond' AND i.unanswered IS NULL
         ORDER BY c.tenant, c.instance, c.asked_at
         LIMIT $3
    ), free AS (
        SELECT i.tenant, i.instance, overdue.why
          FROM processes.instances AS i JOIN overdue USING (tenant, instance)
         WHERE i.process = $1 AND i.unanswered IS NULL
           FOR UPDATE OF i SKIP LOCKED
    )
    UPDATE processes.instances AS i SET unanswered = free.why
      FROM free
     WHERE i.process = $1 AND i.tenant = free.tenant AND i.instance = free.instance
    RETURNING i.tenant, i.instance, i.correlation_id, i.traceparent, i.unanswered";

/// Removes instances that ended long ago, with their events; commands, timers and history go along. `$1` process, `$2`
/// milliseconds, `$3` how many. What an operator has to look at stays, and what has something to hear.
pub(super) fn forget(rows: &str, of_instance: &str) -> String {
    format!(
        "WITH wanted AS (
            SELECT i.tenant, i.instance
              FROM processes.instances AS i
             WHERE i.process = $1 AND i.phase = 'ended' AND i.changed_at < now() - $2 * interval '1 millisecond'
               AND i.stuck IS NULL AND i.unanswered IS NULL
               AND NOT EXISTS (SELECT FROM processes.commands AS c
                                WHERE c.process = $1 AND c.tenant = i.tenant AND c.instance = i.instance
                                  AND (c.reply IS NULL OR NOT c.heard))
               AND NOT EXISTS (SELECT FROM {rows} AS r
                                WHERE r.tenant = i.tenant AND r.key >= i.instance::text || '/'
                                  AND r.key < i.instance::text || '0' AND r.state <> 'heard')
             ORDER BY i.changed_at
             LIMIT $3
               FOR UPDATE OF i SKIP LOCKED
         ), events AS (
            DELETE FROM {rows} AS r USING wanted WHERE {of_instance}
         )
         DELETE FROM processes.instances AS i USING wanted
          WHERE i.process = $1 AND i.tenant = wanted.tenant AND i.instance = wanted.instance"
    )
}

impl Store {
    /// Marks instances of which a command was sent and has had no definite answer for so long. Each is told of once;
    /// it stays marked until an answer is heard, or an operator acts.
    pub(crate) async fn mark_unanswered(
        &self,
        process: &'static str,
        after: Duration,
    ) -> Result<(), StoreError> {
        let marked = in_time(async {
            let marked = sqlx::query(MARK).bind(process).bind(millis(after)).bind(INSTANCES_MOST);
            marked.fetch_all(&self.pool).await?.iter().map(stuck).collect::<Result<Vec<_>, _>>()
        });
        marked.await?.iter().for_each(|stuck| stuck.say(process));
        Ok(())
    }

    /// Removes some instances that ended so long ago; says how many.
    pub(crate) async fn forget_ended(
        &self,
        process: &'static str,
        inputs: &Inputs,
        after: Duration,
    ) -> Result<u64, StoreError> {
        in_time(async {
            let forgotten = sqlx::query(AssertSqlSafe(inputs.forget.as_str()))
                .bind(process)
                .bind(millis(after))
                .bind(INSTANCES_MOST)
                .execute(&self.pool)
                .await?;
            Ok(forgotten.rows_affected())
        })
        .await
    }

    /// Whether the lane runtime has made what events of the process arrive in.
    pub(crate) async fn inbox_is_there(&self, inputs: &Inputs) -> Result<(), StoreError> {
        let there = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(&inputs.rows);
        if there.fetch_one(&self.pool).await? {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!("{} is not there yet", inputs.rows)))
    }
}

fn stuck(row: &sqlx::postgres::PgRow) -> Result<Stuck, StoreError> {
    Ok(Stuck {
        tenant: row.try_get(0)?,
        instance: row.try_get(1)?,
        correlation_id: row.try_get(2)?,
        traceparent: row.try_get(3)?,
        why: row.try_get(4)?,
    })
}
