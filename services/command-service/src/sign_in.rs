//! `POST /v1/accounts/sign-in`: a password for a token.
//!
//! It is the one thing that is asked without a token, and so says as little as it can: a wrong password, an address
//! that nobody has and a tenant that nobody has heard of get the same answer after the same work. Only who has the
//! right password learns that the user is deactivated or suspended. How often it may be asked is bounded, for each
//! address and for each peer.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use accounts::{Accounts, EMAILS, User, UserState, unique_email};
use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use dispatch::Dispatcher;
use http_api::{AuthConfig, Claims, Json, OpenApi, Operation, Problem, ProblemType, Turns, mint};
use kernel::{Context, Rejection, Secret, TenantId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service_runtime::Peer;
use service_runtime::config::SecretString;
use uuid::Uuid;

use crate::answer;
use crate::config::SignInConfig;

/// No address and no password is longer.
const LONGEST: usize = 1_000;
const PATH: &str = "/v1/accounts/sign-in";

/// What the handler works with.
#[derive(Clone)]
pub(crate) struct SignIn {
    dispatcher: Arc<Dispatcher>,
    open: Arc<AtomicBool>,
    /// What tokens are signed with; none where they are verified with a key set, whose private keys are elsewhere.
    secret: Option<SecretString>,
    issuer: Option<String>,
    audience: Option<String>,
    scope: Arc<str>,
    ttl: Duration,
    limits: Arc<Limits>,
}

struct Limits {
    per_email: Turns,
    per_peer: Turns,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SignIn").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Who wants to sign in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SignIn")]
struct Asked {
    /// Whose user it is: one address may be a user of several tenants.
    tenant: String,
    /// Their e-mail address, in whatever case.
    #[schemars(length(max = LONGEST))]
    email: String,
    /// Their password.
    #[schemars(length(max = LONGEST))]
    password: Secret,
}

/// What a user shows with each request from then on.
#[derive(Debug, Serialize, JsonSchema)]
struct SignedIn {
    /// To be sent as `Authorization: Bearer …`.
    token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// In how many seconds it ends.
    expires_in: u64,
    /// What it allows, separated by spaces.
    scope: Arc<str>,
    /// Who it is for: the token's `sub`.
    user_id: Uuid,
}

impl SignIn {
    pub(crate) fn new(
        dispatcher: Arc<Dispatcher>,
        open: Arc<AtomicBool>,
        auth: &AuthConfig,
        config: &SignInConfig,
    ) -> anyhow::Result<Self> {
        let everything_read = || {
            let entries = dispatcher.commands().all();
            let mut scopes: Vec<_> =
                entries.iter().map(|entry| format!("{}:read", entry.context())).collect();
            scopes.dedup();
            scopes.join(" ")
        };
        let scope = config.sign_in_scope.clone().unwrap_or_else(everything_read);
        Ok(Self {
            secret: auth.secret()?,
            issuer: auth.jwt_issuer.clone(),
            audience: auth.jwt_audience.clone(),
            scope: scope.into(),
            ttl: Duration::from_secs(config.sign_in_ttl),
            limits: Arc::new(Limits {
                per_email: Turns::per_minute(config.sign_in_per_email),
                per_peer: Turns::per_minute(config.sign_in_per_peer),
            }),
            dispatcher,
            open,
        })
    }

    async fn answer(&self, peer: Option<Peer>, asked: Asked) -> Result<Response, Problem> {
        let secret = self.secret.as_ref().ok_or_else(|| Problem::new(ProblemType::NoSigningKey))?;
        let tenant = check(&asked)?;
        let email = unique_email(&asked.email);
        if let Some(Peer(address)) = peer {
            within(self.limits.per_peer.take(&network(address.ip())))?;
        }
        within(self.limits.per_email.take(&(&tenant, &email)))?;
        if !self.open.load(Ordering::Relaxed) {
            return Err(Problem::new(ProblemType::Unavailable).detail("the log was not found yet"));
        }
        let claim = (EMAILS, email.as_str());
        let holder = self.dispatcher.holder_with_password(Accounts::NAME, &tenant, claim, &asked.password);
        let holder = holder.await.map_err(answer::problem)?;
        let user_id = holder.and_then(|stream| stream.id());
        let user_id = user_id.ok_or_else(|| Problem::new(ProblemType::WrongCredentials))?;
        let state: UserState = self
            .dispatcher
            .state_of::<User>(Accounts::NAME, &tenant, user_id)
            .await
            .map_err(answer::problem)?;
        if let Err(rejection) = state.active() {
            let problem = Problem::new(ProblemType::Rejected).detail(rejection.to_string());
            return Err(problem.code(rejection.code()));
        }
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            ..Claims::new(&tenant, &user_id.to_string(), &self.scope, self.ttl)
        };
        let signed_in = SignedIn {
            token: mint(secret, &claims).map_err(Problem::internal)?,
            token_type: "Bearer",
            expires_in: self.ttl.as_secs(),
            scope: Arc::clone(&self.scope),
            user_id,
        };
        let mut response = answer::json(StatusCode::OK, &signed_in)?;
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

fn check(asked: &Asked) -> Result<TenantId, Problem> {
    let invalid = |field: &str, code| Problem::new(ProblemType::InvalidBody).error(field, code);
    let tenant = TenantId::new(&asked.tenant).map_err(|_| invalid("tenant", "malformed"))?;
    if asked.email.len() > LONGEST {
        return Err(invalid("email", "too-long"));
    }
    if asked.email.contains('\0') {
        return Err(invalid("email", "control-character"));
    }
    if asked.password.expose().chars().count() > LONGEST {
        return Err(invalid("password", "too-long"));
    }
    Ok(tenant)
}

fn within(taken: Result<(), Duration>) -> Result<(), Problem> {
    taken.map_err(|wait| {
        Problem::new(ProblemType::TooManyRequests)
            .detail("too many attempts to sign in; nothing was checked this time")
            .retry_after(wait)
    })
}

/// Whoever has one address of a v6 network has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

pub(crate) fn router(sign_in: SignIn) -> Router {
    let handler = async |State(sign_in): State<SignIn>, request: Request| {
        let peer = request.extensions().get::<Peer>().copied();
        let Json(asked) = Json::<Asked>::from_request(request, &()).await?;
        sign_in.answer(peer, asked).await
    };
    Router::new().route(PATH, post(handler)).with_state(sign_in)
}

pub(crate) fn describe(api: &mut OpenApi) {
    api.operation(
        &Method::POST,
        PATH,
        Operation::new("accountsSignIn", "A token for e-mail address and password")
            .description(
                "Needs no token. A wrong password, an address that nobody has and an unknown tenant are answered \
                 alike. A deactivated or suspended user with the right password is refused with `deactivated` or \
                 `suspended`. The token carries the scopes that the service was told to give, at first the `read` \
                 scope of every context.",
            )
            .tag(Accounts::NAME)
            .body::<Asked>("Who wants to sign in.")
            .answer::<SignedIn>(200, "The token.")
            .problems(&[
                ProblemType::WrongCredentials,
                ProblemType::Rejected,
                ProblemType::TooManyRequests,
                ProblemType::NoSigningKey,
                ProblemType::Unavailable,
                ProblemType::Overloaded,
            ]),
    );
}
