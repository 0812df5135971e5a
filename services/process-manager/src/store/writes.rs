//! Everything that a step writes, gathered over its instances and written a statement each.

use std::collections::BTreeMap;
use std::time::Instant;

use kernel::{Outgoing, Phase, Timestamp};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::StoreError;
use super::inputs::{Held, Inputs, Kept, Place};
use super::told::{Stuck, Told};
use crate::engine::{Stepped, What};

/// Replies that were heard, and doubts.
const ANSWERS_HEARD: &str = "
    UPDATE processes.commands AS c
       SET heard = c.heard OR told.reply, doubt = CASE WHEN told.doubt THEN 'told' ELSE c.doubt END
      FROM unnest($2::text[], $3::uuid[], $4::text[], $5::boolean[], $6::boolean[])
        AS told (tenant, instance, key, reply, doubt)
     WHERE c.process = $1 AND c.tenant = told.tenant AND c.instance = told.instance AND c.key = told.key";

/// One that was sent before and answered is sent once more, after a pause that grows with the attempts; only then does it
/// begin to wait for an answer.
const SEND: &str = "
    INSERT INTO processes.commands AS c
        (process, tenant, instance, key, context, name, body, correlation_id, causation_id, traceparent)
    SELECT $1, * FROM unnest($2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[],
                             $9::uuid[], $10::text[])
    ON CONFLICT (process, tenant, instance, key) DO UPDATE
       SET reply = NULL, heard = false, trouble = coalesce(c.reply::text, c.trouble),
           asked_at = now() + CASE WHEN $11 THEN interval '0' ELSE
               least(interval '1 minute', interval '100 milliseconds' * power(2, least(c.attempts, 16))) END,
           next_at = CASE WHEN c.on_its_way AND c.reply IS NULL THEN c.next_at ELSE
               now() + CASE WHEN $11 THEN interval '0' ELSE
               least(interval '1 minute', interval '100 milliseconds' * power(2, least(c.attempts, 16))) END END
     WHERE c.reply IS NOT NULL OR $11";

const FORGET_TIMERS: &str = "
    DELETE FROM processes.timers AS t
     USING unnest($2::text[], $3::uuid[]) AS of (tenant, instance)
     WHERE t.process = $1 AND t.tenant = of.tenant AND t.instance = of.instance";

const SET_TIMERS: &str = "
    INSERT INTO processes.timers (process, tenant, instance, name, at)
    SELECT $1, t.tenant, t.instance, t.name, timestamptz 'epoch' + t.at * interval '1 microsecond'
      FROM unnest($2::text[], $3::uuid[], $4::text[], $5::bigint[]) AS t (tenant, instance, name, at)";

/// By compare-and-set on the revision. What was shown as unanswered is so no more once its answer was heard, or an operator
/// (`*`) has it asked again. A step's name has no blank.
const CHANGE: &str = "
    UPDATE processes.instances AS i
       SET kept = n.kept::jsonb, phase = n.phase, stuck = n.stuck, parked = n.parked,
           revision = i.revision + 1, heard = n.heard, correlation_id = n.correlation_id,
           causation_id = n.causation_id, traceparent = n.traceparent, changed_at = now(),
           unanswered = CASE WHEN n.answered = '*'
                                  OR split_part(i.unanswered, ': ', 1) = ANY (string_to_array(n.answered, ' '))
                             THEN NULL ELSE i.unanswered END
      FROM unnest($2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::boolean[],
                  $9::bigint[], $10::uuid[], $11::uuid[], $12::text[], $13::text[])
        AS n (tenant, instance, revision, kept, phase, stuck, parked, heard, correlation_id, causation_id,
              traceparent, answered)
     WHERE i.process = $1 AND i.tenant = n.tenant AND i.instance = n.instance AND i.revision = n.revision";

const TELL: &str = "
    INSERT INTO processes.history (process, tenant, instance, number, what)
    SELECT $1, * FROM unnest($2::text[], $3::uuid[], $4::bigint[], $5::text[])";

/// What ties commands to what caused them.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    pub(super) correlation_id: Uuid,
    pub(super) causation_id: Option<Uuid>,
    pub(super) traceparent: Option<String>,
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
    /// The commands whose definite answers were heard, with blanks between them.
    answered: Vec<String>,
    /// It is stuck, and was not on the same before.
    newly_stuck: Vec<bool>,
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
        let Held { tenant, instance, revision, mut heard, mut cause, stuck, .. } = held;
        let tenant = tenant.as_str().to_owned();
        let replies = waiting.iter().take(stepped.heard).filter_map(|kept| match &kept.place {
            Place::Reply(key) => Some(key.as_str()),
            Place::Row(_) | Place::Doubt(_) | Place::Timer => None,
        });
        let answered = replies.collect::<Vec<_>>().join(" ");
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
        changes.newly_stuck.push(stepped.stuck.is_some() && stepped.stuck != stuck);
        changes.stuck.push(stepped.stuck);
        changes.answered.push(answered);
        changes.parked.push(stepped.parked);
        changes.heard.push(heard);
        changes.correlations.push(cause.correlation_id);
        changes.causations.push(cause.causation_id);
        changes.traces.push(cause.traceparent);
    }

    /// It stays what it is until an operator has looked.
    pub(super) fn park(&mut self, held: Held, why: &str) {
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

    /// The steps as spans, where any of them is in a trace that is sampled.
    pub(super) fn told(&self, process: &'static str, began: Instant) -> Option<Told> {
        Told::of(process, began, &self.changes.instances, &self.changes.traces)
    }

    /// The instances that an operator has to look at from now on.
    pub(super) fn stuck(&self) -> Vec<Stuck> {
        let changes = &self.changes;
        let why = changes.stuck.iter().enumerate();
        why.filter(|(at, _)| changes.newly_stuck[*at])
            .filter_map(|(at, why)| {
                Some(Stuck {
                    tenant: changes.tenants[at].clone(),
                    instance: changes.instances[at],
                    correlation_id: changes.correlations[at],
                    traceparent: changes.traces[at].clone(),
                    why: why.clone()?,
                })
            })
            .collect()
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

    /// `at_once`, for an operator, sends again what waits for its next attempt.
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
            .bind(if at_once { vec!["*".to_owned(); changes.answered.len()] } else { changes.answered })
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

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Compensating => "compensating",
        Phase::Ended => "ended",
    }
}
