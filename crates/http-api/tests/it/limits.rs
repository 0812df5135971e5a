//! Bounds of the edge.

use std::time::Duration;

use http_api::Limits;
use serde_json::json;

use crate::support::{start, start_limited};

#[tokio::test]
async fn a_body_over_the_limit_is_a_problem() {
    let service = start_limited(Limits { body: 1000, ..Limits::default() }).await;
    assert_eq!(service.post("/v1/length", "application/json", "x".repeat(1000)).await.text, "1000");
    let answer = service.post("/v1/length", "application/json", "x".repeat(1001)).await;
    assert_eq!(
        answer.problem(),
        json!({
            "type": "/problems/too-large",
            "title": "The body is too large",
            "status": 413,
            "detail": "the body may have at most 1000 bytes",
            "limit": 1000,
        })
    );
    service.stop().await;
}

#[tokio::test]
async fn the_limit_is_one_mebibyte_unless_it_is_set() {
    let service = start().await;
    let longest = 1024 * 1024;
    assert_eq!(
        service.post("/v1/length", "application/json", "x".repeat(longest)).await.text,
        longest.to_string()
    );
    // Longer than what the sockets' buffers hold: the client must still get to read the answer.
    for length in [longest + 1, 6 * longest] {
        let answer = service.post("/v1/length", "application/json", "x".repeat(length)).await;
        assert_eq!(answer.problem()["limit"], longest);
    }
    service.stop().await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_under_the_limit_too() {
    let service = start_limited(Limits { body: 1000, ..Limits::default() }).await;
    let chunks = (0..3).map(|_| Ok::<_, std::io::Error>("x".repeat(400)));
    let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    let answer = service.post("/v1/length", "application/json", body).await;
    assert_eq!(answer.problem()["type"], "/problems/too-large");
    service.stop().await;
}

#[tokio::test]
async fn who_sends_a_long_body_in_vain_gets_to_read_why() {
    let service = start().await;
    for (path, status) in [("/v1/write", 401), ("/v1/nothing", 404), ("/v1/who", 405), ("/v1/length", 415)] {
        let answer = service.post(path, "text/plain", "x".repeat(6 * 1024 * 1024)).await;
        assert_eq!(answer.problem()["status"], status, "{path}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_without_sending() {
    let service = start_limited(Limits { body: 1000, ..Limits::default() }).await;
    let answer = service
        .raw("POST /v1/length HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 5000\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    service.stop().await;
}

#[tokio::test]
async fn requests_beyond_the_limit_are_answered_at_once() {
    let service = start_limited(Limits { in_flight: 1, ..Limits::default() }).await;
    let held = tokio::spawn(service.client.get(service.url("/v1/slow")).send());
    service.began.notified().await;
    let answer = service.get("/v1/broken").await;
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(
        answer.problem(),
        json!({
            "type": "/problems/overloaded",
            "title": "The service is overloaded",
            "status": 503,
            "detail": "more requests are running than this service takes on; repeat in a moment",
        })
    );
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(service.get(path).await.status, 200, "{path} is answered under overload");
    }
    service.go.notify_one();
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    assert_eq!(service.get("/v1/broken").await.status, 500, "there is room again");
    service.stop().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_gives_its_place_back() {
    let service = start_limited(Limits { in_flight: 1, ..Limits::default() }).await;
    let held = tokio::spawn(service.client.get(service.url("/v1/slow")).send());
    service.began.notified().await;
    held.abort();
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while service.get("/v1/broken").await.status == 503 {
            tokio::task::yield_now().await;
        }
    });
    patience.await.expect("the place is free again");
    service.stop().await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_a_problem() {
    let service = start_limited(Limits { timeout: Duration::from_millis(20), ..Limits::default() }).await;
    let answer = service.get("/v1/slow").await;
    assert_eq!(
        answer.problem(),
        json!({
            "type": "/problems/timeout",
            "title": "The answer did not come in time",
            "status": 504,
            "detail": "the answer was not there within 0.02 s; a command may have taken effect: \
                repeat it with the same Idempotency-Key",
        })
    );
    service.stop().await;
}

#[tokio::test]
async fn a_request_in_flight_outlives_the_stop() {
    let service = start().await;
    service.health.unready_when(&service.token);
    let held = tokio::spawn(service.client.get(service.url("/v1/slow")).send());
    service.began.notified().await;
    service.token.cancel();
    service.go.notify_one();
    let answer = held.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["connection"], "close");
    assert!(service.health.readiness().draining);
    service.stop().await;
}
