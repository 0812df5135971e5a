use axum::http::{HeaderMap, HeaderValue, header};
use secrecy::ExposeSecret;

use super::*;
use crate::Authenticator;

fn secret() -> AuthConfig {
    AuthConfig {
        jwt_issuer: Some("https://issuer.example".to_owned()),
        jwt_audience: Some("twofold".to_owned()),
        ..AuthConfig::with_secret(SecretString::from("a secret for tests, 32 bytes or more"))
    }
}

#[tokio::test]
async fn a_token_made_of_the_secret_is_accepted_by_whoever_shares_it_and_opens_operations_only() {
    let tokens = OperatorTokens::new(&OperatorConfig::default(), &secret()).unwrap();
    let token = tokens.token().unwrap();
    assert_eq!(token.expose_secret(), tokens.token().unwrap().expose_secret(), "one is used for minutes");
    let mut headers = HeaderMap::new();
    let value = format!("Bearer {}", token.expose_secret());
    headers.insert(header::AUTHORIZATION, HeaderValue::try_from(value).unwrap());
    let caller = Authenticator::new(&secret()).unwrap().authenticate(&headers).await.unwrap();
    assert!(caller.require(OPS).is_ok());
    assert!(caller.require("catalog:read").is_err());
}

#[test]
fn without_a_secret_the_given_token_is_shown() {
    let given = OperatorConfig { ops_token: Some("given".into()), ops_token_file: None };
    let tokens = OperatorTokens::new(&given, &AuthConfig::default()).unwrap();
    assert_eq!(tokens.token().unwrap().expose_secret(), "given");
    let error = OperatorTokens::new(&OperatorConfig::default(), &AuthConfig::default()).unwrap_err();
    assert!(matches!(error, OperatorError::NoToken));
}

#[test]
fn a_token_in_a_file_may_be_renewed() {
    let path = std::env::temp_dir().join(format!("ops-token-{}", uuid::Uuid::new_v4()));
    let in_file = OperatorConfig { ops_token: None, ops_token_file: Some(path.clone()) };
    let tokens = OperatorTokens::new(&in_file, &AuthConfig::default()).unwrap();
    assert!(matches!(tokens.token(), Err(OperatorError::File { .. })));
    for token in ["first", "second"] {
        std::fs::write(&path, format!("{token}\n")).unwrap();
        assert_eq!(tokens.token().unwrap().expose_secret(), token);
    }
    std::fs::remove_file(path).unwrap();
}
