//! A page to read about a service's operations and to try them.
//!
//! It reads `/openapi.json` and needs nothing from the network. Its policy lets it load only what this service
//! serves and talk only to this service; the token that a person types in stays in the page's memory.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn router() -> Router {
    Router::new()
        .route("/docs", get(|| async { asset("text/html; charset=utf-8", include_str!("docs/page.html")) }))
        .route(
            "/docs/page.js",
            get(|| async { asset("text/javascript; charset=utf-8", include_str!("docs/page.js")) }),
        )
        .route(
            "/docs/page.css",
            get(|| async { asset("text/css; charset=utf-8", include_str!("docs/page.css")) }),
        )
}

fn asset(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text)
}
