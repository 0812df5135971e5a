//! One line per problem that operators should hear of.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use traces::TraceContext;
use tracing::field::display;
use tracing::{debug, error, warn};

use super::{Arrived, concerns_operators};
use crate::{Problem, ProblemType};

/// Most lines per second; a store that is away must not fill the disk at the rate of requests.
const LINES_PER_SECOND: u64 = 20;

/// Writes problems down, at most so many a second.
pub(super) struct ProblemLog {
    began: Instant,
    /// The second that is counted in, and how many in it.
    second: AtomicU64,
    lines: AtomicU64,
}

impl ProblemLog {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), second: AtomicU64::new(0), lines: AtomicU64::new(0) }
    }

    pub(super) fn write(&self, problem: &Problem, arrived: &Arrived, trace: Option<TraceContext>) {
        let kind = problem.kind();
        let (problem_type, request_id, status) = (kind.slug(), arrived.id.as_str(), kind.status().as_u16());
        let (method, route) = (&arrived.method, arrived.route());
        if !concerns_operators(kind.status()) {
            let code = problem.named_code();
            debug!(
                problem_type,
                code,
                status,
                request_id,
                correlation_id = problem.correlation_id().map(display),
                trace_id = trace.map(|trace| trace.trace_id()),
                %method,
                route,
                "refused a request"
            );
            return;
        }
        let Some(unwritten) = self.room() else { return };
        let correlation_id = problem.correlation_id().map(display);
        let trace_id = trace.map(|trace| trace.trace_id());
        let cause = problem.cause_text().unwrap_or_else(|| problem.to_string());
        if kind == ProblemType::Internal {
            error!(
                problem_type,
                status,
                request_id,
                correlation_id,
                trace_id,
                %method,
                route,
                cause,
                unwritten,
                "a request failed"
            );
        } else {
            warn!(
                problem_type,
                status,
                request_id,
                correlation_id,
                trace_id,
                %method,
                route,
                cause,
                unwritten,
                "could not serve a request"
            );
        }
    }

    /// How many lines went unwritten before this one; `None` when this one does too. Races between threads at the
    /// turn of a second miscount a few lines, nothing else.
    pub(super) fn room(&self) -> Option<u64> {
        let now = self.began.elapsed().as_secs();
        if self.second.swap(now, Ordering::Relaxed) == now {
            return (self.lines.fetch_add(1, Ordering::Relaxed) < LINES_PER_SECOND).then_some(0);
        }
        Some(self.lines.swap(1, Ordering::Relaxed).saturating_sub(LINES_PER_SECOND))
    }
}
