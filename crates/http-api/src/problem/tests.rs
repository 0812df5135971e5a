use axum::body::to_bytes;
use axum::http::StatusCode;
use serde_json::json;

use super::page::{heading, sections};
use super::*;

async fn body(response: Response) -> Value {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn every_type_has_a_section_in_the_documentation_and_every_section_a_type() {
    let documented: Vec<&str> = sections().map(heading).collect();
    let known: Vec<&str> = ProblemType::ALL.iter().map(|kind| kind.slug()).collect();
    assert_eq!(documented, known);
}

#[test]
fn every_section_begins_with_the_status_and_says_whether_to_repeat() {
    for kind in ProblemType::ALL {
        let text = page(kind.slug()).unwrap();
        assert!(text.contains(&format!("\n{}", kind.status().as_u16())), "{text}");
        assert!(text.contains("\n*Repeat?* "), "{text}");
    }
}

#[test]
fn there_is_no_page_for_an_unknown_type() {
    assert_eq!(page("teapot"), None);
    assert_eq!(page(""), None);
}

#[test]
fn types_are_in_the_order_of_their_statuses_and_have_names_of_their_own() {
    for pair in ProblemType::ALL.windows(2) {
        assert!(pair[0].status() <= pair[1].status(), "{pair:?}");
    }
    let mut slugs: Vec<&str> = ProblemType::ALL.iter().map(|kind| kind.slug()).collect();
    assert!(slugs.iter().all(|slug| slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
    slugs.sort_unstable();
    slugs.dedup();
    assert_eq!(slugs.len(), ProblemType::ALL.len());
}

#[tokio::test]
async fn a_full_problem_has_exactly_these_members() {
    let problem = Problem::new(ProblemType::Rejected)
        .detail("the SKU belongs to another product")
        .code("sku-taken")
        .error("sku", "taken")
        .with("holder", "product-1");
    let response = problem.render(Some("request-1"));
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(
        body(response).await,
        json!({
            "type": "/problems/rejected",
            "title": "A rule refused the command",
            "status": 409,
            "detail": "the SKU belongs to another product",
            "instance": "request-1",
            "code": "sku-taken",
            "errors": [{ "field": "sku", "code": "taken" }],
            "holder": "product-1",
        })
    );
}

#[tokio::test]
async fn a_bare_problem_has_no_empty_members() {
    let response = Problem::new(ProblemType::NotFound).into_response();
    assert_eq!(
        body(response).await,
        json!({ "type": "/problems/not-found", "title": "There is no such thing", "status": 404 })
    );
}

#[tokio::test]
async fn the_cause_is_for_operators_only() {
    #[derive(Debug, thiserror::Error)]
    #[error("the pool is exhausted")]
    struct Pool;
    #[derive(Debug, thiserror::Error)]
    #[error("cannot append")]
    struct Append(#[source] Pool);

    let problem = Problem::internal(Append(Pool));
    assert_eq!(problem.cause_text().unwrap(), "cannot append: the pool is exhausted");
    let text = body(problem.into_response()).await.to_string();
    assert!(!text.contains("append") && !text.contains("pool"), "{text}");
}

#[test]
fn every_503_says_when_to_come_back() {
    for kind in ProblemType::ALL {
        let response = Problem::new(*kind).into_response();
        let has = response.headers().contains_key(header::RETRY_AFTER);
        assert_eq!(has, kind.status() == StatusCode::SERVICE_UNAVAILABLE, "{kind:?}");
    }
}

#[test]
fn retry_after_is_in_whole_seconds_rounded_up() {
    for (delay, seconds) in [(0, "1"), (1, "1"), (999, "1"), (1000, "1"), (1001, "2"), (30_000, "30")] {
        let problem = Problem::new(ProblemType::Overloaded).retry_after(Duration::from_millis(delay));
        assert_eq!(problem.into_response().headers()[header::RETRY_AFTER], seconds, "{delay} ms");
    }
}

#[test]
fn who_sends_no_token_is_told_which_kind_is_wanted() {
    let response = Problem::new(ProblemType::Unauthenticated).into_response();
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
}
