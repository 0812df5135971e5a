//! Instances as they are told over HTTP. Bodies of commands are not: they may hold what a reader may not see.

use std::collections::{BTreeMap, HashMap};

use http_api::Problem;
use kernel::{Instance, Outcome, Phase, Timestamp, Undoing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::store::{Listed, SentCommand, Shown};

/// A page of instances.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ProcessList {
    /// By process, tenant and id.
    pub items: Vec<ListedInstance>,
    /// What to send as `after` for the next page; null on the last one.
    pub next: Option<String>,
}

/// An instance in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListedInstance {
    /// The process.
    pub process: String,
    /// Whose it is.
    pub tenant: String,
    /// The instance.
    pub instance: Uuid,
    /// `running`, `compensating` or `ended`.
    pub phase: String,
    /// Why it cannot go on by itself.
    pub stuck: Option<String>,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it last heard something.
    pub changed_at: Timestamp,
}

/// How an instance stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShownInstance {
    /// The process.
    pub process: String,
    /// Whose it is.
    pub tenant: String,
    /// The instance.
    pub instance: Uuid,
    /// `running`, `compensating` or `ended`.
    pub phase: String,
    /// Why it cannot go on by itself.
    pub stuck: Option<String>,
    /// The process's own state.
    pub state: Value,
    /// Every step, in the order in which they were taken.
    pub steps: Vec<ShownStep>,
    /// What it waits for besides answers, the next first.
    pub timers: Vec<ShownTimer>,
    /// The last 500 things that it heard, oldest first.
    pub history: Vec<HistoryLine>,
    /// What operators did with it, the last first.
    pub operators: Vec<OperatorAction>,
    /// Ties it to everything else that began with the same request.
    pub correlation_id: Uuid,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it last heard something.
    pub changed_at: Timestamp,
}

/// A step and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownStep {
    /// Its name.
    pub step: String,
    /// The command: `catalog/reserve-stock`.
    pub command: String,
    /// `open`, `done`, `refused`, `impossible`, `skipped` or `given-up`.
    pub outcome: String,
    /// Of a refused one, the rule's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The outcome of an attempt was not known.
    pub doubtful: bool,
    /// How often it was sent.
    pub attempts: i32,
    /// Why the last attempt settled nothing, or what cannot be done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// When it is sent next, while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// What undoes it, where something does, and whether it is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation: Option<ShownCompensation>,
}

/// What undoes a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownCompensation {
    /// The command: `catalog/release-stock`.
    pub command: String,
    /// `no`, `open`, `done`, or `refused`: it is repeated.
    pub outcome: String,
    /// How often it was sent.
    pub attempts: i32,
    /// Why it has not succeeded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// When it is sent next, while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

/// A timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownTimer {
    /// Its name.
    pub name: String,
    /// When it comes.
    pub at: Timestamp,
}

/// Something that an instance heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryLine {
    /// When it heard it.
    pub at: Timestamp,
    /// In words.
    pub what: String,
}

/// What an operator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperatorAction {
    /// When.
    pub at: Timestamp,
    /// `retry`, `skip` or `compensate`.
    pub action: String,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What it was stuck on.
    pub stuck: Option<String>,
}

impl From<Listed> for ListedInstance {
    fn from(listed: Listed) -> Self {
        let Listed { process, tenant, instance, phase, stuck, begun_at, changed_at } = listed;
        Self { process, tenant, instance, phase, stuck, begun_at, changed_at }
    }
}

type Commands = HashMap<String, SentCommand>;

impl ShownInstance {
    pub(super) fn of(shown: Shown) -> Result<Self, Problem> {
        let Listed { process, tenant, instance, phase, stuck, begun_at, changed_at } = shown.listed;
        let Instance { state, steps, timers, .. } = read(shown.kept)?;
        let commands: Commands =
            shown.commands.into_iter().map(|command| (command.key.clone(), command)).collect();
        let mut timers: Vec<ShownTimer> =
            timers.into_iter().map(|(name, at)| ShownTimer { name, at }).collect();
        timers.sort_by_key(|timer| timer.at);
        let operators = shown.audit.into_iter().map(|audited| OperatorAction {
            at: audited.at,
            action: audited.action,
            by: audited.by,
            reason: audited.reason,
            stuck: audited.stuck,
        });
        Ok(Self {
            process,
            tenant,
            instance,
            phase,
            stuck,
            state,
            steps: steps.into_iter().map(|step| ShownStep::of(step, &commands)).collect(),
            timers,
            history: shown.history.into_iter().map(|(at, what)| HistoryLine { at, what }).collect(),
            operators: operators.collect(),
            correlation_id: shown.correlation_id,
            begun_at,
            changed_at,
        })
    }
}

/// The state of whatever process it is.
fn read(kept: Value) -> Result<Instance<Value>, Problem> {
    if kept.as_object().is_some_and(|kept| kept.contains_key("state")) {
        return serde_json::from_value(kept).map_err(Problem::internal);
    }
    Ok(Instance { state: Value::Null, phase: Phase::Running, steps: Vec::new(), timers: BTreeMap::new() })
}

impl ShownStep {
    fn of(sent: kernel::SentStep, commands: &Commands) -> Self {
        let command = commands.get(&sent.step);
        let (outcome, code, why) = match sent.outcome {
            Outcome::Open => ("open", None, command.and_then(|command| command.trouble.clone())),
            Outcome::Done => ("done", None, None),
            Outcome::Refused { code } => ("refused", Some(code), None),
            Outcome::Impossible { why } => ("impossible", None, Some(why)),
            Outcome::Skipped => ("skipped", None, None),
            Outcome::GivenUp => ("given-up", None, None),
        };
        let undo = commands.get(&format!("{}/undo", sent.step));
        let compensation = sent.undo.map(|declared| {
            let (outcome, why) = match sent.undoing {
                Undoing::No => ("no", None),
                Undoing::Open => ("open", undo.and_then(|command| command.trouble.clone())),
                Undoing::Done => ("done", None),
                Undoing::Refused { why } => ("refused", Some(why)),
            };
            ShownCompensation {
                command: format!("{}/{}", declared.command.context, declared.command.name),
                outcome: outcome.to_owned(),
                attempts: undo.map_or(0, |command| command.attempts),
                trouble: why,
                next_at: undo.filter(|command| !command.is_answered).map(|command| command.next_at),
            }
        });
        Self {
            step: sent.step,
            command: format!("{}/{}", sent.command.context, sent.command.name),
            outcome: outcome.to_owned(),
            code,
            doubtful: sent.doubtful || command.is_some_and(|command| command.doubtful),
            attempts: command.map_or(0, |command| command.attempts),
            trouble: why,
            next_at: command.filter(|command| !command.is_answered).map(|command| command.next_at),
            compensation,
        }
    }
}
