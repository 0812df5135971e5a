use std::time::Duration;

use axum::http::header;
use kernel::{Lane, LogId, Sequence, StreamVersion};

use super::*;

fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

fn code(problem: &Problem) -> String {
    assert_eq!(problem.kind(), ProblemType::InvalidHeader);
    format!("{problem:?}")
}

fn catalog(lane: u16) -> LogId {
    LogId::new("catalog", Lane::new(lane))
}

#[test]
fn the_furthest_token_of_a_log_counts() {
    let sent = headers(&TWOFOLD_AFTER, &["catalog/3=7, orders/3=9 ,catalog/3=12", "catalog/3=4,"]);
    let after = TwofoldAfter::from_headers(&sent).unwrap();
    assert_eq!(after.of(&catalog(3)), Some(Sequence::new(12)));
    assert_eq!(after.of(&catalog(4)), None);
    assert_eq!(after.of_context("orders").count(), 1);
    assert_eq!(after.tokens().len(), 2);
}

#[test]
fn a_query_without_the_header_asks_for_nothing() {
    assert_eq!(TwofoldAfter::from_headers(&HeaderMap::new()).unwrap(), TwofoldAfter::default());
}

#[test]
fn tokens_that_do_not_parse_or_are_too_many_are_refused() {
    for wrong in
        ["catalog", "catalog/3", "catalog/x=1", "Catalog/3=1", "catalog/3=-1", "catalog/3=1=2", "/3=1"]
    {
        let problem = TwofoldAfter::from_headers(&headers(&TWOFOLD_AFTER, &[wrong])).unwrap_err();
        assert!(code(&problem).contains("malformed"), "{wrong}");
    }
    let list = |most: usize| (0..most).map(|lane| format!("catalog/{lane}=1")).collect::<Vec<_>>().join(",");
    assert!(TwofoldAfter::from_headers(&headers(&TWOFOLD_AFTER, &[&list(32)])).is_ok());
    let problem = TwofoldAfter::from_headers(&headers(&TWOFOLD_AFTER, &[&list(33)])).unwrap_err();
    assert!(code(&problem).contains("too-many"));
}

#[test]
fn a_sequence_is_written_as_it_is_read() {
    assert_eq!(sequence_value(&catalog(3).at(Sequence::new(1042))), "catalog/3=1042");
}

#[test]
fn a_wait_is_taken_up_to_the_longest() {
    let wait = |text: &str| Prefer::from_headers(&headers(&PREFER, &[text])).unwrap().wait;
    assert_eq!(wait("wait=5"), Some(Duration::from_secs(5)));
    assert_eq!(wait("respond-async, Wait = \"7\"; x=y"), Some(Duration::from_secs(7)));
    assert_eq!(wait("wait=0"), Some(Duration::ZERO));
    assert_eq!(wait("wait=99999"), Some(Prefer::LONGEST_WAIT));
    assert_eq!(wait("wait=18446744073709551615"), Some(Prefer::LONGEST_WAIT));
}

#[test]
fn preferences_that_are_not_understood_are_ignored() {
    for text in ["wait", "wait=", "wait=soon", "wait=-1", "return=minimal", ""] {
        let prefer = Prefer::from_headers(&headers(&PREFER, &[text])).unwrap();
        assert_eq!(prefer.wait, None, "{text}");
        assert_eq!(prefer.wait_or_default(), Prefer::DEFAULT_WAIT);
    }
}

#[test]
fn an_idempotency_key_is_taken_as_it_is() {
    let key = |text: &str| IdempotencyKey::from_headers(&headers(&IDEMPOTENCY_KEY, &[text]));
    assert_eq!(key("\"a-1\"").unwrap().unwrap().as_str(), "\"a-1\"");
    assert!(key(&"k".repeat(255)).unwrap().is_some());
    for wrong in ["", "two words", &"k".repeat(256)] {
        assert!(code(&key(wrong).unwrap_err()).contains("malformed"), "{wrong}");
    }
    assert_eq!(IdempotencyKey::from_headers(&HeaderMap::new()).unwrap(), None);
}

#[test]
fn a_repeated_or_unreadable_idempotency_key_is_refused() {
    let twice = headers(&IDEMPOTENCY_KEY, &["a", "b"]);
    assert!(code(&IdempotencyKey::from_headers(&twice).unwrap_err()).contains("repeated"));
    let mut unreadable = HeaderMap::new();
    unreadable.insert(IDEMPOTENCY_KEY, HeaderValue::from_bytes(b"\xff").unwrap());
    assert!(code(&IdempotencyKey::from_headers(&unreadable).unwrap_err()).contains("malformed"));
}

#[test]
fn if_match_names_versions() {
    let condition =
        |text: &str| IfMatch::from_headers(&headers(&header::IF_MATCH, &[text])).unwrap().unwrap();
    let version = StreamVersion::new;
    assert!(condition("\"3\"").allows(version(3)));
    assert!(!condition("\"3\"").allows(version(4)));
    assert!(condition("\"3\", \"4\"").allows(version(4)));
    assert!(condition("*").allows(version(1)));
    assert!(!condition("*").allows(version(0)), "* asks for a stream that has begun");
    assert!(condition("\"0\"").allows(version(0)), "0 asks for a stream that has not");
    assert_eq!(IfMatch::from_headers(&HeaderMap::new()).unwrap(), None);
}

#[test]
fn tags_that_no_version_has_match_none() {
    for text in ["W/\"3\"", "\"catalog/3=1\"", "\"03\"", "\"+3\"", "\"\""] {
        let condition = IfMatch::from_headers(&headers(&header::IF_MATCH, &[text])).unwrap().unwrap();
        assert!((0..10).all(|number| !condition.allows(StreamVersion::new(number))), "{text}");
    }
}

#[test]
fn conditions_that_do_not_parse_are_refused() {
    for wrong in ["3", "\"3", "3\"", "\"3\" \"4\"", "w/\"3\"", "\"a b\"", ""] {
        for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
            let sent = headers(&name, &[wrong]);
            let problem =
                IfMatch::from_headers(&sent).map(drop).and(IfNoneMatch::from_headers(&sent).map(drop));
            assert!(code(&problem.unwrap_err()).contains("malformed"), "{name} {wrong}");
        }
    }
    let many = vec!["\"1\""; 33].join(",");
    let problem = IfMatch::from_headers(&headers(&header::IF_MATCH, &[&many])).unwrap_err();
    assert!(code(&problem).contains("too-many"));
}

#[test]
fn an_answer_that_the_client_has_is_recognised() {
    let tag = ETag::of_token(&catalog(3).at(Sequence::new(9)));
    assert_eq!(tag.header_value(), "\"catalog/3=9\"");
    let has =
        |text: &str| IfNoneMatch::from_headers(&headers(&header::IF_NONE_MATCH, &[text])).unwrap().has(&tag);
    assert!(has("\"catalog/3=9\""));
    assert!(has("\"x\", W/\"catalog/3=9\""), "weak tags match here");
    assert!(has("*"));
    assert!(!has("\"catalog/3=8\""));
    assert!(!IfNoneMatch::from_headers(&HeaderMap::new()).unwrap().has(&tag));
}

#[test]
fn a_tag_is_always_a_legal_header() {
    assert_eq!(ETag::of_version(StreamVersion::new(3)).header_value(), "\"3\"");
    assert_eq!(ETag::of_text("a \"b\"\r\nc: d\u{e9}").header_value(), "\"abc:d\"");
}

#[test]
fn only_a_well_formed_trace_context_is_passed_on() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let read = |text: &str| traceparent(&headers(&TRACEPARENT, &[text])).map(str::to_owned);
    assert_eq!(read(parent).as_deref(), Some(parent));
    for wrong in [
        "",
        "00",
        &parent.to_uppercase(),
        &parent[..54],
        &parent.replace('-', "0"),
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    ] {
        assert_eq!(read(wrong), None, "{wrong}");
    }
}
