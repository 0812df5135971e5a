//! Tokens verified with keys that an issuer publishes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::AsDer as _;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use http_api::{AuthConfig, Limits};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Answer, SECRET, Service, start_with, token};

/// Publishes a key set.
#[derive(Clone)]
struct Issuer {
    set: Arc<Result<Value, StatusCode>>,
    fetches: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start(set: Result<Value, StatusCode>) -> (Self, SocketAddr) {
        let issuer = Self { set: Arc::new(set), fetches: Arc::default() };
        let answer = |State(issuer): State<Self>| async move {
            issuer.fetches.fetch_add(1, Ordering::SeqCst);
            Result::clone(&issuer.set).map(|set| set.to_string())
        };
        let router = Router::new().route("/keys", get(answer)).with_state(issuer.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (issuer, address)
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

async fn service_of(address: SocketAddr) -> Service {
    let auth = AuthConfig { jwks_url: Some(format!("http://{address}/keys")), ..AuthConfig::default() };
    start_with(Limits::default(), &auth).await
}

struct Key {
    id: &'static str,
    algorithm: Algorithm,
    signing: EncodingKey,
}

/// An Ed25519 key from a seed (RFC 8410's PKCS #8 prefix before it).
fn ed25519(id: &'static str, seed: u8) -> Key {
    let prefix =
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    let der: Vec<u8> = prefix.into_iter().chain([seed; 32]).collect();
    Key { id, algorithm: Algorithm::EdDSA, signing: EncodingKey::from_ed_der(&der) }
}

/// Made anew for each run: a private key has no place in a repository.
static RSA: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'static> = key.as_der().unwrap();
    // Around the key itself (PKCS #1) stands only which kind it is.
    pkcs8.as_ref()[26..].to_vec()
});

fn rsa(id: &'static str, der: &[u8]) -> Key {
    Key { id, algorithm: Algorithm::RS256, signing: EncodingKey::from_rsa_der(der) }
}

impl Key {
    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.signing, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn token(&self, key_id: Option<&str>) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = key_id.map(str::to_owned);
        let claims = json!({ "sub": "ada", "tenant": "acme", "scope": "", "exp": 9_999_999_999_u64 });
        jsonwebtoken::encode(&header, &claims, &self.signing).unwrap()
    }

    fn named_token(&self) -> String {
        self.token(Some(self.id))
    }
}

fn set(keys: &[&Key]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.public()).collect::<Vec<_>>() })
}

fn code(answer: &Answer) -> Value {
    answer.problem()["code"].clone()
}

#[tokio::test]
async fn tokens_signed_with_published_keys_are_let_in() {
    let (edwards, rivest) = (ed25519("e1", 1), rsa("r1", &RSA));
    let (issuer, address) = Issuer::start(Ok(set(&[&edwards, &rivest]))).await;
    let service = service_of(address).await;
    for key in [&edwards, &rivest] {
        for token in [key.named_token(), key.token(None)] {
            assert_eq!(service.get_as("/v1/who", &token).await.text, "acme ada");
        }
    }
    assert_eq!(issuer.fetches(), 1, "fetched once and kept");
    service.stop().await;
}

#[tokio::test]
async fn while_the_keys_were_never_seen_nobody_is_let_in_or_called_a_liar() {
    let key = ed25519("e1", 1);
    let (_issuer, address) = Issuer::start(Err(StatusCode::BAD_GATEWAY)).await;
    let service = service_of(address).await;
    let answer = service.get_as("/v1/who", &key.named_token()).await;
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(
        answer.problem(),
        json!({
            "type": "/problems/unavailable",
            "title": "The service cannot do this at the moment",
            "status": 503,
            "detail": "the keys that tokens are verified with cannot be fetched at the moment",
            "code": "keys-away",
        })
    );
    service.stop().await;
}

#[tokio::test]
async fn a_public_key_is_never_taken_for_a_secret() {
    let edwards = ed25519("e1", 1);
    let (_issuer, address) = Issuer::start(Ok(set(&[&edwards]))).await;
    // With both kinds of keys configured: the mistake would have its best chance.
    let auth = AuthConfig {
        jwks_url: Some(format!("http://{address}/keys")),
        ..AuthConfig::with_secret(SecretString::from(SECRET))
    };
    let service = start_with(Limits::default(), &auth).await;
    assert_eq!(service.get_as("/v1/who", &edwards.named_token()).await.status, 200);
    assert_eq!(service.get_as("/v1/who", &token("acme", "")).await.status, 200);
    let public = edwards.public();
    let claims = json!({ "sub": "eve", "tenant": "acme", "scope": "ops", "exp": 9_999_999_999_u64 });
    for secret in [public["x"].as_str().unwrap().to_owned(), public.to_string()] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("e1".to_owned());
        let forged =
            jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap();
        assert_eq!(code(&service.get_as("/v1/who", &forged).await), "signature");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_secret_token_is_refused_where_only_published_keys_count_and_the_other_way_round() {
    let edwards = ed25519("e1", 1);
    let (_issuer, address) = Issuer::start(Ok(set(&[&edwards]))).await;
    let published = service_of(address).await;
    assert_eq!(code(&published.get_as("/v1/who", &token("acme", "")).await), "algorithm");
    let shared = crate::support::start().await;
    assert_eq!(code(&shared.get_as("/v1/who", &edwards.named_token()).await), "algorithm");
    published.stop().await;
    shared.stop().await;
}

#[tokio::test]
async fn keys_of_other_kinds_do_not_spoil_the_set_and_are_not_used() {
    let edwards = ed25519("e1", 1);
    let rivest = rsa("weak", &RSA);
    let mut weak = rivest.public();
    // The modulus of a key half as long.
    weak["n"] = json!(&weak["n"].as_str().unwrap()[..1024 / 6]);
    let mut for_encryption = ed25519("e2", 2).public();
    for_encryption["use"] = json!("enc");
    let keys = json!({ "keys": [
        { "kty": "EC", "crv": "P-256", "kid": "p", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" },
        { "kty": "new-fangled" },
        { "kty": "oct", "kid": "o", "k": "c2VjcmV0" },
        7,
        for_encryption,
        weak,
        edwards.public(),
    ] });
    let (_issuer, address) = Issuer::start(Ok(keys)).await;
    let service = service_of(address).await;
    assert_eq!(service.get_as("/v1/who", &edwards.named_token()).await.status, 200);
    for key in [ed25519("e2", 2), rivest] {
        assert_eq!(code(&service.get_as("/v1/who", &key.named_token()).await), "signature");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_token_that_names_no_key_fits_only_where_there_is_one() {
    let (first, second) = (ed25519("e1", 1), ed25519("e2", 2));
    let (_issuer, address) = Issuer::start(Ok(set(&[&first, &second]))).await;
    let service = service_of(address).await;
    assert_eq!(code(&service.get_as("/v1/who", &first.token(None)).await), "signature");
    assert_eq!(code(&service.get_as("/v1/who", &first.token(Some("e2"))).await), "signature");
    assert_eq!(service.get_as("/v1/who", &second.named_token()).await.status, 200);
    service.stop().await;
}
