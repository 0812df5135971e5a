//! What instances have to hear: events of the inbox, answers, timers.

use std::collections::HashMap;

use kernel::{Reply, TenantId, Timestamp};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::writes::Cause;
use super::{StoreError, time};
use crate::engine::{INPUTS_MOST, Input, What};
use crate::inbox::{Arrived, BUILD};

/// Which instance of a process.
pub(super) type Address = (String, Uuid);

/// Statements about the inbox of a process, made once. They carry the name of its table, made from a constant of the
/// program.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(super) find: String,
    pub(super) begin: String,
    pub(super) leave_early: String,
    pub(super) forget: String,
    events: String,
    pub(super) heard: String,
    /// The table.
    pub(super) rows: String,
}

/// The keys of the rows of an instance lie between `<instance>/` and `<instance>0`.
const OF_INSTANCE: &str = "r.tenant = wanted.tenant AND r.key >= wanted.instance::text || '/' AND r.key < wanted.instance::text || '0'";

const MICROS: &str = "(extract(epoch FROM now()) * 1000000)::bigint";

impl Inputs {
    pub(crate) fn of(process: &'static str) -> Self {
        let rows = format!("{}_v{BUILD}.rows", process.replace('-', "_"));
        // Those that wait longest first.
        let find = format!(
            "SELECT DISTINCT due.tenant, due.instance FROM (
                (SELECT r.tenant, r.instance
                   FROM {rows} AS r
                   LEFT JOIN processes.instances AS i
                     ON i.process = $1 AND i.tenant = r.tenant AND i.instance = r.instance
                  WHERE r.state = 'waiting' AND NOT coalesce(i.parked, false)
                  ORDER BY r.arrived LIMIT $2)
                UNION ALL
                (SELECT c.tenant, c.instance
                   FROM processes.commands AS c JOIN processes.instances AS i USING (process, tenant, instance)
                  WHERE c.process = $1 AND c.news AND NOT i.parked
                  ORDER BY c.noted_at LIMIT $2)
                UNION ALL
                (SELECT t.tenant, t.instance
                   FROM processes.timers AS t JOIN processes.instances AS i USING (process, tenant, instance)
                  WHERE t.process = $1 AND t.at <= now() AND NOT i.parked
                  ORDER BY t.at LIMIT $2)
             ) AS due"
        );
        // In the order of their keys, so that two managers which begin the same do not wait for each other in a ring.
        let begin = format!(
            "INSERT INTO processes.instances
                (process, tenant, instance, kept, phase, correlation_id, causation_id, traceparent)
             SELECT DISTINCT ON (r.tenant, r.instance) $1, r.tenant, r.instance, $4, 'running',
                    (r.row ->> 'correlation_id')::uuid, (r.row ->> 'id')::uuid, r.row ->> 'traceparent'
               FROM unnest($2::text[], $3::uuid[]) AS wanted (tenant, instance)
               JOIN {rows} AS r ON {OF_INSTANCE}
              WHERE r.starts AND r.state <> 'heard'
              ORDER BY r.tenant, r.instance, r.key
             ON CONFLICT DO NOTHING"
        );
        // For an instance that nothing has begun yet: not looked at again before that.
        let leave_early = format!(
            "UPDATE {rows} AS r SET state = 'early'
               FROM unnest($2::text[], $3::uuid[]) AS wanted (tenant, instance)
              WHERE {OF_INSTANCE} AND r.state = 'waiting'
                AND NOT EXISTS (SELECT 1 FROM processes.instances AS i
                                 WHERE i.process = $1 AND i.tenant = wanted.tenant
                                   AND i.instance = wanted.instance)
                AND NOT EXISTS (SELECT 1 FROM {rows} AS s
                                 WHERE s.tenant = wanted.tenant AND s.key >= wanted.instance::text || '/'
                                   AND s.key < wanted.instance::text || '0' AND s.starts)"
        );
        let events = format!(
            "SELECT found.tenant, found.instance, found.key, found.row
               FROM unnest($1::text[], $2::uuid[]) AS wanted (tenant, instance)
              CROSS JOIN LATERAL (
                    SELECT r.tenant, r.instance, r.key, r.row
                      FROM {rows} AS r
                     WHERE {OF_INSTANCE} AND r.state <> 'heard'
                     ORDER BY r.key LIMIT {INPUTS_MOST}) AS found
              ORDER BY found.tenant, found.key"
        );
        let heard = format!(
            "UPDATE {rows} AS r SET state = 'heard'
               FROM unnest($1::text[], $2::text[]) AS heard (tenant, key)
              WHERE r.tenant = heard.tenant AND r.key = heard.key"
        );
        let forget = super::sweeping::forget(&rows, OF_INSTANCE);
        Self { find, begin, leave_early, forget, events, heard, rows }
    }
}

const ANSWERS: &str = "
    SELECT c.tenant, c.instance, c.key, c.doubt = 'news', CASE WHEN c.heard THEN NULL ELSE c.reply END, c.event_id,
           (extract(epoch FROM c.noted_at) * 1000000)::bigint
      FROM unnest($2::text[], $3::uuid[]) AS wanted (tenant, instance)
      JOIN processes.commands AS c
        ON c.process = $1 AND c.tenant = wanted.tenant AND c.instance = wanted.instance
     WHERE c.news
     ORDER BY c.noted_at, c.key";

const TIMERS: &str = "
    SELECT t.tenant, t.instance, t.name, (extract(epoch FROM t.at) * 1000000)::bigint
      FROM unnest($2::text[], $3::uuid[]) AS wanted (tenant, instance)
      JOIN processes.timers AS t
        ON t.process = $1 AND t.tenant = wanted.tenant AND t.instance = wanted.instance
     WHERE t.at <= now()
     ORDER BY t.at, t.name";

/// An instance in hand.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) tenant: TenantId,
    pub(super) instance: Uuid,
    pub(super) kept: Value,
    pub(super) revision: i64,
    pub(super) heard: i64,
    pub(super) cause: Cause,
    /// Why an operator has to look at it already.
    pub(super) stuck: Option<String>,
}

/// An input, and where it is kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) input: Input,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) enum Place {
    Row(String),
    Doubt(String),
    Reply(String),
    /// Taking it in takes it away.
    Timer,
}

/// What the instances have to hear, each in the order in which it came about.
pub(super) async fn inputs_of(
    connection: &mut PgConnection,
    process: &str,
    inputs: &Inputs,
    held: &[Held],
) -> Result<HashMap<Address, Vec<Kept>>, StoreError> {
    let tenants: Vec<&str> = held.iter().map(|held| held.tenant.as_str()).collect();
    let instances: Vec<Uuid> = held.iter().map(|held| held.instance).collect();
    let mut waiting: HashMap<Address, Vec<Kept>> = HashMap::new();
    let events = sqlx::query(AssertSqlSafe(inputs.events.as_str()))
        .bind(&tenants)
        .bind(&instances)
        .fetch_all(&mut *connection)
        .await?;
    for row in &events {
        let unreadable = |_| StoreError::Refused("an event that waits does not read".to_owned());
        let arrived: Arrived = serde_json::from_value(row.try_get(3)?).map_err(unreadable)?;
        let input = Input { at: arrived.recorded_at, what: What::Event(Box::new(arrived)) };
        let place = Place::Row(row.try_get(2)?);
        waiting.entry(address(row)?).or_default().push(Kept { input, place });
    }
    let answers = sqlx::query(ANSWERS)
        .bind(process)
        .bind(&tenants)
        .bind(&instances)
        .fetch_all(&mut *connection)
        .await?;
    for row in &answers {
        let of = waiting.entry(address(row)?).or_default();
        let (key, event_id): (String, Option<Uuid>) = (row.try_get(2)?, row.try_get(5)?);
        let at = time(row.try_get(6)?);
        let answer = |reply| Input { at, what: What::Answer { key: key.clone(), reply, event_id } };
        if row.try_get(3)? {
            of.push(Kept { input: answer(Reply::Unknown), place: Place::Doubt(key.clone()) });
        }
        if let Some(reply) = row.try_get::<Option<Value>, _>(4)? {
            let unreadable = |_| StoreError::Refused("an answer that waits does not read".to_owned());
            let reply = serde_json::from_value(reply).map_err(unreadable)?;
            of.push(Kept { input: answer(reply), place: Place::Reply(key.clone()) });
        }
    }
    let timers =
        sqlx::query(TIMERS).bind(process).bind(&tenants).bind(&instances).fetch_all(&mut *connection).await?;
    for row in &timers {
        let input = Input { at: time(row.try_get(3)?), what: What::Timer { name: row.try_get(2)? } };
        waiting.entry(address(row)?).or_default().push(Kept { input, place: Place::Timer });
    }
    for of in waiting.values_mut() {
        // Stable: events stay in the order of their log, whose times never run backwards.
        of.sort_by_key(|kept| kept.input.at);
        of.truncate(INPUTS_MOST);
    }
    Ok(waiting)
}

/// The time of the transaction.
pub(super) async fn now(connection: &mut PgConnection) -> Result<Timestamp, StoreError> {
    let micros: i64 =
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT {MICROS}"))).fetch_one(connection).await?;
    Ok(time(micros))
}

impl Held {
    pub(super) fn read(row: &PgRow) -> Result<Self, StoreError> {
        let tenant: &str = row.try_get(0)?;
        Ok(Self {
            tenant: TenantId::new(tenant).map_err(|error| StoreError::Refused(error.to_string()))?,
            instance: row.try_get(1)?,
            kept: row.try_get(2)?,
            revision: row.try_get(3)?,
            heard: row.try_get(4)?,
            cause: Cause {
                correlation_id: row.try_get(5)?,
                causation_id: row.try_get(6)?,
                traceparent: row.try_get(7)?,
            },
            stuck: row.try_get(8)?,
        })
    }
}

/// Columns: tenant, instance.
pub(super) fn address(row: &PgRow) -> Result<Address, StoreError> {
    Ok((row.try_get(0)?, row.try_get(1)?))
}
