//! What every query says about itself: who asks, in which context, and for how fresh an answer.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use http_api::headers::trace_of;
use http_api::{Caller, IfNoneMatch, Prefer, Problem, TwofoldAfter};
use kernel::{Actor, Context, Lane, LaneToken, LogId, Sequence, TenantId};
use tokio::time::Instant;

use crate::api::App;

/// A query of context `C` by somebody who may read it.
#[derive(Debug)]
pub(crate) struct Asked<C> {
    /// Whose data it is about.
    pub(crate) tenant: TenantId,
    /// Who asks.
    pub(crate) caller: Actor,
    /// The token that they showed, for what is asked in their name elsewhere.
    pub(crate) authorization: HeaderValue,
    /// The trace that they are in, for the same.
    pub(crate) traceparent: Option<Arc<str>>,
    /// What the client has.
    pub(crate) if_none_match: IfNoneMatch,
    /// Until when to wait for what the answer must reflect.
    pub(crate) deadline: Instant,
    after: TwofoldAfter,
    context: PhantomData<C>,
}

impl<C: Context> FromRequestParts<App> for Asked<C> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.require(&format!("{}:read", C::NAME))?;
        let mut authorization =
            parts.headers.get(AUTHORIZATION).cloned().unwrap_or_else(|| HeaderValue::from_static(""));
        authorization.set_sensitive(true);
        let prefer = Prefer::from_headers(&parts.headers)?;
        Ok(Self {
            tenant: caller.tenant,
            caller: caller.actor,
            authorization,
            traceparent: trace_of(parts),
            if_none_match: IfNoneMatch::from_headers(&parts.headers)?,
            deadline: Instant::now() + prefer.wait_or_default(),
            after: TwofoldAfter::from_headers(&parts.headers)?,
            context: PhantomData,
        })
    }
}

impl<C: Context> Asked<C> {
    /// How far an answer from this lane must have come. What the client names of other lanes or contexts is no part
    /// of the answer, and so is not waited for.
    pub(crate) fn least(&self, lane: Lane) -> Sequence {
        self.least_of(&LogId::new(C::NAME, lane))
    }

    /// How far what an answer takes from this log must have come.
    pub(crate) fn least_of(&self, log: &LogId) -> Sequence {
        #[cfg(feature = "seeded-bugs")]
        if crate::seeded_bugs::has("wait-ignored") {
            return Sequence::ZERO;
        }
        self.after.of(log).unwrap_or(Sequence::ZERO)
    }

    /// What the client names of the context, in whatever lane.
    pub(crate) fn named(&self) -> impl Iterator<Item = &LaneToken> {
        self.after.of_context(C::NAME)
    }
}
