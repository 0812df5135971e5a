use std::sync::Mutex as Lock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::*;
use crate::auth::Rates;
use crate::auth::{Authenticator, Caller, Clock, Counters, Inner, REMEMBERED_TOKENS, verify};
use crate::{AuthConfig, RateConfig, auth};

const HOUR: Duration = Duration::from_secs(3600);
/// Fetches whenever a token asks for it, and never by itself.
const EAGER: Pauses = Pauses { fetch: Duration::ZERO, refresh: HOUR, unusable: HOUR };

/// Publishes a key set, or is away.
struct Issuer {
    keys: Lock<Vec<Value>>,
    away: AtomicBool,
    /// `Cache-Control` of its answers.
    lives: Lock<Option<&'static str>>,
    fetches: AtomicUsize,
    fetched: Notify,
}

impl Issuer {
    async fn start(pauses: Pauses) -> (Arc<Self>, Authenticator) {
        let issuer = Arc::new(Self {
            keys: Lock::default(),
            away: AtomicBool::new(false),
            lives: Lock::default(),
            fetches: AtomicUsize::new(0),
            fetched: Notify::new(),
        });
        let serving = Arc::clone(&issuer);
        let router = Router::new().route("/keys", get(move || std::future::ready(serving.answer())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let authenticator = Authenticator(Arc::new(Inner {
            secret: None,
            key_set: Some(KeySet::with_pauses(reqwest::Client::builder(), &url, pauses).unwrap()),
            rules: verify::Rules::new(&AuthConfig::default()),
            remembered: quick_cache::sync::Cache::new(REMEMBERED_TOKENS),
            clock: Clock::System,
            counters: Counters::new(),
            rates: Rates::new(&RateConfig::default()),
        }));
        (issuer, authenticator)
    }

    fn answer(&self) -> Response {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        self.fetched.notify_one();
        if self.away.load(Ordering::SeqCst) {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        let lives = self.lives.lock().unwrap().unwrap_or("no-transform");
        let keys = json!({ "keys": *self.keys.lock().unwrap() });
        ([(CACHE_CONTROL, lives)], keys.to_string()).into_response()
    }

    fn publish(&self, seeds: &[u8]) {
        *self.keys.lock().unwrap() = seeds.iter().map(|seed| public(*seed)).collect();
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

/// An Ed25519 key from a seed (RFC 8410's PKCS #8 prefix before it).
fn signing(seed: u8) -> EncodingKey {
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let der: Vec<u8> = prefix.into_iter().chain([seed; 32]).collect();
    EncodingKey::from_ed_der(&der)
}

fn public(seed: u8) -> Value {
    let mut jwk = Jwk::from_encoding_key(&signing(seed), Algorithm::EdDSA).unwrap();
    jwk.common.key_id = Some(seed.to_string());
    serde_json::to_value(jwk).unwrap()
}

fn token(seed: u8) -> String {
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(seed.to_string());
    let claims = json!({ "sub": "ada", "tenant": "acme", "exp": 9_999_999_999_u64 });
    jsonwebtoken::encode(&header, &claims, &signing(seed)).unwrap()
}

async fn ask(authenticator: &Authenticator, seed: u8) -> Result<Caller, Refused> {
    authenticator.caller(&token(seed)).await
}

#[tokio::test]
async fn a_new_key_is_noticed_by_its_first_token() {
    let (issuer, authenticator) = Issuer::start(EAGER).await;
    issuer.publish(&[1]);
    assert!(ask(&authenticator, 1).await.is_ok());
    issuer.publish(&[1, 2]);
    assert!(ask(&authenticator, 2).await.is_ok());
    assert!(ask(&authenticator, 1).await.is_ok(), "the old key is still published");
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn what_a_withdrawn_key_had_verified_is_forgotten() {
    let (issuer, authenticator) = Issuer::start(EAGER).await;
    issuer.publish(&[1]);
    assert!(ask(&authenticator, 1).await.is_ok());
    assert!(ask(&authenticator, 1).await.is_ok(), "from memory");
    assert_eq!(issuer.fetches(), 1);
    issuer.publish(&[2]);
    assert!(ask(&authenticator, 2).await.is_ok());
    assert_eq!(ask(&authenticator, 1).await.unwrap_err(), Refused::Signature);
}

#[tokio::test]
async fn however_many_tokens_name_unknown_keys_the_issuer_is_asked_once_in_a_while() {
    let (issuer, authenticator) = Issuer::start(Pauses { fetch: HOUR, ..EAGER }).await;
    issuer.publish(&[1]);
    assert!(ask(&authenticator, 1).await.is_ok());
    for seed in 2..30 {
        assert_eq!(ask(&authenticator, seed).await.unwrap_err(), Refused::Signature);
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn many_at_once_share_one_fetch() {
    let (issuer, authenticator) = Issuer::start(Pauses { fetch: HOUR, ..EAGER }).await;
    issuer.publish(&[1]);
    let answers = futures::future::join_all((0..20).map(|_| ask(&authenticator, 1))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn known_keys_go_on_serving_while_the_issuer_is_away() {
    let (issuer, authenticator) = Issuer::start(Pauses { refresh: Duration::ZERO, ..EAGER }).await;
    issuer.publish(&[1]);
    assert!(ask(&authenticator, 1).await.is_ok());
    issuer.away.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        assert!(ask(&authenticator, 1).await.is_ok());
    }
    assert_eq!(ask(&authenticator, 2).await.unwrap_err(), Refused::Signature);
}

#[tokio::test]
async fn keys_in_use_are_fetched_again_without_anybody_waiting() {
    let (issuer, authenticator) = Issuer::start(Pauses { refresh: Duration::ZERO, ..EAGER }).await;
    issuer.publish(&[1]);
    assert!(ask(&authenticator, 1).await.is_ok());
    issuer.publish(&[2]);
    // A remembered token is enough to have them fetched; once they are, it counts no longer.
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while ask(&authenticator, 1).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    patience.await.expect("the withdrawn key is noticed");
}

#[tokio::test]
async fn keys_live_no_longer_than_their_issuer_says_and_never_longer_than_usual() {
    let (issuer, authenticator) = Issuer::start(EAGER).await;
    issuer.publish(&[1]);
    *issuer.lives.lock().unwrap() = Some("public, max-age=0");
    assert!(ask(&authenticator, 1).await.is_ok());
    issuer.publish(&[2]);
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while ask(&authenticator, 1).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    patience.await.expect("the withdrawn key is noticed");

    let (issuer, authenticator) = Issuer::start(Pauses { refresh: Duration::ZERO, ..EAGER }).await;
    issuer.publish(&[1]);
    *issuer.lives.lock().unwrap() = Some("max-age=31536000");
    assert!(ask(&authenticator, 1).await.is_ok());
    issuer.publish(&[2]);
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while ask(&authenticator, 1).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    patience.await.expect("the withdrawn key is noticed");
}

#[test]
fn an_rsa_key_that_is_too_short_is_no_key() {
    let keys_of = |bytes: usize| {
        let modulus = URL_SAFE_NO_PAD.encode(vec![0xc5; bytes]);
        let jwk = json!({ "kty": "RSA", "alg": "RS256", "kid": "r", "n": modulus, "e": "AQAB" });
        parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap().len()
    };
    assert_eq!((keys_of(1024 / 8), keys_of(2047 / 8), keys_of(2048 / 8)), (0, 0, 1));
}

#[tokio::test]
async fn keys_that_are_too_old_verify_nothing() {
    let (issuer, authenticator) = Issuer::start(Pauses { unusable: Duration::ZERO, ..EAGER }).await;
    issuer.publish(&[1]);
    assert!(matches!(ask(&authenticator, 1).await.unwrap_err(), Refused::KeysAway(_)));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_break_off_the_fetch() {
    let (issuer, authenticator) = Issuer::start(Pauses { fetch: HOUR, ..EAGER }).await;
    issuer.publish(&[1]);
    let asking = authenticator.clone();
    let client = tokio::spawn(async move { ask(&asking, 1).await });
    issuer.fetched.notified().await;
    client.abort();
    assert!(client.await.is_err() || issuer.fetches() == 1);
    assert!(ask(&authenticator, 1).await.is_ok(), "what was fetched is there, and fetched once");
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_changes_nothing() {
    for body in ["", "[]", "{}", "{\"keys\":{}}", "<html>"] {
        assert!(parse(body.as_bytes()).is_err(), "{body}");
    }
    assert_eq!(parse(b"{\"keys\":[]}").unwrap().len(), 0);
}

#[test]
fn at_most_so_many_keys_are_kept() {
    let keys: Vec<Value> = (0..200).map(public).collect();
    assert_eq!(parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap().len(), MOST_KEYS);
}

#[tokio::test]
async fn the_url_of_the_keys_is_in_no_error() {
    let url = "http://user:hunter2@127.0.0.1:1/keys";
    let keys = auth::key_set::KeySet::with_pauses(reqwest::Client::builder(), url, EAGER).unwrap();
    let error = keys.fetch().await.unwrap_err();
    assert!(!error.contains("hunter2") && !error.contains("127.0.0.1:1/keys"), "{error}");
}
