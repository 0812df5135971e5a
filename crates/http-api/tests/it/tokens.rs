//! Tokens over HTTP.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Answer, SECRET, start, token};

fn encode(claims: &Value) -> String {
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes()))
        .unwrap()
}

#[tokio::test]
async fn a_good_token_is_let_in() {
    let service = start().await;
    let answer = service.get_as("/v1/who", &token("acme", "catalog:read")).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "acme ada"));
    service.stop().await;
}

#[tokio::test]
async fn no_token_is_a_problem() {
    let service = start().await;
    let answer = service.get("/v1/who").await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(
        answer.problem(),
        json!({
            "type": "/problems/unauthenticated",
            "title": "A token is needed",
            "status": 401,
            "detail": "send a token as `Authorization: Bearer <token>`",
        })
    );
    let basic = Answer::of(service.client.get(service.url("/v1/who")).basic_auth("ada", Some("x"))).await;
    assert_eq!(basic.problem()["type"], "/problems/unauthenticated");
    service.stop().await;
}

#[tokio::test]
async fn an_expired_token_is_a_problem() {
    let service = start().await;
    let expired = encode(&json!({ "sub": "ada", "tenant": "acme", "scope": "", "exp": 1_000_000_000 }));
    let answer = service.get_as("/v1/who", &expired).await;
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer error=\"invalid_token\", error_description=\"expired\""
    );
    assert_eq!(
        answer.problem(),
        json!({
            "type": "/problems/invalid-token",
            "title": "The token is not accepted",
            "status": 401,
            "detail": "the token has expired",
            "code": "expired",
        })
    );
    service.stop().await;
}

#[tokio::test]
async fn forged_and_unsigned_tokens_are_problems() {
    let service = start().await;
    let good = token("acme", "catalog:read");
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let payload = signed.split('.').nth(1).unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let elsewhere =
        URL_SAFE_NO_PAD.encode(r#"{"sub":"ada","tenant":"globex","scope":"ops","exp":9999999999}"#);
    let header = signed.split('.').next().unwrap();
    for (token, code) in [
        (format!("{none}.{payload}."), "algorithm"),
        (format!("{none}.{payload}.{signature}"), "algorithm"),
        (format!("{header}.{elsewhere}.{signature}"), "signature"),
        (format!("{signed}."), "signature"),
        ("not-a-token".to_owned(), "malformed"),
    ] {
        let answer = service.get_as("/v1/who", &token).await;
        let problem = answer.problem();
        assert_eq!((answer.status, &problem["code"]), (401, &json!(code)), "{token}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_tenant_of_the_wrong_form_is_a_problem() {
    let service = start().await;
    for tenant in ["", "a/b", "../globex", "a:b", "{acme}"] {
        let token = encode(&json!({ "sub": "ada", "tenant": tenant, "scope": "", "exp": 9_999_999_999_u64 }));
        let answer = service.get_as("/v1/who", &token).await;
        assert_eq!(
            answer.problem(),
            json!({
                "type": "/problems/invalid-token",
                "title": "The token is not accepted",
                "status": 401,
                "detail": "the token's claim `tenant` is missing or not of the expected form",
                "code": "claim",
            })
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let service = start().await;
    let request = service.client.post(service.url("/v1/write")).bearer_auth(token("acme", "catalog:read"));
    let answer = Answer::of(request).await;
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer error=\"insufficient_scope\", scope=\"catalog:write\""
    );
    assert_eq!(
        answer.problem(),
        json!({
            "type": "/problems/missing-scope",
            "title": "The token lacks a scope",
            "status": 403,
            "detail": "the token does not carry the scope `catalog:write`",
            "scope": "catalog:write",
        })
    );
    let request = service.client.post(service.url("/v1/write")).bearer_auth(token("acme", "catalog:write"));
    assert_eq!(Answer::of(request).await.text, "written");
    service.stop().await;
}
