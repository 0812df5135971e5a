use axum::http::HeaderMap;

use super::*;

fn id(sent: &str) -> RequestId {
    let mut headers = HeaderMap::new();
    headers.insert(X_REQUEST_ID, HeaderValue::from_str(sent).unwrap());
    RequestId::of(&headers)
}

#[test]
fn a_usable_request_id_is_taken_over() {
    for sent in ["a", "0197a3c2-6d0e-7b54-9f6e-2a1c7d3b5e90", "A.b_c~9", &"x".repeat(128)] {
        assert_eq!(id(sent).as_str(), sent);
    }
}

#[test]
fn an_unusable_one_is_replaced_by_a_uuid() {
    for sent in ["", "a b", "a/b", "a\"b", "${jndi:x}", "<script>", &"x".repeat(129)] {
        let made = id(sent);
        let parsed: uuid::Uuid = made.as_str().parse().unwrap();
        assert_eq!(parsed.get_version_num(), 7, "{sent}");
    }
}

#[test]
fn made_ids_differ() {
    let ids: std::collections::HashSet<String> =
        (0..1000).map(|_| RequestId::of(&HeaderMap::new()).as_str().to_owned()).collect();
    assert_eq!(ids.len(), 1000);
}

#[test]
fn a_flood_of_problems_writes_few_lines() {
    let log = ProblemLog::new();
    let began = Instant::now();
    let written = (0..10_000).filter(|_| log.room().is_some()).count();
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap() + 1;
    assert!(written >= 20 && written <= 20 * (seconds + 1), "{written} lines in {seconds} s");
}
