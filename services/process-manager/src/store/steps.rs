//! A step: some instances, each by what it has to hear.
//!
//! ```text
//! found ─► begun, where an event begins it ─► locked ─► inputs read ─► heard (pure) ─► written ─► committed
//! ```
//!
//! A crash anywhere before the commit leaves everything as it was. What others have locked is left to them.

use std::collections::{BTreeMap, HashMap};

use kernel::{Outgoing, Phase, Reply, TenantId, Timestamp};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::{Store, StoreError, in_time, time};
use crate::engine::{Engine, INPUTS_MOST, Input, Of, Stepped, What};
use crate::inbox::{Arrived, BUILD};

/// Which instance of a process.
type Address = (String, Uuid);

/// Statements about the inbox of a process, made once. They carry the name of its table, made from a constant of the
/// program.
#[derive(Debug)]
pub(crate) struct Inputs {
    find: String,
    begin: String,
    leave_early: String,
    events: String,
    heard: String,
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
        Self { find, begin, leave_early, events, heard }
    }
}

/// Locks those of the instances that nobody else has in hand.
const LOCK: &str = "
    SELECT i.tenant, i.instance, i.kept, i.revision, i.heard, i.correlation_id, i.causation_id, i.traceparent
      FROM processes.instances AS i
      JOIN unnest($2::text[], $3::uuid[]) AS wanted (tenant, instance)
        ON i.tenant = wanted.tenant AND i.instance = wanted.instance
     WHERE i.process = $1 AND NOT i.parked
       FOR UPDATE OF i SKIP LOCKED";

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

/// Replies that were heard, and doubts.
const ANSWERS_HEARD: &str = "
    UPDATE processes.commands AS c
       SET heard = c.heard OR told.reply, doubt = CASE WHEN told.doubt THEN 'told' ELSE c.doubt END
      FROM unnest($2::text[], $3::uuid[], $4::text[], $5::boolean[], $6::boolean[])
        AS told (tenant, instance, key, reply, doubt)
     WHERE c.process = $1 AND c.tenant = told.tenant AND c.instance = told.instance AND c.key = told.key";

/// One that was sent before and answered is sent once more, after a pause that grows with the attempts.
const SEND: &str = "
    INSERT INTO processes.commands AS c
        (process, tenant, instance, key, context, name, body, correlation_id, causation_id, traceparent)
    SELECT $1, * FROM unnest($2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[],
                             $9::uuid[], $10::text[])
    ON CONFLICT (process, tenant, instance, key) DO UPDATE
       SET reply = NULL, heard = false, trouble = coalesce(c.reply::text, c.trouble),
           next_at = now() + CASE WHEN $11 THEN interval '0' ELSE
               least(interval '1 minute', interval '100 milliseconds' * power(2, least(c.attempts, 16))) END
     WHERE c.reply IS NOT NULL OR ($11 AND NOT c.on_its_way)";

const FORGET_TIMERS: &str = "
    DELETE FROM processes.timers AS t
     USING unnest($2::text[], $3::uuid[]) AS of (tenant, instance)
     WHERE t.process = $1 AND t.tenant = of.tenant AND t.instance = of.instance";

const SET_TIMERS: &str = "
    INSERT INTO processes.timers (process, tenant, instance, name, at)
    SELECT $1, t.tenant, t.instance, t.name, timestamptz 'epoch' + t.at * interval '1 microsecond'
      FROM unnest($2::text[], $3::uuid[], $4::text[], $5::bigint[]) AS t (tenant, instance, name, at)";

/// By compare-and-set on the revision.
const CHANGE: &str = "
    UPDATE processes.instances AS i
       SET kept = n.kept::jsonb, phase = n.phase, stuck = n.stuck, parked = n.parked,
           revision = i.revision + 1, heard = n.heard, correlation_id = n.correlation_id,
           causation_id = n.causation_id, traceparent = n.traceparent, changed_at = now()
      FROM unnest($2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::boolean[],
                  $9::bigint[], $10::uuid[], $11::uuid[], $12::text[])
        AS n (tenant, instance, revision, kept, phase, stuck, parked, heard, correlation_id, causation_id,
              traceparent)
     WHERE i.process = $1 AND i.tenant = n.tenant AND i.instance = n.instance AND i.revision = n.revision";

const TELL: &str = "
    INSERT INTO processes.history (process, tenant, instance, number, what)
    SELECT $1, * FROM unnest($2::text[], $3::uuid[], $4::bigint[], $5::text[])";

/// Nothing that was waited for can be done with it.
const PARK: &str = "
    UPDATE processes.instances SET stuck = $4, parked = true, revision = revision + 1, changed_at = now()
     WHERE process = $1 AND tenant = $2 AND instance = $3";

/// An instance in hand.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) tenant: TenantId,
    pub(super) instance: Uuid,
    pub(super) kept: Value,
    pub(super) revision: i64,
    pub(super) heard: i64,
    pub(super) cause: Cause,
}

/// What ties commands to what caused them.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    correlation_id: Uuid,
    causation_id: Option<Uuid>,
    traceparent: Option<String>,
}

/// An input, and where it is kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) input: Input,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Row(String),
    Doubt(String),
    Reply(String),
    /// Taking it in takes it away.
    Timer,
}

/// Everything that a step writes, as columns.
#[derive(Default)]
pub(super) struct Writes {
    rows: (Vec<String>, Vec<String>),
    answers: Answers,
    commands: Commands,
    changed_timers: (Vec<String>, Vec<Uuid>),
    timers: (Vec<String>, Vec<Uuid>, Vec<String>, Vec<i64>),
    changes: Changes,
    history: (Vec<String>, Vec<Uuid>, Vec<i64>, Vec<String>),
}

/// Answers that were heard.
#[derive(Default)]
struct Answers {
    tenants: Vec<String>,
    instances: Vec<Uuid>,
    keys: Vec<String>,
    replies: Vec<bool>,
    doubts: Vec<bool>,
}

#[derive(Default)]
struct Commands {
    tenants: Vec<String>,
    instances: Vec<Uuid>,
    keys: Vec<String>,
    contexts: Vec<String>,
    names: Vec<String>,
    bodies: Vec<String>,
    correlations: Vec<Uuid>,
    causations: Vec<Option<Uuid>>,
    traces: Vec<Option<String>>,
}

#[derive(Default)]
struct Changes {
    tenants: Vec<String>,
    instances: Vec<Uuid>,
    revisions: Vec<i64>,
    kept: Vec<String>,
    phases: Vec<&'static str>,
    stuck: Vec<Option<String>>,
    parked: Vec<bool>,
    heard: Vec<i64>,
    correlations: Vec<Uuid>,
    causations: Vec<Option<Uuid>>,
    traces: Vec<Option<String>>,
}

impl Store {
    /// Takes up to `most` instances a step further; says of how many there was something to hear.
    pub(crate) async fn step(
        &self,
        engine: &dyn Engine,
        inputs: &Inputs,
        most: i64,
    ) -> Result<usize, StoreError> {
        let found = in_time(self.find(engine, inputs, most)).await?;
        if found.0.is_empty() {
            return Ok(0);
        }
        match in_time(self.step_these(engine, inputs, &found)).await {
            Err(StoreError::Refused(_)) if found.0.len() > 1 => {}
            Err(StoreError::Refused(why)) => {
                self.park(engine.name(), &found, &why).await?;
                return Ok(1);
            }
            stepped => return stepped,
        }
        // One of them is to blame, and the others are not to wait for it.
        let mut stepped = 0;
        for (tenant, instance) in found.0.into_iter().zip(found.1) {
            let one = (vec![tenant], vec![instance]);
            match in_time(self.step_these(engine, inputs, &one)).await {
                Ok(count) => stepped += count,
                Err(StoreError::Refused(why)) => {
                    self.park(engine.name(), &one, &why).await?;
                    stepped += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(stepped)
    }

    /// Instances that have something to hear; those that an event begins are begun.
    async fn find(
        &self,
        engine: &dyn Engine,
        inputs: &Inputs,
        most: i64,
    ) -> Result<(Vec<String>, Vec<Uuid>), StoreError> {
        let rows = sqlx::query(AssertSqlSafe(inputs.find.as_str()))
            .bind(engine.name())
            .bind(most)
            .fetch_all(&self.pool)
            .await?;
        let found: Vec<Address> = rows.iter().map(address).collect::<Result<_, _>>()?;
        let found: (Vec<String>, Vec<Uuid>) = found.into_iter().unzip();
        if found.0.is_empty() {
            return Ok(found);
        }
        let begun = engine.begin().map_err(|error| StoreError::Refused(error.to_string()))?;
        sqlx::query(AssertSqlSafe(inputs.begin.as_str()))
            .bind(engine.name())
            .bind(&found.0)
            .bind(&found.1)
            .bind(begun)
            .execute(&self.pool)
            .await?;
        sqlx::query(AssertSqlSafe(inputs.leave_early.as_str()))
            .bind(engine.name())
            .bind(&found.0)
            .bind(&found.1)
            .execute(&self.pool)
            .await?;
        Ok(found)
    }

    async fn step_these(
        &self,
        engine: &dyn Engine,
        inputs: &Inputs,
        these: &(Vec<String>, Vec<Uuid>),
    ) -> Result<usize, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let held = sqlx::query(LOCK)
            .bind(engine.name())
            .bind(&these.0)
            .bind(&these.1)
            .fetch_all(&mut *transaction)
            .await?;
        let held: Vec<Held> = held.iter().map(Held::read).collect::<Result<_, _>>()?;
        if held.is_empty() {
            return Ok(0);
        }
        let now = now(&mut transaction).await?;
        let mut waiting = inputs_of(&mut transaction, engine.name(), inputs, &held).await?;
        let mut writes = Writes::default();
        let mut count = 0;
        for held in held {
            let Some(waiting) = waiting.remove(&(held.tenant.as_str().to_owned(), held.instance)) else {
                continue;
            };
            count += 1;
            let kept: Vec<Input> = waiting.iter().map(|kept| kept.input.clone()).collect();
            let of = Of { tenant: &held.tenant, instance: held.instance, now };
            match engine.step(&of, held.kept.clone(), &kept) {
                Ok(stepped) => writes.add(held, stepped, waiting),
                Err(broken) => writes.park(held, &broken.to_string()),
            }
        }
        writes.write(&mut transaction, engine.name(), inputs, false).await?;
        transaction.commit().await?;
        Ok(count)
    }

    async fn park(
        &self,
        process: &str,
        (tenants, instances): &(Vec<String>, Vec<Uuid>),
        why: &str,
    ) -> Result<(), StoreError> {
        for (tenant, instance) in tenants.iter().zip(instances) {
            let why = format!("the processes' database refused what it wants kept: {why}");
            let parked = sqlx::query(PARK).bind(process).bind(tenant).bind(instance).bind(why);
            parked.execute(&self.pool).await?;
        }
        Ok(())
    }
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
        })
    }
}

impl Cause {
    fn after(self, what: &What) -> Self {
        match what {
            What::Event(arrived) => Self {
                correlation_id: arrived.correlation_id,
                causation_id: Some(arrived.id.0),
                traceparent: arrived.traceparent.clone(),
            },
            What::Answer { event_id: Some(event), .. } => Self { causation_id: Some(*event), ..self },
            What::Answer { event_id: None, .. } | What::Timer { .. } => self,
        }
    }
}

impl Writes {
    /// What an instance has become by the inputs that it heard.
    pub(super) fn add(&mut self, held: Held, stepped: Stepped, waiting: Vec<Kept>) {
        let Held { tenant, instance, revision, mut heard, mut cause, .. } = held;
        let tenant = tenant.as_str().to_owned();
        for Kept { input, place } in waiting.into_iter().take(stepped.heard) {
            heard += 1;
            self.tell(&tenant, instance, heard, &input.what.describe());
            cause = cause.after(&input.what);
            self.hear(&tenant, instance, place);
        }
        for (key, Outgoing { context, name, body }) in stepped.unsent {
            let commands = &mut self.commands;
            commands.tenants.push(tenant.clone());
            commands.instances.push(instance);
            commands.keys.push(key);
            commands.contexts.push(context);
            commands.names.push(name);
            commands.bodies.push(body.to_string());
            commands.correlations.push(cause.correlation_id);
            commands.causations.push(cause.causation_id);
            commands.traces.push(cause.traceparent.clone());
        }
        if let Some(timers) = stepped.timers {
            self.set_timers(&tenant, instance, timers);
        }
        let changes = &mut self.changes;
        changes.tenants.push(tenant);
        changes.instances.push(instance);
        changes.revisions.push(revision);
        changes.kept.push(stepped.kept.to_string());
        changes.phases.push(phase(stepped.phase));
        changes.stuck.push(stepped.stuck);
        changes.parked.push(stepped.parked);
        changes.heard.push(heard);
        changes.correlations.push(cause.correlation_id);
        changes.causations.push(cause.causation_id);
        changes.traces.push(cause.traceparent);
    }

    /// It stays what it is until an operator has looked.
    fn park(&mut self, held: Held, why: &str) {
        let running = held.kept.get("phase").and_then(Value::as_str);
        let phase = match running {
            Some("ended") => Phase::Ended,
            Some("compensating") => Phase::Compensating,
            _ => Phase::Running,
        };
        let kept = held.kept.clone();
        let stuck = Some(why.to_owned());
        let stepped = Stepped {
            kept,
            phase,
            heard: 0,
            stuck,
            parked: true,
            unsent: Vec::new(),
            was_impossible: false,
            timers: None,
        };
        self.add(held, stepped, Vec::new());
    }

    /// One more line of what the instance heard.
    pub(super) fn tell(&mut self, tenant: &str, instance: Uuid, number: i64, what: &str) {
        self.history.0.push(tenant.to_owned());
        self.history.1.push(instance);
        self.history.2.push(number);
        // No text holds a NUL.
        self.history.3.push(what.replace('\0', "\u{fffd}"));
    }

    /// It need not be heard any more.
    pub(super) fn skip(&mut self, tenant: &str, instance: Uuid, kept: Kept) {
        self.hear(tenant, instance, kept.place);
    }

    fn hear(&mut self, tenant: &str, instance: Uuid, place: Place) {
        let (key, is_reply) = match place {
            Place::Row(key) => {
                self.rows.0.push(tenant.to_owned());
                self.rows.1.push(key);
                return;
            }
            Place::Timer => return,
            Place::Doubt(key) => (key, false),
            Place::Reply(key) => (key, true),
        };
        self.answers.add(tenant, instance, key, is_reply);
    }

    fn set_timers(&mut self, tenant: &str, instance: Uuid, timers: BTreeMap<String, Timestamp>) {
        self.changed_timers.0.push(tenant.to_owned());
        self.changed_timers.1.push(instance);
        for (name, at) in timers {
            self.timers.0.push(tenant.to_owned());
            self.timers.1.push(instance);
            self.timers.2.push(name);
            self.timers.3.push(at.micros());
        }
    }

    /// `at_once` sends again what waits for its next attempt.
    pub(super) async fn write(
        self,
        connection: &mut PgConnection,
        process: &str,
        inputs: &Inputs,
        at_once: bool,
    ) -> Result<(), StoreError> {
        let Self { rows, answers, commands, changed_timers, timers, changes, history } = self;
        let expected = changes.tenants.len() as u64;
        if expected == 0 {
            return Ok(());
        }
        let changed = sqlx::query(CHANGE)
            .bind(process)
            .bind(changes.tenants)
            .bind(changes.instances)
            .bind(changes.revisions)
            .bind(changes.kept)
            .bind(changes.phases)
            .bind(changes.stuck)
            .bind(changes.parked)
            .bind(changes.heard)
            .bind(changes.correlations)
            .bind(changes.causations)
            .bind(changes.traces)
            .execute(&mut *connection)
            .await?;
        if changed.rows_affected() != expected {
            return Err(StoreError::Unavailable("an instance was changed by somebody else".to_owned()));
        }
        if !rows.0.is_empty() {
            let heard = sqlx::query(AssertSqlSafe(inputs.heard.as_str())).bind(rows.0).bind(rows.1);
            heard.execute(&mut *connection).await?;
        }
        if !answers.keys.is_empty() {
            let heard = sqlx::query(ANSWERS_HEARD).bind(process).bind(answers.tenants);
            let heard = heard.bind(answers.instances).bind(answers.keys);
            heard.bind(answers.replies).bind(answers.doubts).execute(&mut *connection).await?;
        }
        if !commands.keys.is_empty() {
            commands.write(connection, process, at_once).await?;
        }
        if !changed_timers.0.is_empty() {
            let forget = sqlx::query(FORGET_TIMERS).bind(process);
            forget.bind(changed_timers.0).bind(changed_timers.1).execute(&mut *connection).await?;
        }
        if !timers.0.is_empty() {
            let set = sqlx::query(SET_TIMERS).bind(process).bind(timers.0).bind(timers.1).bind(timers.2);
            set.bind(timers.3).execute(&mut *connection).await?;
        }
        if !history.0.is_empty() {
            let tell = sqlx::query(TELL).bind(process).bind(history.0).bind(history.1).bind(history.2);
            tell.bind(history.3).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

impl Answers {
    /// One command may have both a doubt and a reply to tell; a row is updated but once.
    fn add(&mut self, tenant: &str, instance: Uuid, key: String, is_reply: bool) {
        let same = (0..self.keys.len())
            .rev()
            .find(|&at| self.keys[at] == key && self.instances[at] == instance && self.tenants[at] == tenant);
        let at = same.unwrap_or_else(|| {
            self.tenants.push(tenant.to_owned());
            self.instances.push(instance);
            self.keys.push(key);
            self.replies.push(false);
            self.doubts.push(false);
            self.keys.len() - 1
        });
        self.replies[at] |= is_reply;
        self.doubts[at] |= !is_reply;
    }
}

impl Commands {
    async fn write(
        self,
        connection: &mut PgConnection,
        process: &str,
        at_once: bool,
    ) -> Result<(), StoreError> {
        sqlx::query(SEND)
            .bind(process)
            .bind(self.tenants)
            .bind(self.instances)
            .bind(self.keys)
            .bind(self.contexts)
            .bind(self.names)
            .bind(self.bodies)
            .bind(self.correlations)
            .bind(self.causations)
            .bind(self.traces)
            .bind(at_once)
            .execute(connection)
            .await?;
        Ok(())
    }
}

pub(super) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Compensating => "compensating",
        Phase::Ended => "ended",
    }
}

/// Columns: tenant, instance.
fn address(row: &PgRow) -> Result<Address, StoreError> {
    Ok((row.try_get(0)?, row.try_get(1)?))
}
