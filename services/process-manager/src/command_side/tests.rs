use super::*;

fn problem(status: u16, kind: &str, code: Option<&str>) -> Attempt {
    let body = serde_json::json!({ "type": kind, "title": "No", "detail": "no", "code": code });
    understood(StatusCode::from_u16(status).unwrap(), body.to_string().as_bytes())
}

#[test]
fn only_a_rules_refusal_is_a_refusal() {
    let refused = Reply::Refused { code: "sku-taken".to_owned() };
    assert_eq!(problem(409, "/problems/rejected", Some("sku-taken")), Attempt::Definite(refused, None));
    assert_eq!(problem(409, "/problems/conflict", None), Attempt::NotDone("409 Conflict: no".to_owned()));
}

#[test]
fn what_was_carried_out_names_the_last_event() {
    let body = br#"{"stream":"order-1","events":[{"id":"00000000-0000-0000-0000-000000000001","type":"A"},
        {"id":"00000000-0000-0000-0000-000000000002","type":"B"}]}"#;
    assert_eq!(
        understood(StatusCode::CREATED, body),
        Attempt::Definite(Reply::Done, Some(Uuid::from_u128(2)))
    );
    assert_eq!(understood(StatusCode::OK, br#"{"events":[]}"#), Attempt::Definite(Reply::Done, None));
}

#[test]
fn an_answer_that_does_not_say_what_was_done_is_unknown() {
    let unknown = [
        problem(503, "/problems/outcome-unknown", None),
        problem(500, "/problems/internal", None),
        problem(504, "/problems/timeout", None),
        // Of something in between.
        understood(StatusCode::SERVICE_UNAVAILABLE, b"<html>"),
        understood(StatusCode::BAD_GATEWAY, b"<html>"),
        understood(StatusCode::NOT_FOUND, b"<html>"),
    ];
    for attempt in unknown {
        assert!(matches!(attempt, Attempt::Unknown(_)), "{attempt:?}");
    }
}

#[test]
fn what_says_that_nothing_was_recorded_is_sent_again_without_doubt() {
    let not_done = [
        problem(503, "/problems/unavailable", None),
        problem(503, "/problems/overloaded", None),
        problem(401, "/problems/invalid-token", None),
        problem(403, "/problems/missing-scope", None),
    ];
    for attempt in not_done {
        assert!(matches!(attempt, Attempt::NotDone(_)), "{attempt:?}");
    }
}

#[test]
fn what_makes_no_sense_to_the_command_side_needs_an_operator() {
    for (status, kind) in [
        (400, "/problems/malformed-body"),
        (404, "/problems/no-such-path"),
        (413, "/problems/too-large"),
        (422, "/problems/invalid-body"),
        (422, "/problems/key-reused"),
    ] {
        let attempt = problem(status, kind, None);
        assert!(matches!(attempt, Attempt::Definite(Reply::Impossible { .. }, None)), "{attempt:?}");
    }
}

#[test]
fn a_once_only_key_fits_whatever_the_step_is_called() {
    let key = once_key(&"p".repeat(48), Uuid::nil(), &format!("{}/undo", "s".repeat(100)));
    assert!(key.len() <= http_api::IdempotencyKey::LONGEST, "{}", key.len());
}
