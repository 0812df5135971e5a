//! What operators ask a projector over HTTP: under `/v1/ops/`, with a token whose scope is `ops`.
//!
//! An operator looks after the installation, not after a tenant: the token's tenant is of no matter here.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, FromRequestParts};
use axum::handler::Handler;
use axum::http::Method;
use axum::http::request::Parts;
use axum::routing::{MethodFilter, on};
use http_api::{Authenticator, Caller, Limits, OPS, OpenApi, Operation, Problem};
use kernel::Actor;
use service_runtime::Health;

use crate::dead_letters;
use crate::mending;
use crate::overview::{self, Tells};
use crate::projections::{Projections, Stores};

const TAG: &str = "ops";

/// What operators' requests work with.
#[derive(Clone)]
pub struct Ops {
    authenticator: Authenticator,
    pub(crate) projections: Arc<[Arc<dyn Tells>]>,
}

impl Ops {
    /// Of a projector whose tokens are verified so and that keeps these projections.
    pub fn new<S: Stores>(authenticator: Authenticator, projections: &Projections<S>) -> Self {
        Self { authenticator, projections: projections.tellers().into() }
    }

    /// Everything that the projector answers over HTTP.
    pub fn surface(self, health: Health) -> Router {
        let mut open_api = OpenApi::new(
            "Twofold projector",
            "Looks after the rows that this projector keeps. Everything under `/v1/ops/` needs a token with the \
             scope `ops`, an operator's: it is not bound to the token's tenant.",
        );
        open_api.tag(TAG, "For operators.");
        let mut api = Api { routes: Router::new(), open_api };
        overview::add_to(&mut api);
        overview::add_builds_to(&mut api);
        dead_letters::add_to(&mut api);
        mending::add_to(&mut api);
        let Api { routes, open_api } = api;
        http_api::surface(routes.with_state(self), &open_api, health, Limits::default())
    }

    /// What a service answers beside its own, whose rows are not views: how it follows its topics, and dead letters.
    /// `open_api` explains the tag `ops`.
    pub fn beside(self, open_api: OpenApi) -> (Router, OpenApi) {
        let mut api = Api { routes: Router::new(), open_api };
        overview::add_to(&mut api);
        dead_letters::add_to(&mut api);
        (api.routes.with_state(self), api.open_api)
    }
}

impl FromRef<Ops> for Authenticator {
    fn from_ref(ops: &Ops) -> Self {
        ops.authenticator.clone()
    }
}

/// Somebody who may operate the installation.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Who it is: the token's `sub`.
    pub actor: Actor,
}

impl FromRequestParts<Ops> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, ops: &Ops) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, ops).await?;
        caller.require(OPS)?;
        Ok(Self { actor: caller.actor })
    }
}

/// Routes and their descriptions, kept together so that neither is without the other.
#[derive(Debug)]
pub struct Api {
    routes: Router<Ops>,
    open_api: OpenApi,
}

impl Api {
    /// Something to be asked.
    pub fn get<T: 'static>(&mut self, path: &str, handler: impl Handler<T, Ops>, operation: Operation) {
        self.add(MethodFilter::GET, &Method::GET, path, handler, operation);
    }

    /// Something to be done.
    pub fn post<T: 'static>(&mut self, path: &str, handler: impl Handler<T, Ops>, operation: Operation) {
        self.add(MethodFilter::POST, &Method::POST, path, handler, operation);
    }

    fn add<T: 'static>(
        &mut self,
        filter: MethodFilter,
        method: &Method,
        path: &str,
        handler: impl Handler<T, Ops>,
        operation: Operation,
    ) {
        let routes = std::mem::take(&mut self.routes);
        self.routes = routes.route(path, on(filter, handler));
        self.open_api.operation(method, path, operation.tag(TAG).scope(OPS));
    }
}
