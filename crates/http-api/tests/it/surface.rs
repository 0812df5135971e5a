//! What every service serves beside its own paths.

use http_api::ProblemType;
use serde_json::Value;

use crate::support::{start, token};

#[tokio::test]
async fn the_type_of_every_problem_leads_to_its_page() {
    let service = start().await;
    for kind in ProblemType::ALL {
        let answer = service.get(kind.uri()).await;
        assert_eq!(answer.status, 200, "{}", kind.uri());
        assert_eq!(answer.header("content-type"), "text/markdown; charset=utf-8");
        assert!(answer.text.starts_with(&format!("## {}\n", kind.slug())), "{}", answer.text);
    }
    assert_eq!(service.get("/problems/teapot").await.problem()["type"], "/problems/not-found");
    service.stop().await;
}

#[tokio::test]
async fn the_description_is_served_without_a_token() {
    let service = start().await;
    let answer = service.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let api: Value = answer.json();
    assert_eq!(api["openapi"], "3.1.0");
    assert!(api["paths"]["/v1/who"]["get"]["responses"]["401"].is_object());
    service.stop().await;
}

#[tokio::test]
async fn the_page_to_try_it_needs_nothing_from_elsewhere() {
    let service = start().await;
    for (path, content_type) in [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/page.js", "text/javascript; charset=utf-8"),
        ("/docs/page.css", "text/css; charset=utf-8"),
    ] {
        let answer = service.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, content_type));
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(!answer.text.contains("http://") && !answer.text.contains("https://"), "{path}");
        assert!(!answer.text.contains("innerHTML") && !answer.text.contains(" style="), "{path}");
    }
    service.stop().await;
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_path() {
    let _telemetry =
        service_runtime::telemetry::init("http-api", &service_runtime::config::TelemetryConfig::default())
            .unwrap();
    let service = start().await;
    service.get_as("/v1/who", &token("acme", "")).await;
    service.get("/v1/secret-path-7").await;
    let text = service.get("/metrics").await.text;
    assert!(text.contains(r#"http_requests_total{method="GET",route="/v1/who",status="200"} "#), "{text}");
    assert!(text.contains(r#"route="unmatched",status="404""#), "{text}");
    assert!(text.contains(r#"http_request_seconds_bucket{route="/v1/who""#), "{text}");
    assert!(text.contains(r#"http_problems_total{type="no-such-path"}"#), "{text}");
    assert!(!text.contains("secret-path-7"));
    service.stop().await;
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let service = start().await;
    assert_eq!(service.get("/readyz").await.status, 200);
    let postgres = service.health.dependency("postgres");
    postgres.waiting("connection refused");
    let answer = service.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["dependencies"][0]["why"], "connection refused");
    postgres.ready();
    assert_eq!(service.get("/readyz").await.status, 200);
    service.stop().await;
}
