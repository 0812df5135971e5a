use axum::body::{Body, to_bytes};
use axum::http::Request;
use tower::ServiceExt;

use super::*;

async fn ask(router: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_process_is_healthy_even_while_it_waits() {
    let health = Health::new();
    health.dependency("postgres");
    let router = ops_router(health);
    assert_eq!(ask(&router, "/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
    assert_eq!(
        ask(&router, "/readyz").await,
        (
            StatusCode::SERVICE_UNAVAILABLE,
            r#"{"ready":false,"draining":false,"dependencies":[{"name":"postgres","ready":false,"why":"not tried yet"}]}"#
                .to_owned()
        )
    );
}

#[tokio::test]
async fn it_is_ready_when_nothing_is_missing() {
    let health = Health::new();
    health.dependency("postgres").ready();
    let router = ops_router(health);
    assert_eq!(
        ask(&router, "/readyz").await,
        (
            StatusCode::OK,
            r#"{"ready":true,"draining":false,"dependencies":[{"name":"postgres","ready":true}]}"#.to_owned()
        )
    );
}

#[tokio::test]
async fn metrics_are_there_without_a_token() {
    let (status, text) = ask(&ops_router(Health::new()), "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("# TYPE process_resident_memory_bytes gauge"), "{text}");
}
