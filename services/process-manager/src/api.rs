//! What can be asked of processes over HTTP: by their tenants, and by operators under `/v1/ops/`.
//!
//! Any manager answers for every instance.

mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::Method;
use axum::routing::{get, post};
use http_api::{
    Authenticator, Caller, Cursor, Limits, OPS, OpenApi, Operation, Path, Problem, ProblemType, Query,
};
use kernel::TenantId;
use projection::ops::Ops;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service_runtime::Health;
use uuid::Uuid;

use crate::engine::Action;
use crate::processes::Served;
use crate::store::{NotDone, Operated, Store, StoreError, Which};
pub use shown::{
    HistoryLine, ListedInstance, OperatorAction, ProcessList, ShownInstance, ShownStep, ShownTimer,
};

const TAG: &str = "processes";
const OPS_TAG: &str = "ops";
const USUAL_LIMIT: u16 = 100;
const MOST: u16 = 500;
const LONGEST_REASON: usize = 500;

/// What the handlers work with.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) served: Arc<BTreeMap<&'static str, Served>>,
    pub(crate) authenticator: Authenticator,
}

impl FromRef<Desk> for Authenticator {
    fn from_ref(desk: &Desk) -> Self {
        desk.authenticator.clone()
    }
}

/// Which instances are listed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asks {
    /// Of this process only.
    process: Option<String>,
    /// Of this tenant only.
    tenant: Option<String>,
    /// `open`, which is usual: those that have not ended; or `running`, `compensating`, `ended`, `stuck`, `all`.
    state: Option<StateAsked>,
    /// How many, at most 500; 100 when absent.
    limit: Option<u16>,
    /// The `next` of the page before.
    after: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum StateAsked {
    Open,
    Running,
    Compensating,
    Ended,
    Stuck,
    All,
}

#[derive(Debug, Serialize, Deserialize)]
struct Position(String, String, Uuid);

/// Why an operator does something; it is kept, with who and when.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In 1 to 500 characters.
    pub reason: String,
}

/// Everything that the manager answers.
pub(crate) fn surface(desk: Desk, ops: Ops, health: Health) -> Router {
    let mut open_api = OpenApi::new(
        "Twofold process manager",
        "Runs processes. Their tenants can see how theirs stand; everything under `/v1/ops/` needs a token with the \
         scope `ops`, an operator's: it is not bound to the token's tenant.",
    );
    open_api.tag(TAG, "How processes stand.");
    open_api.tag(OPS_TAG, "For operators.");
    describe(&mut open_api);
    let (inboxes, open_api) = ops.beside(open_api);
    let routes = Router::new()
        .route("/v1/processes/{process}/{instance}", get(show_own))
        .route("/v1/ops/processes", get(list))
        .route("/v1/ops/processes/{process}/{tenant}/{instance}", get(show))
        .route("/v1/ops/processes/{process}/{tenant}/{instance}/retry", post(retry))
        .route("/v1/ops/processes/{process}/{tenant}/{instance}/skip", post(skip))
        .route("/v1/ops/processes/{process}/{tenant}/{instance}/compensate", post(compensate))
        .with_state(desk);
    http_api::surface(routes.merge(inboxes), &open_api, health, Limits::default())
}

fn describe(open_api: &mut OpenApi) {
    let named = |operation: Operation| {
        operation
            .path_parameter::<String>("process", "The process: `fulfilment`.")
            .problems(&[ProblemType::NotFound, ProblemType::Unavailable])
    };
    open_api.operation(
        &Method::GET,
        "/v1/processes/{process}/{instance}",
        named(Operation::new("getProcess", "How an instance of a process stands"))
            .tag(TAG)
            .token()
            .description(
                "Its state, the steps it took and what came of them, what it waits for. Needs the read scope of the \
                 context that the process belongs to, `orders:read`; the instance is the token's tenant's.",
            )
            .path_parameter::<Uuid>("instance", "The instance.")
            .answer::<ShownInstance>(200, "The instance."),
    );
    open_api.operation(
        &Method::GET,
        "/v1/ops/processes",
        Operation::new("listProcesses", "Instances of processes, by process, tenant and id")
            .tag(OPS_TAG)
            .scope(OPS)
            .query_parameters::<Asks>()
            .answer::<ProcessList>(200, "A page of instances.")
            .problems(&[ProblemType::InvalidCursor, ProblemType::Unavailable]),
    );
    let one = |operation: Operation| {
        named(operation)
            .tag(OPS_TAG)
            .scope(OPS)
            .path_parameter::<String>("tenant", "Whose it is.")
            .path_parameter::<Uuid>("instance", "The instance.")
            .answer::<ShownInstance>(200, "The instance.")
    };
    let path = "/v1/ops/processes/{process}/{tenant}/{instance}";
    open_api.operation(&Method::GET, path, one(Operation::new("showProcess", "An instance of any tenant")));
    let done = [
        (
            Action::Retry,
            "Try again what an instance is stuck on",
            "After a deploy or a setting that mends the cause.",
        ),
        (
            Action::Skip,
            "Go on without what an instance is stuck on",
            "A command that cannot be carried out counts as done, and is not undone later; what cannot be undone counts \
             as undone; an input that the process cannot take in is not heard.",
        ),
        (
            Action::Compensate,
            "Undo what an instance has done",
            "Every step that declares how is undone, the last first, once all answers are there; then the process is \
             told.",
        ),
    ];
    for (action, summary, description) in done {
        let operation = Operation::new(format!("{}Process", action.as_str()), summary);
        let operation =
            one(operation).description(description).body::<Reason>("Why; it is kept, with who and when.");
        let operation = operation.problems(&[ProblemType::Rejected, ProblemType::InvalidBody]);
        open_api.operation(&Method::POST, &format!("{path}/{}", action.as_str()), operation);
    }
}

async fn show_own(
    State(desk): State<Desk>,
    caller: Caller,
    Path((process, instance)): Path<(String, Uuid)>,
) -> Result<Json<ShownInstance>, Problem> {
    let served = desk.served(&process)?;
    caller.require(&format!("{}:read", served.engine.context()))?;
    desk.show(&process, &caller.tenant, instance).await
}

async fn show(
    State(desk): State<Desk>,
    caller: Caller,
    Path((process, tenant, instance)): Path<(String, String, Uuid)>,
) -> Result<Json<ShownInstance>, Problem> {
    caller.require(OPS)?;
    desk.served(&process)?;
    let tenant = TenantId::new(&tenant).map_err(|_| no_such())?;
    desk.show(&process, &tenant, instance).await
}

async fn list(
    State(desk): State<Desk>,
    caller: Caller,
    asks: Option<Query<Asks>>,
) -> Result<Json<ProcessList>, Problem> {
    caller.require(OPS)?;
    let asks = asks.map(|Query(asks)| asks).unwrap_or_default();
    let limit = asks.limit.unwrap_or(USUAL_LIMIT);
    let invalid = |field: &'static str, code: &'static str, detail: &'static str| {
        Problem::new(ProblemType::InvalidParameter).detail(detail).error(field, code)
    };
    if !(1..=MOST).contains(&limit) {
        return Err(invalid("limit", "out-of-range", "`limit` must be from 1 to 500"));
    }
    let tenant = asks.tenant.map(TenantId::new).transpose();
    let tenant = tenant.map_err(|_| invalid("tenant", "malformed", "this is no tenant's name"))?;
    let after = asks.after.as_deref().map(Cursor::decode::<Position>).transpose()?;
    let after = after.map(|Position(process, tenant, instance)| (process, tenant, instance));
    let which = match asks.state.unwrap_or(StateAsked::Open) {
        StateAsked::Open => Which::Open,
        StateAsked::Running => Which::Running,
        StateAsked::Compensating => Which::Compensating,
        StateAsked::Ended => Which::Ended,
        StateAsked::Stuck => Which::Stuck,
        StateAsked::All => Which::All,
    };
    let most = i64::from(limit) + 1;
    let found = desk.store.list(asks.process.as_deref(), tenant.as_ref(), which, after.as_ref(), most).await;
    let mut found = found.map_err(unavailable)?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let next = match found.last().filter(|_| more) {
        Some(last) => {
            Some(Cursor::encode(&Position(last.process.clone(), last.tenant.clone(), last.instance))?)
        }
        None => None,
    };
    Ok(Json(ProcessList { items: found.into_iter().map(Into::into).collect(), next }))
}

type Address = Path<(String, String, Uuid)>;

async fn retry(
    State(desk): State<Desk>,
    caller: Caller,
    at: Address,
    reason: http_api::Json<Reason>,
) -> Result<Json<ShownInstance>, Problem> {
    desk.operate(&caller, at, Action::Retry, reason).await
}

async fn skip(
    State(desk): State<Desk>,
    caller: Caller,
    at: Address,
    reason: http_api::Json<Reason>,
) -> Result<Json<ShownInstance>, Problem> {
    desk.operate(&caller, at, Action::Skip, reason).await
}

async fn compensate(
    State(desk): State<Desk>,
    caller: Caller,
    at: Address,
    reason: http_api::Json<Reason>,
) -> Result<Json<ShownInstance>, Problem> {
    desk.operate(&caller, at, Action::Compensate, reason).await
}

impl Desk {
    fn served(&self, process: &str) -> Result<&Served, Problem> {
        self.served.get(process).ok_or_else(|| {
            Problem::new(ProblemType::NotFound)
                .code("unknown-process")
                .detail("there is no process of this name")
        })
    }

    async fn show(
        &self,
        process: &str,
        tenant: &TenantId,
        instance: Uuid,
    ) -> Result<Json<ShownInstance>, Problem> {
        let shown = self.store.show(process, tenant, instance).await.map_err(unavailable)?;
        ShownInstance::of(shown.ok_or_else(no_such)?).map(Json)
    }

    async fn operate(
        &self,
        caller: &Caller,
        Path((process, tenant, instance)): Address,
        action: Action,
        http_api::Json(Reason { reason }): http_api::Json<Reason>,
    ) -> Result<Json<ShownInstance>, Problem> {
        caller.require(OPS)?;
        let served = self.served(&process)?;
        let tenant = TenantId::new(&tenant).map_err(|_| no_such())?;
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > LONGEST_REASON || reason.contains('\0') {
            return Err(Problem::new(ProblemType::InvalidBody)
                .detail("say why, in 1 to 500 characters")
                .error("reason", "missing"));
        }
        let by = caller.actor.as_str();
        let asked = Operated { tenant: &tenant, instance, action, by, reason };
        self.store.operate(&*served.engine, &served.inputs, &asked).await.map_err(not_done)?;
        tracing::info!(process, %tenant, %instance, action = action.as_str(), by, "an operator acted");
        self.show(&process, &tenant, instance).await
    }
}

fn no_such() -> Problem {
    Problem::new(ProblemType::NotFound).code("unknown-instance").detail("there is no such instance")
}

fn unavailable(error: StoreError) -> Problem {
    match error {
        StoreError::Unavailable(_) => Problem::unavailable(error),
        StoreError::Refused(_) => Problem::internal(error),
    }
}

fn not_done(why: NotDone) -> Problem {
    let rejected = |code, detail| Problem::new(ProblemType::Rejected).code(code).detail(detail);
    match why {
        NotDone::NoSuch => no_such(),
        NotDone::NotStuck => rejected("not-stuck", "the instance is not stuck"),
        NotDone::Ended => rejected("ended", "the instance has ended"),
        NotDone::Store(error) => unavailable(error),
    }
}
