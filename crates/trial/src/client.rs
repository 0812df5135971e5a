//! Asks the system over HTTP and writes down what it was told.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::history::{About, Answer, CommandCall, Entry, History, Outcome, QueryCall, Token, now};

/// After so long a client gives an attempt up, and does not know what became of it.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long a query waits for what it names.
const WAIT: &str = "wait=4";

/// Someone who works for a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) name: String,
    /// May do and ask everything that the workloads do and ask.
    pub(crate) token: String,
}

/// Shared by everybody who asks.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    commands: String,
    queries: String,
    pub(crate) history: Arc<History>,
}

/// A command that is to be carried out once, in as many attempts as it takes.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) id: Uuid,
    pub(crate) command: &'static str,
    pub(crate) about: String,
    pub(crate) body: Value,
    pub(crate) misuse: bool,
}

impl Client {
    pub(crate) fn new(commands: String, queries: String, history: Arc<History>) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { http, commands, queries, history })
    }

    /// One attempt.
    pub(crate) async fn attempt(&self, process: u32, tenant: &Tenant, operation: &Operation) -> Outcome {
        let Operation { id, command, about, body, misuse } = operation;
        let request = self.http.post(format!("{}/v1/{command}", self.commands)).json(body);
        let request = request.bearer_auth(&tenant.token).header("Idempotency-Key", id.to_string());
        let request = request.header("X-Correlation-Id", id.to_string());
        let invoked = now();
        let outcome = outcome(command, answer(request).await);
        self.history.tell(Entry::Command(CommandCall {
            process,
            operation: *id,
            tenant: tenant.name.clone(),
            command: (*command).to_owned(),
            about: about.clone(),
            body: body.clone(),
            misuse: *misuse,
            invoked,
            returned: now(),
            outcome: outcome.clone(),
        }));
        outcome
    }

    /// Asks for something, for nobody where there is no token. Answers what it reflects.
    pub(crate) async fn query(
        &self,
        process: u32,
        tenant: &Tenant,
        path: &str,
        (about, id): (About, &str),
        after: Option<&Token>,
    ) -> Option<Token> {
        let mut request = self.http.get(format!("{}{path}", self.queries));
        if about != About::Nobody {
            request = request.bearer_auth(&tenant.token);
        }
        if let Some(after) = after {
            request = request.header("Twofold-After", after.to_string()).header("Prefer", WAIT);
        }
        let invoked = now();
        let context = path.split('/').nth(2).unwrap_or_default();
        let answer = answered(about, context, answer(request).await);
        let reflects = match &answer {
            Answer::Seen { reflects, .. } => reflects.clone(),
            _ => None,
        };
        self.history.tell(Entry::Query(QueryCall {
            process,
            tenant: tenant.name.clone(),
            path: path.to_owned(),
            about,
            id: id.to_owned(),
            after: after.cloned(),
            invoked,
            returned: now(),
            answer,
        }));
        reflects
    }
}

/// What came back, whole.
struct Told {
    status: StatusCode,
    /// `Twofold-Sequence`, of each context.
    reflects: Vec<Token>,
    parked: Option<u64>,
    body: Value,
}

async fn answer(request: RequestBuilder) -> Result<Told, String> {
    let response: Response = request.send().await.map_err(|error| reason(&error))?;
    let status = response.status();
    let texts = |name: &str| -> Vec<String> {
        let values = response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|text| text.split(',')).map(|text| text.trim().to_owned()).collect()
    };
    let reflects = texts("twofold-sequence").iter().filter_map(|text| Token::parse(text)).collect();
    // `17` of the answer's own context; others are told as places.
    let parked = texts("twofold-parked").iter().find_map(|text| text.parse().ok());
    // Cut off in the middle, nothing of it can be relied on.
    let bytes = response.bytes().await.map_err(|error| reason(&error))?;
    let body = serde_json::from_slice(&bytes).map_err(|error| format!("{status}, and {error}"))?;
    Ok(Told { status, reflects, parked, body })
}

fn reason(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    kind.to_owned()
}

fn outcome(command: &str, told: Result<Told, String>) -> Outcome {
    let Told { status, body, .. } = match told {
        Ok(told) => told,
        Err(why) => return Outcome::Unknown { why },
    };
    if status.is_success() {
        let context = command.split('/').next().unwrap_or_default().to_owned();
        let lane = body["lane"].as_u64().and_then(|lane| lane.try_into().ok());
        let events = body["events"].as_array().map(|events| {
            events.iter().filter_map(|event| event["id"].as_str()?.parse().ok()).collect::<Vec<Uuid>>()
        });
        return match (lane, body["sequence"].as_u64(), body["version"].as_u64(), events) {
            (Some(lane), Some(sequence), Some(version), Some(events)) => Outcome::Ok {
                place: Token { context, lane, sequence },
                stream: body["stream"].as_str().unwrap_or_default().to_owned(),
                version,
                events,
            },
            _ => Outcome::Refused { status: status.as_u16(), code: "not-an-answer".to_owned() },
        };
    }
    let code = code_of(&body);
    // What the list of problems says of each: after these nobody knows, after all others nothing was recorded.
    match (status.as_u16(), code.as_str()) {
        (500 | 504, _) | (503, "outcome-unknown") => Outcome::Unknown { why: format!("{status} {code}") },
        (status, _) => Outcome::Refused { status, code },
    }
}

/// The rule's code, else the problem's type.
fn code_of(body: &Value) -> String {
    let of_type = || body["type"].as_str().and_then(|text| text.rsplit('/').next());
    body["code"].as_str().or_else(of_type).unwrap_or_default().to_owned()
}

fn answered(about: About, context: &str, told: Result<Told, String>) -> Answer {
    let Told { status, reflects, parked, body } = match told {
        Ok(told) => told,
        Err(why) => return Answer::Unknown { why },
    };
    let reflects = reflects.into_iter().find(|token| token.context == context);
    match status.as_u16() {
        200 => Answer::Seen { reflects, parked, seen: seen(about, &body) },
        404 => Answer::Seen { reflects, parked, seen: Value::Null },
        status => Answer::Refused { status, code: code_of(&body) },
    }
}

/// Of an answer, what the checker can tell from the log by itself.
fn seen(about: About, body: &Value) -> Value {
    match about {
        About::Product => json!({
            "sku": body["sku"], "total": body["stock"]["total"], "available": body["stock"]["available"],
            "reserved": body["stock"]["reserved"],
        }),
        About::Stock => json!({
            "sku": body["sku"], "total": body["total"], "available": body["available"],
            "reserved": body["reserved"], "reservations": body["reservation_count"],
        }),
        About::Group => {
            let members = body["members"].as_array().map(Vec::as_slice).unwrap_or_default();
            let of_member = |member: &Value| {
                let id = member["user_id"].as_str().unwrap_or_default().to_owned();
                (id, json!([member["wallet"]["amount"], member["balance"]["amount"]]))
            };
            Value::Object(members.iter().map(of_member).collect())
        }
        About::User => json!({"email": body["email"], "posts": body["post_count"]}),
        About::Order => json!({
            "status": body["status"], "happened": body["timeline"].as_array().map_or(0, Vec::len),
        }),
        About::Products => {
            let items = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            let mut ids: Vec<&str> = items.iter().filter_map(|item| item["id"].as_str()).collect();
            ids.sort_unstable();
            json!({"ids": ids, "whole": body["next"].is_null()})
        }
        About::Foreign | About::Nobody => body.clone(),
    }
}
