use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_800_000_000;

fn secret() -> SecretString {
    SecretString::from("0123456789abcdef0123456789abcdef")
}

struct Bench {
    authenticator: Authenticator,
    clock: Arc<AtomicU64>,
}

fn bench(change: impl FnOnce(&mut AuthConfig)) -> Bench {
    let mut config = AuthConfig::with_secret(secret());
    change(&mut config);
    let clock = Arc::new(AtomicU64::new(NOW));
    let authenticator = Authenticator::with_clock(
        reqwest::Client::builder(),
        &config,
        &RateConfig::default(),
        Clock::Manual(Arc::clone(&clock)),
    )
    .unwrap();
    Bench { authenticator, clock }
}

impl Bench {
    async fn ask(&self, token: &str) -> Result<Caller, Refused> {
        self.authenticator.caller(token).await
    }

    async fn refusal(&self, claims: &Value) -> Refused {
        self.ask(&sign(claims)).await.unwrap_err()
    }
}

fn claims() -> Value {
    json!({ "sub": "ada", "tenant": "acme", "scope": "catalog:read catalog:write", "exp": NOW + 60 })
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn sign(claims: &Value) -> String {
    sign_as(Algorithm::HS256, claims, secret().expose_secret().as_bytes())
}

fn sign_as(algorithm: Algorithm, claims: &Value, secret: &[u8]) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap()
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

#[tokio::test]
async fn a_good_token_says_who_it_is() {
    let bench = bench(|_| {});
    let caller = bench.ask(&sign(&claims())).await.unwrap();
    assert_eq!(caller.tenant.as_str(), "acme");
    assert_eq!(caller.actor.as_str(), "ada");
    assert!(caller.require("catalog:write").is_ok());
    assert!(caller.require_any(&["ops", "catalog:read"]).is_ok());
    let problem = caller.require("ops").unwrap_err();
    assert_eq!(problem.kind(), ProblemType::MissingScope);
}

#[tokio::test]
async fn a_scope_is_matched_whole() {
    let bench = bench(|_| {});
    let caller = bench.ask(&sign(&with("scope", " catalog:readers  xops "))).await.unwrap();
    for scope in ["catalog:read", "ops", "", " "] {
        assert!(caller.require(scope).is_err(), "{scope:?}");
    }
    let caller = bench.ask(&sign(&without("scope"))).await.unwrap();
    assert_eq!(caller.scopes.iter().count(), 0);
}

#[tokio::test]
async fn a_token_is_refused_from_the_second_of_its_exp() {
    let bench = bench(|_| {});
    let token = sign(&claims());
    bench.clock.store(NOW + 59, Ordering::Relaxed);
    assert!(bench.ask(&token).await.is_ok());
    bench.clock.store(NOW + 60, Ordering::Relaxed);
    assert_eq!(bench.ask(&token).await.unwrap_err(), Refused::Expired);
}

#[tokio::test]
async fn a_remembered_token_does_not_outlive_its_exp() {
    let bench = bench(|_| {});
    let token = sign(&claims());
    assert!(bench.ask(&token).await.is_ok());
    assert_eq!(bench.authenticator.0.remembered.len(), 1);
    assert!(bench.ask(&token).await.is_ok(), "from memory");
    bench.clock.store(NOW + 60, Ordering::Relaxed);
    assert_eq!(bench.ask(&token).await.unwrap_err(), Refused::Expired);
    assert_eq!(bench.authenticator.0.remembered.len(), 0);
}

#[tokio::test]
async fn leeway_extends_a_token_whether_or_not_it_is_remembered() {
    let bench = bench(|config| config.jwt_leeway = 10);
    let (remembered, fresh) = (sign(&claims()), sign(&with("sub", "bob")));
    assert!(bench.ask(&remembered).await.is_ok());
    bench.clock.store(NOW + 69, Ordering::Relaxed);
    assert!(bench.ask(&remembered).await.is_ok());
    assert!(bench.ask(&fresh).await.is_ok());
    bench.clock.store(NOW + 70, Ordering::Relaxed);
    assert_eq!(bench.ask(&remembered).await.unwrap_err(), Refused::Expired);
    assert_eq!(bench.ask(&fresh).await.unwrap_err(), Refused::Expired);
}

#[tokio::test]
async fn refused_tokens_are_not_remembered_and_the_memory_is_bounded() {
    let bench = bench(|_| {});
    for _ in 0..3 {
        assert_eq!(bench.refusal(&with("exp", NOW - 1)).await, Refused::Expired);
    }
    assert_eq!(bench.authenticator.0.remembered.len(), 0);
    for number in 0..2 * REMEMBERED_TOKENS {
        assert!(bench.ask(&sign(&with("sub", number.to_string()))).await.is_ok());
    }
    assert!(bench.authenticator.0.remembered.len() <= REMEMBERED_TOKENS);
}

#[tokio::test]
async fn a_changed_token_is_another_token() {
    let bench = bench(|_| {});
    let token = sign(&claims());
    assert!(bench.ask(&token).await.is_ok());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let header = signed.split('.').next().unwrap();
    let elevated = encoded(&with("tenant", "globex"));
    assert_eq!(bench.ask(&format!("{header}.{elevated}.{signature}")).await.unwrap_err(), Refused::Signature);
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{signed}.{flipped}{}", &signature[1..]);
    assert_eq!(bench.ask(&forged).await.unwrap_err(), Refused::Signature);
}

#[tokio::test]
async fn another_secret_is_not_accepted() {
    let bench = bench(|_| {});
    let token = sign_as(Algorithm::HS256, &claims(), &[7; 32]);
    assert_eq!(bench.ask(&token).await.unwrap_err(), Refused::Signature);
}

#[tokio::test]
async fn no_algorithm_but_the_expected_ones_is_accepted() {
    let bench = bench(|_| {});
    let payload = encoded(&claims());
    for alg in ["none", "None", "NONE", "HS1", "", "PS256", "ES256", "RS256", "EdDSA"] {
        let header = encoded(&json!({ "alg": alg, "typ": "JWT" }));
        for signature in ["", "AAAA"] {
            let refused = bench.ask(&format!("{header}.{payload}.{signature}")).await.unwrap_err();
            assert_eq!(refused, Refused::Algorithm, "{alg}");
        }
    }
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let token = sign_as(algorithm, &claims(), secret().expose_secret().as_bytes());
        assert_eq!(bench.ask(&token).await.unwrap_err(), Refused::Algorithm, "{algorithm:?}");
    }
}

#[tokio::test]
async fn what_is_not_a_token_is_malformed() {
    let bench = bench(|_| {});
    let header = encoded(&json!({ "typ": "JWT" }));
    for text in ["x", "..", "a.b.c", "a.b.c.d", &format!("{header}.e30.AAAA"), "\u{20ac}.\u{20ac}.\u{20ac}"] {
        assert_eq!(bench.ask(text).await.unwrap_err(), Refused::Malformed, "{text}");
    }
    let mistyped = sign(&with("tenant", 7));
    assert_eq!(bench.ask(&mistyped).await.unwrap_err(), Refused::Malformed);
}

#[tokio::test]
async fn the_claims_that_everything_rests_on_must_be_there_and_well_formed() {
    let bench = bench(|_| {});
    for claim in ["exp", "sub", "tenant"] {
        assert_eq!(bench.refusal(&without(claim)).await, Refused::Claim(claim));
        assert_eq!(bench.refusal(&with(claim, Value::Null)).await, Refused::Claim(claim));
    }
    for tenant in ["", "a/b", "a b", "acme\n", "\u{e9}", &"x".repeat(65), "*"] {
        assert_eq!(bench.refusal(&with("tenant", tenant)).await, Refused::Claim("tenant"), "{tenant}");
    }
    for subject in ["", "  "] {
        assert_eq!(bench.refusal(&with("sub", subject)).await, Refused::Claim("sub"));
    }
    for time in [-1.0, -1e300] {
        assert_eq!(bench.refusal(&with("exp", time)).await, Refused::Claim("exp"));
    }
    assert!(bench.ask(&sign(&with("exp", 1e300))).await.is_ok());
    assert!(bench.ask(&sign(&with("exp", NOW as f64 + 1.5))).await.is_ok());
}

#[tokio::test]
async fn a_token_from_the_future_waits_for_its_time() {
    let bench = bench(|_| {});
    assert!(bench.ask(&sign(&with("nbf", NOW + EARLY))).await.is_ok());
    assert_eq!(bench.refusal(&with("nbf", NOW + EARLY + 1)).await, Refused::Early);
}

const EARLY: u64 = 30;

#[tokio::test]
async fn issuer_and_audience_are_checked_where_they_are_configured() {
    let strict = bench(|config| {
        config.jwt_issuer = Some("https://issuer".to_owned());
        config.jwt_audience = Some("twofold".to_owned());
    });
    let named = |iss: &str, aud: Value| {
        let mut claims = with("iss", iss);
        claims["aud"] = aud;
        claims
    };
    for audience in [json!("twofold"), json!(["other", "twofold"])] {
        assert!(strict.ask(&sign(&named("https://issuer", audience))).await.is_ok());
    }
    assert_eq!(strict.refusal(&named("https://other", json!("twofold"))).await, Refused::Issuer);
    assert_eq!(strict.refusal(&claims()).await, Refused::Issuer);
    for audience in [json!("other"), json!([]), Value::Null] {
        assert_eq!(strict.refusal(&named("https://issuer", audience)).await, Refused::Audience);
    }
}

#[tokio::test]
async fn a_token_meant_for_somebody_is_refused_where_nobody_is_configured() {
    let bench = bench(|_| {});
    assert_eq!(bench.refusal(&with("aud", "somebody")).await, Refused::Audience);
    assert!(bench.ask(&sign(&with("iss", "anybody"))).await.is_ok());
}

#[test]
fn the_header_must_be_one_bearer_token() {
    let headers = |values: &[&str]| -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
    };
    assert_eq!(bearer(&headers(&["bearer  a.b.c "])), Ok("a.b.c"));
    for missing in [&[][..], &["Basic YTpi"], &["a.b.c"], &["Bearer"]] {
        assert_eq!(bearer(&headers(missing)), Err(Refused::Missing), "{missing:?}");
    }
    let long = format!("Bearer {}", "x".repeat(LONGEST_TOKEN + 1));
    for malformed in [&["Bearer "][..], &["Bearer a", "Bearer b"], &[long.as_str()]] {
        assert_eq!(bearer(&headers(malformed)), Err(Refused::Malformed));
    }
}

#[test]
fn no_authenticator_without_keys_or_with_a_weak_secret() {
    assert!(matches!(Authenticator::new(&AuthConfig::default()), Err(AuthError::NoKeys)));
    let weak = AuthConfig::with_secret(SecretString::from("x".repeat(31)));
    assert!(matches!(Authenticator::new(&weak), Err(AuthError::ShortSecret(31))));
    let gone = AuthConfig { jwt_secret_file: Some("/nonexistent/secret".into()), ..AuthConfig::default() };
    assert!(matches!(Authenticator::new(&gone), Err(AuthError::SecretFile { .. })));
    let odd = AuthConfig { jwks_url: Some("ftp://keys".to_owned()), ..AuthConfig::default() };
    assert!(matches!(Authenticator::new(&odd), Err(AuthError::KeySetUrl)));
}

#[test]
fn a_secret_from_a_file_is_taken_without_its_line_break() {
    let file = std::env::temp_dir().join(format!("twofold-secret-{}", uuid::Uuid::new_v4()));
    std::fs::write(&file, format!("{}\r\n", secret().expose_secret())).unwrap();
    let config = AuthConfig { jwt_secret_file: Some(file.clone()), ..AuthConfig::default() };
    let read = config.secret().unwrap().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(read.expose_secret(), secret().expose_secret());
}

#[test]
fn no_secret_shows_in_debug_output() {
    let config = AuthConfig::with_secret(secret());
    let printed = format!("{config:?} {:?}", Authenticator::new(&config).unwrap());
    assert!(!printed.contains(secret().expose_secret()), "{printed}");
}

#[tokio::test]
async fn a_minted_token_is_accepted() {
    let authenticator = Authenticator::new(&AuthConfig::with_secret(secret())).unwrap();
    let tenant = TenantId::new("acme").unwrap();
    let claims = Claims::new(&tenant, "ada", "catalog:read", Duration::from_secs(60));
    let token = mint(&secret(), &claims).unwrap();
    let caller = authenticator.caller(&token).await.unwrap();
    assert_eq!((caller.tenant, caller.actor), (tenant.clone(), Actor::new("ada")));
    let ended = Claims::new(&tenant, "ada", "catalog:read", Duration::ZERO);
    assert_eq!(authenticator.caller(&mint(&secret(), &ended).unwrap()).await.unwrap_err(), Refused::Expired);
    assert!(matches!(mint(&SecretString::from("short"), &claims), Err(MintError::ShortSecret)));
}

#[test]
fn generated_secrets_are_long_and_differ() {
    let (one, two) = (generate_secret(), generate_secret());
    assert_eq!(one.expose_secret().len(), 64);
    assert_ne!(one.expose_secret(), two.expose_secret());
}
