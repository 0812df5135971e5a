//! How an order is being fulfilled.

use ::orders::Fulfilment;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http_api::{Path, Problem, ProblemType};
use kernel::{Process, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Asked;
use crate::api::App;

pub(super) const DESCRIPTION: &str = "\
The process that fulfils the order: what it is at, the commands whose answers it waits for, its timers, and what it has \
undone or is undoing. It is told as it stands, by the process-manager; `Twofold-After` says nothing of it.";

/// How the fulfilment of an order stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FulfilmentOfOrder {
    /// The order.
    order_id: Uuid,
    /// What it is at: `reserving`, `paying`, `capturing`, `confirming`, `confirmed`, `shipping`, `cancelling`,
    /// `undoing`, `rejecting`, `over`.
    step: String,
    /// `running`, `compensating` or `ended`.
    phase: String,
    /// Why it cannot go on by itself, and waits for an operator.
    stuck: Option<String>,
    /// The commands whose answers it waits for.
    waits: Vec<Awaited>,
    /// What it waits for besides answers, the next first.
    timers: Vec<Timer>,
    /// Every command it sent on the way, in order.
    steps: Vec<Step>,
    /// What undoes the steps that can be undone, and whether it has.
    compensations: Vec<Compensation>,
    /// What it heard, the latest last.
    history: Vec<HistoryLine>,
    /// When it was begun.
    begun_at: Timestamp,
    /// When it last heard something.
    changed_at: Timestamp,
}

/// A command whose answer is awaited.
#[derive(Debug, Serialize, JsonSchema)]
struct Awaited {
    /// The step; `reserve-1/undo` undoes `reserve-1`.
    step: String,
    /// The command: `catalog/reserve-stock`.
    command: String,
    /// How often it was sent.
    attempts: i32,
    /// Why the last attempt settled nothing.
    trouble: Option<String>,
    /// When it is sent next.
    next_at: Option<Timestamp>,
}

/// A timer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Timer {
    /// Its name: `authorisation`.
    name: String,
    /// When it comes.
    at: Timestamp,
}

/// A command that was sent, and what came of it.
#[derive(Debug, Serialize, JsonSchema)]
struct Step {
    /// Its name.
    step: String,
    /// The command: `catalog/reserve-stock`.
    command: String,
    /// `open`, `done`, `refused`, `impossible`, `skipped` or `given-up`.
    outcome: String,
    /// Of a refused one, the rule's code.
    code: Option<String>,
    /// How often it was sent.
    attempts: i32,
}

/// What undoes a step.
#[derive(Debug, Serialize, JsonSchema)]
struct Compensation {
    /// The step that it undoes.
    step: String,
    /// The command: `catalog/release-stock`.
    command: String,
    /// `no`: nothing asks for it; `open`, `done`, or `refused`: it is repeated.
    outcome: String,
    /// How often it was sent.
    attempts: i32,
    /// Why it has not succeeded yet.
    trouble: Option<String>,
}

/// Something that it heard.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct HistoryLine {
    /// When it heard it.
    at: Timestamp,
    /// In words.
    what: String,
}

/// What the process-manager says of an instance.
#[derive(Debug, Deserialize)]
struct Instance {
    phase: String,
    stuck: Option<String>,
    state: Standing,
    steps: Vec<SentStep>,
    timers: Vec<Timer>,
    history: Vec<HistoryLine>,
    begun_at: Timestamp,
    changed_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Standing {
    step: String,
}

#[derive(Debug, Deserialize)]
struct SentStep {
    step: String,
    outcome: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(flatten)]
    sent: Sent,
    #[serde(default)]
    compensation: Option<SentCompensation>,
}

#[derive(Debug, Deserialize)]
struct SentCompensation {
    outcome: String,
    #[serde(flatten)]
    sent: Sent,
}

#[derive(Debug, Clone, Deserialize)]
struct Sent {
    command: String,
    attempts: i32,
    #[serde(default)]
    trouble: Option<String>,
    #[serde(default)]
    next_at: Option<Timestamp>,
}

pub(super) async fn of_order(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (token, trace) = (&asked.authorization, asked.traceparent.as_deref());
    let instance: Option<Instance> = app.processes.instance(Fulfilment::NAME, id, token, trace).await?;
    let instance = instance.ok_or_else(|| {
        let detail = "no fulfilment of such an order has begun";
        Problem::new(ProblemType::NotFound).code("unknown-order").detail(detail)
    })?;
    Ok(Json(FulfilmentOfOrder::of(id, instance)).into_response())
}

impl FulfilmentOfOrder {
    fn of(order_id: Uuid, instance: Instance) -> Self {
        let Instance { phase, stuck, state, steps, timers, history, begun_at, changed_at } = instance;
        let mut waits = Vec::new();
        let mut compensations = Vec::new();
        let mut told = Vec::with_capacity(steps.len());
        for SentStep { step, outcome, code, sent, compensation } in steps {
            if outcome == "open" {
                waits.push(sent.clone().awaited(step.clone()));
            }
            if let Some(SentCompensation { outcome, sent }) = compensation {
                if matches!(outcome.as_str(), "open" | "refused") {
                    waits.push(sent.clone().awaited(format!("{step}/undo")));
                }
                let Sent { command, attempts, trouble, .. } = sent;
                compensations.push(Compensation { step: step.clone(), command, outcome, attempts, trouble });
            }
            told.push(Step { step, command: sent.command, outcome, code, attempts: sent.attempts });
        }
        Self {
            order_id,
            step: state.step,
            phase,
            stuck,
            waits,
            timers,
            steps: told,
            compensations,
            history,
            begun_at,
            changed_at,
        }
    }
}

impl Sent {
    fn awaited(self, step: String) -> Awaited {
        let Self { command, attempts, trouble, next_at } = self;
        Awaited { step, command, attempts, trouble, next_at }
    }
}
