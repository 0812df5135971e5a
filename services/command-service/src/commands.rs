//! `POST /v1/{context}/{command}`, and the list of what can be posted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use dispatch::{CommandRequest, Dispatcher, Once, Precondition};
use http_api::headers::{X_CAUSATION_ID, X_CORRELATION_ID, trace_of};
use http_api::{
    Authenticator, Caller, IdempotencyKey, IfMatch, JsonBody, PROCESS, Problem, ProblemType, Query,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_runtime::Peer;
use uuid::Uuid;

use crate::answer;
use crate::audit::{Attempt, Audit};

/// What the handlers work with.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) authenticator: Authenticator,
    /// Whether the log was found, with its tables and schemas: before that nothing may be recorded.
    pub(crate) open: Arc<AtomicBool>,
    pub(crate) audit: Audit,
}

impl FromRef<Desk> for Authenticator {
    fn from_ref(desk: &Desk) -> Self {
        desk.authenticator.clone()
    }
}

/// How a command is asked.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    dry_run: bool,
}

/// A path for each command.
pub(crate) fn router(desk: Desk) -> Router {
    let mut router = Router::new().route("/v1/commands", get(list));
    for entry in desk.dispatcher.commands().all() {
        let (context, name) = (entry.context(), entry.name());
        let handler = move |State(desk): State<Desk>, request: Request| async move {
            send(&desk, context, name, request).await
        };
        router = router.route(&format!("/v1/{}", entry.full_name()), post(handler));
    }
    router.with_state(desk)
}

/// Who, may they, what, and only then the body.
async fn send(desk: &Desk, context: &str, name: &str, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let caller = desk.authenticator.authenticate(&parts.headers).await?;
    let command = desk
        .dispatcher
        .commands()
        .find(context, name)
        .ok_or_else(|| Problem::new(ProblemType::NoSuchPath))?;
    let peer = parts.extensions.get::<Peer>().copied();
    let mut attempt = Attempt { caller, command, peer, correlation_id: None, body: None };
    let answered = carry_out(desk, &mut attempt, parts, body).await;
    if let Err(problem) = &answered {
        desk.audit.refused(&attempt, &desk.dispatcher, problem);
    }
    answered
}

async fn carry_out(
    desk: &Desk,
    attempt: &mut Attempt<'_>,
    mut parts: Parts,
    body: Body,
) -> Result<Response, Problem> {
    let (caller, command) = (attempt.caller.clone(), attempt.command);
    caller.require_any(&[command.scope(), PROCESS])?;
    let is_process = caller.scopes.has(PROCESS);
    let asked = asked(&mut parts).await?;
    let once = IdempotencyKey::from_headers(&parts.headers)?;
    let precondition = IfMatch::from_headers(&parts.headers)?.map(|condition| match condition {
        IfMatch::Any => Precondition::Begun,
        IfMatch::Versions(versions) => Precondition::At(versions),
    });
    let correlation_id = uuid(&parts.headers, &X_CORRELATION_ID)?.unwrap_or_else(Uuid::now_v7);
    attempt.correlation_id = Some(correlation_id);
    let causation_id = if is_process { uuid(&parts.headers, &X_CAUSATION_ID)? } else { None };
    let traceparent = trace_of(&parts);
    let JsonBody(body) = JsonBody::from_request(Request::from_parts(parts, body), &()).await?;
    attempt.body = Some(body.clone());
    if !desk.open.load(Ordering::Relaxed) {
        return Err(Problem::new(ProblemType::Unavailable).detail("the log was not found yet"));
    }
    let request = CommandRequest {
        tenant: caller.tenant,
        actor: caller.actor,
        body: &body,
        once: once.as_ref().map(|key| Once { key: key.as_str(), forever: is_process }),
        precondition,
        correlation_id,
        causation_id,
        traceparent,
    };
    let problem = |error| answer::problem(error).correlated(correlation_id);
    if asked.dry_run {
        let tried = desk.dispatcher.try_out(command, request).await.map_err(problem)?;
        return answer::tried(&tried);
    }
    let answered = desk.dispatcher.execute(command, request).await.map_err(problem)?;
    desk.audit.accepted(attempt, &answered);
    answer::recorded(&answered)
}

async fn asked(parts: &mut Parts) -> Result<Asked, Problem> {
    if parts.uri.query().is_none_or(str::is_empty) {
        return Ok(Asked::default());
    }
    <Query<Asked> as FromRequestParts<()>>::from_request_parts(parts, &()).await.map(|Query(asked)| asked)
}

/// The client's, where it sent one. One that is no UUID is refused: silently replaced, it would tie nothing together.
fn uuid(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Uuid>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| Uuid::try_parse(text).ok());
    id.map(Some).ok_or_else(|| {
        Problem::new(ProblemType::InvalidHeader)
            .detail(format!("the header `{name}` must be a UUID"))
            .error(name.as_str(), "malformed")
    })
}

/// Every command that can be sent.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CommandList<'a> {
    /// In the order of their contexts and names.
    items: Vec<CommandDescription<'a>>,
}

/// A command that can be sent.
#[derive(Debug, Serialize, JsonSchema)]
struct CommandDescription<'a> {
    /// The context.
    context: &'a str,
    /// The name, unique within the context.
    name: &'a str,
    /// Where it is posted.
    path: String,
    /// What it does.
    description: &'a str,
    /// What the token must carry.
    scope: &'a str,
    /// The kind of stream that it writes.
    stream: &'a str,
    /// The JSON Schema (2020-12) of its body.
    schema: &'a Value,
    /// The rules that can refuse commands on this kind of stream.
    rejections: Vec<RejectionDescription<'a>>,
}

/// A rule that can refuse a command.
#[derive(Debug, Serialize, JsonSchema)]
struct RejectionDescription<'a> {
    /// The problem's `code`.
    code: &'a str,
    /// The rule in words.
    description: &'a str,
}

async fn list(State(desk): State<Desk>, _: Caller) -> Result<Response, Problem> {
    let items = desk.dispatcher.commands().all().into_iter().map(|entry| CommandDescription {
        context: entry.context(),
        name: entry.name(),
        path: format!("/v1/{}", entry.full_name()),
        description: entry.description(),
        scope: entry.scope(),
        stream: entry.stream(),
        schema: entry.schema(),
        rejections: entry
            .rejections()
            .iter()
            .map(|(code, description)| RejectionDescription { code, description })
            .collect(),
    });
    answer::json(StatusCode::OK, &CommandList { items: items.collect() })
}
