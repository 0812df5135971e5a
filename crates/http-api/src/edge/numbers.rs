//! What the edge counts.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{Counter, Gauge, Histogram};
use tokio::sync::OwnedSemaphorePermit;

use super::Slot;
use crate::ProblemType;
use crate::telemetry::{IN_FLIGHT, PROBLEMS, REQUESTS, SECONDS};

/// Most series that are kept at hand. Routes, methods and statuses are few; this is the net.
const MOST_SERIES: usize = 2048;

/// Handles of series, kept so that a request looks them up instead of making their labels anew.
pub(super) struct Numbers {
    in_flight: Gauge,
    routes: RwLock<HashMap<String, Route>>,
}

struct Route {
    seconds: Histogram,
    answers: Vec<(Method, StatusCode, Counter)>,
}

impl Numbers {
    pub(super) fn new() -> Self {
        Self { in_flight: metrics::gauge!(IN_FLIGHT), routes: RwLock::default() }
    }

    pub(super) fn in_flight(&self, permit: OwnedSemaphorePermit) -> Slot {
        self.in_flight.increment(1.0);
        Slot { _permit: permit, gauge: self.in_flight.clone() }
    }

    pub(super) fn problem(&self, kind: ProblemType) {
        metrics::counter!(PROBLEMS, "type" => kind.slug()).increment(1);
    }

    pub(super) fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        if known.get(route).is_some_and(|known| known.count(method, status, took)) {
            return;
        }
        drop(known);
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        if routes.len() >= MOST_SERIES {
            return;
        }
        let entry = routes.entry(route.to_owned()).or_insert_with(|| Route {
            seconds: metrics::histogram!(SECONDS, "route" => route.to_owned()),
            answers: Vec::new(),
        });
        if !entry.knows(method, status) {
            let labels = [
                ("method", label(method).to_owned()),
                ("route", route.to_owned()),
                ("status", status.as_u16().to_string()),
            ];
            entry.answers.push((method.clone(), status, metrics::counter!(REQUESTS, &labels)));
        }
        entry.count(method, status, took);
    }
}

impl Route {
    fn knows(&self, method: &Method, status: StatusCode) -> bool {
        self.answers.iter().any(|(known, code, _)| label(known) == label(method) && *code == status)
    }

    /// Counts one answer; `false` when this kind of answer is new here.
    fn count(&self, method: &Method, status: StatusCode, took: Duration) -> bool {
        let mut answers = self.answers.iter();
        let Some((.., counter)) =
            answers.find(|(known, code, _)| label(known) == label(method) && *code == status)
        else {
            return false;
        };
        counter.increment(1);
        self.seconds.record(took);
        true
    }
}

/// Clients may make up methods; labels must stay few.
pub(super) fn label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
