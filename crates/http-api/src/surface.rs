//! Everything that a service answers over HTTP, put together.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use service_runtime::{Health, ops_router};

use crate::edge::{EdgeLayer, method_not_allowed, no_such_path};
use crate::{Limits, OpenApi, Problem, ProblemType, docs, problem};

/// A service's routes together with what both services serve beside them: `/openapi.json`, `/docs`,
/// `/problems/<slug>`, `/healthz`, `/readyz`, `/metrics`; and around all of it the edge: problems for unknown
/// paths, wrong methods, panics and answers that take too long, request ids, limits and metrics.
pub fn surface(routes: Router, open_api: &OpenApi, health: Health, limits: Limits) -> Router {
    let description = open_api.to_json();
    let answer_description = move || {
        let description = description.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], description) }
    };
    routes
        .route("/openapi.json", get(answer_description))
        .route("/problems/{slug}", get(problem_page))
        .merge(docs::router())
        .merge(ops_router(health))
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(limits.body))
        .layer(EdgeLayer::new(limits))
}

async fn problem_page(Path(slug): Path<String>) -> Response {
    match problem::page(&slug) {
        Some(text) => {
            let content_type = [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")];
            (StatusCode::OK, content_type, text).into_response()
        }
        None => Problem::new(ProblemType::NotFound)
            .detail("there is no problem type of this name")
            .into_response(),
    }
}
