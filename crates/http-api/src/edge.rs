//! What every request passes through, outermost first: its id, its span, the limit of requests in flight, the deadline,
//! panics, and on the way back the problem's log line and the numbers.
//!
//! One layer instead of a tower of them: it runs on every request, and its order is then a matter of reading.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tokio::sync::{Semaphore, TryAcquireError};
use tower::{Layer, Service};
use traces::TraceContext;

use crate::headers::X_REQUEST_ID;
use crate::{Problem, ProblemType, headers};

mod lent_body;
mod log;
mod numbers;
mod request_id;
mod span;

pub use request_id::RequestId;

use lent_body::LentBody;
use log::ProblemLog;
use numbers::Numbers;
use span::RequestSpan;

/// The bounds of a service's HTTP side.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most requests that are worked on at once; further ones are answered 503 at once. Too few refuse bursts
    /// that would have been served, too many let latency and memory grow before anybody is refused. Requests for
    /// health and metrics do not count. An answer that streams counts until its head is sent.
    pub in_flight: usize,
    /// How long an answer may take. Longer than the longest wait that a query may ask for (30 s).
    pub timeout: Duration,
    /// Longest body, in bytes.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 4096, timeout: Duration::from_secs(35), body: 1024 * 1024 }
    }
}

/// Tells extractors how long a body may be.
#[derive(Debug, Clone, Copy)]
struct BodyLimit(usize);

/// The limit that this request's body is under.
pub(crate) fn body_limit(request: &Request) -> usize {
    request.extensions().get::<BodyLimit>().map_or(Limits::default().body, |limit| limit.0)
}

/// Puts an [`Edge`] around a router.
#[derive(Clone)]
pub(crate) struct EdgeLayer(Arc<Shared>);

struct Shared {
    limits: Limits,
    in_flight: Arc<Semaphore>,
    numbers: Numbers,
    log: ProblemLog,
}

impl EdgeLayer {
    pub(crate) fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared {
            limits,
            in_flight: Arc::new(Semaphore::new(limits.in_flight.min(Semaphore::MAX_PERMITS))),
            numbers: Numbers::new(),
            log: ProblemLog::new(),
        }))
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge { inner, shared: Arc::clone(&self.0) }
    }
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Edge<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Service<Request> for Edge<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let arrived = Arrived::note(&mut request, shared.limits.body);
        let span = RequestSpan::begin(&arrived, &mut request);
        let slot = match shared.slot(&arrived) {
            Ok(slot) => slot,
            Err(refused) => {
                let response = shared.finish(refused.into_response(), &arrived, span);
                return Box::pin(std::future::ready(Ok(response)));
            }
        };
        let lent = LentBody::lend(&mut request);
        // Only makes the future: no handler runs, and so none panics, before it is polled.
        let answer = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        Box::pin(async move {
            let response = match tokio::time::timeout(shared.limits.timeout, answer).await {
                Ok(Ok(Ok(response))) => response,
                Ok(Err(panic)) => Problem::internal(Panicked::of(panic.as_ref())).into_response(),
                Err(_elapsed) => too_slow(shared.limits.timeout).into_response(),
            };
            drop(slot);
            if let Some(lent) = lent.filter(|_| !response.status().is_success()) {
                lent.discard().await;
            }
            Ok(shared.finish(response, &arrived, span))
        })
    }
}

/// What is known of a request before it is worked on.
struct Arrived {
    id: RequestId,
    method: Method,
    route: Option<MatchedPath>,
    /// The caller's.
    trace: Option<TraceContext>,
    at: Instant,
    ops: bool,
}

impl Arrived {
    fn note(request: &mut Request, body_limit: usize) -> Self {
        let id = RequestId::of(request.headers());
        let ops = matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics");
        let route = request.extensions().get::<MatchedPath>().cloned();
        let trace = headers::trace_context(request.headers());
        request.extensions_mut().insert(id.clone());
        request.extensions_mut().insert(BodyLimit(body_limit));
        Self { id, method: request.method().clone(), route, trace, at: Instant::now(), ops }
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or("unmatched", MatchedPath::as_str)
    }
}

impl Shared {
    /// Room for one more request. Health and metrics always have it: an overloaded service must still be seen.
    fn slot(&self, arrived: &Arrived) -> Result<Option<Slot>, Problem> {
        if arrived.ops {
            return Ok(None);
        }
        match Arc::clone(&self.in_flight).try_acquire_owned() {
            Ok(permit) => Ok(Some(self.numbers.in_flight(permit))),
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => {
                Err(Problem::new(ProblemType::Overloaded)
                    .detail("more requests are running than this service takes on; repeat in a moment"))
            }
        }
    }

    fn finish(&self, mut response: Response, arrived: &Arrived, span: RequestSpan) -> Response {
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            self.numbers.problem(problem.kind());
            self.log.write(&problem, arrived, span.context().or(arrived.trace));
            let headers = std::mem::take(response.headers_mut());
            response = problem.render(Some(arrived.id.as_str()));
            // What others have added on the way (`Allow`) stays; what the problem says itself wins.
            for (name, value) in &headers {
                if !response.headers().contains_key(name) && name != header::CONTENT_LENGTH {
                    response.headers_mut().append(name.clone(), value.clone());
                }
            }
        }
        span.end(response.status());
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID, arrived.id.header_value());
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        self.numbers.answered(&arrived.method, arrived.route(), response.status(), arrived.at.elapsed());
        response
    }
}

/// Holds a place among the requests in flight.
struct Slot {
    _permit: tokio::sync::OwnedSemaphorePermit,
    gauge: metrics::Gauge,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.gauge.decrement(1.0);
    }
}

fn too_slow(limit: Duration) -> Problem {
    Problem::new(ProblemType::Timeout).detail(format!(
        "the answer was not there within {} s; a command may have taken effect: repeat it with the same Idempotency-Key",
        limit.as_secs_f64()
    ))
}

/// A panic as the cause of a problem.
#[derive(Debug, thiserror::Error)]
#[error("a handler panicked: {0}")]
struct Panicked(String);

impl Panicked {
    fn of(panic: &(dyn Any + Send)) -> Self {
        let text = panic
            .downcast_ref::<&'static str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self(text.unwrap_or("no text").to_owned())
    }
}

/// The answer where nothing is served.
pub(crate) async fn no_such_path() -> Problem {
    Problem::new(ProblemType::NoSuchPath).detail("see /openapi.json for what is served")
}

/// The answer where something is served, but not by this method; the router adds `Allow`.
pub(crate) async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(ProblemType::MethodNotAllowed)
        .detail(format!("{method} is not a method of this path; the header `Allow` lists those that are"))
}

/// Whether operators should hear of an answer with this status.
fn concerns_operators(status: StatusCode) -> bool {
    status.is_server_error()
}

#[cfg(test)]
mod tests;
