//! Each problem's exact body and headers.

use serde_json::json;

use crate::support::{Answer, start};

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let service = start().await;
    let answer = service.get("/v1/nothing").await;
    assert_eq!(
        answer.problem(),
        json!({
            "type": "/problems/no-such-path",
            "title": "Nothing is served at this path",
            "status": 404,
            "detail": "see /openapi.json for what is served",
        })
    );
    service.stop().await;
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let service = start().await;
    for (path, allowed) in [
        ("/v1/who", "GET,HEAD"),
        ("/healthz", "GET,HEAD"),
        ("/openapi.json", "GET,HEAD"),
        ("/docs", "GET,HEAD"),
    ] {
        let answer = Answer::of(service.client.delete(service.url(path))).await;
        assert_eq!(answer.header("allow"), allowed, "{path}");
        assert_eq!(
            answer.problem(),
            json!({
                "type": "/problems/method-not-allowed",
                "title": "The path does not take this method",
                "status": 405,
                "detail": "DELETE is not a method of this path; the header `Allow` lists those that are",
            })
        );
    }
    let answer = service.get("/v1/quantity").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
    service.stop().await;
}

#[tokio::test]
async fn malformed_json_is_shown_where_it_breaks() {
    let service = start().await;
    let answer = service.post("/v1/quantity", "application/json", "{\"quantity\": 1,}").await;
    assert_eq!(
        answer.problem(),
        json!({
            "type": "/problems/malformed-body",
            "title": "The body is not the JSON that was expected",
            "status": 400,
            "detail": "the body is not JSON, at line 1 column 16",
        })
    );
    service.stop().await;
}

#[tokio::test]
async fn another_media_type_is_a_problem() {
    let service = start().await;
    let answer = service.post("/v1/quantity", "text/plain", "{\"quantity\": 1}").await;
    assert_eq!(
        answer.problem(),
        json!({
            "type": "/problems/unsupported-media-type",
            "title": "The body must be JSON",
            "status": 415,
            "detail": "send the body as `Content-Type: application/json`",
        })
    );
    service.stop().await;
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_service_goes_on() {
    let service = start().await;
    for _ in 0..3 {
        let answer = service.get("/v1/panic").await;
        assert_eq!(
            answer.problem(),
            json!({
                "type": "/problems/internal",
                "title": "Something went wrong in the service",
                "status": 500,
                "detail": "the service failed in a way that it did not foresee; nothing is known to be wrong with the request",
            })
        );
    }
    assert_eq!(service.post("/v1/quantity", "application/json", "{\"quantity\": 1}").await.text, "1");
    service.stop().await;
}

#[tokio::test]
async fn the_cause_of_a_problem_is_never_sent() {
    let service = start().await;
    let broken = service.get("/v1/broken").await;
    assert_eq!(broken.problem()["type"], "/problems/internal");
    assert!(!broken.text.contains("hunter2") && !broken.text.contains("db-7"), "{broken:?}");
    let away = service.get("/v1/away").await;
    assert_eq!(
        away.problem(),
        json!({
            "type": "/problems/unavailable",
            "title": "The service cannot do this at the moment",
            "status": 503,
        })
    );
    assert_eq!(away.header("retry-after"), "1");
    service.stop().await;
}

#[tokio::test]
async fn a_request_keeps_the_id_that_its_client_gave_it() {
    let service = start().await;
    let named =
        Answer::of(service.client.get(service.url("/v1/broken")).header("x-request-id", "mine-7")).await;
    assert_eq!(named.header("x-request-id"), "mine-7");
    assert_eq!(named.json()["instance"], "mine-7");
    let odd = Answer::of(service.client.get(service.url("/healthz")).header("x-request-id", "a b<c>")).await;
    assert_eq!(odd.header("x-request-id").len(), 36);
    service.stop().await;
}

#[tokio::test]
async fn a_problem_answers_head_without_a_body() {
    let service = start().await;
    let answer = service.raw("HEAD /v1/broken HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    service.stop().await;
}

#[tokio::test]
async fn a_body_that_ends_early_is_nobodys_trouble_but_its_senders() {
    let service = start().await;
    let request = "POST /v1/quantity HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
    let answer = service.raw(request).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(service.get("/healthz").await.status, 200);
    service.stop().await;
}
