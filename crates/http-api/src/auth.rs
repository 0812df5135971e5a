//! Who asks: bearer tokens (JWT) and what they allow.
//!
//! A token is accepted when its signature holds, it has not expired, and it names a subject and a tenant. HS256
//! is verified with the shared secret only, RS256 and EdDSA with the keys of the JWKS URL only, and nothing else is
//! verified at all: a public key can never be taken for a secret.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use jsonwebtoken::DecodingKey;
use kernel::{Actor, TenantId};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::telemetry::TOKENS;
use crate::{Problem, ProblemType};

mod config;
mod key_set;
mod mint;
mod operator;
mod rate;
mod refused;
mod scopes;
mod verify;

pub use config::{AuthConfig, AuthError, generate_secret};
pub use mint::{Claims, MintError, mint};
pub use operator::{OPS, OperatorConfig, OperatorError, OperatorTokens, PROCESS};
pub use rate::RateConfig;
pub use scopes::Scopes;

use config::Keys;
use key_set::KeySet;
use rate::Rates;
use refused::Refused;

/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 8 * 1024;
/// Most verified tokens that are remembered.
const REMEMBERED_TOKENS: usize = 4096;

/// Who sends a request. Taken from the token; a handler that takes a `Caller` answers 401 without a valid one.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant that everything happens in.
    pub tenant: TenantId,
    /// Who it is: the token's `sub`.
    pub actor: Actor,
    /// What they may do.
    pub scopes: Scopes,
}

impl Caller {
    /// Goes on only when the token carries `scope`; else 403 `missing-scope`.
    pub fn require(&self, scope: &str) -> Result<(), Problem> {
        self.require_any(&[scope])
    }

    /// Goes on when the token carries one of these scopes; else 403 `missing-scope`, naming the first.
    pub fn require_any(&self, scopes: &[&str]) -> Result<(), Problem> {
        if scopes.iter().any(|scope| self.scopes.has(scope)) {
            return Ok(());
        }
        let named = scopes.first().copied().unwrap_or_default();
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{named}\"");
        Err(Problem::new(ProblemType::MissingScope)
            .detail(format!("the token does not carry the scope `{named}`"))
            .with("scope", named)
            .header(
                header::WWW_AUTHENTICATE,
                HeaderValue::try_from(challenge).unwrap_or_else(|_| HeaderValue::from_static("Bearer")),
            ))
    }
}

/// The state of a router whose handlers take a [`Caller`] must give an `Authenticator`.
impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Authenticator::from_ref(state).authenticate(&parts.headers).await
    }
}

/// Verifies tokens. Cheap to clone.
///
/// A verified token is remembered by its SHA-256 until it expires, so that the signature is checked once per token
/// and not once per request; at most 4,096 of them. A change of the key set forgets what its keys had verified.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    secret: Option<DecodingKey>,
    key_set: Option<Arc<KeySet>>,
    rules: verify::Rules,
    remembered: Cache<[u8; 32], Arc<Remembered>>,
    clock: Clock,
    counters: Counters,
    rates: Rates,
}

struct Remembered {
    caller: Caller,
    /// In seconds since 1970; the token is refused from this second on.
    until: u64,
    verified_by: VerifiedBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum VerifiedBy {
    Secret,
    /// The generation of the key set.
    KeySet(u64),
}

struct Counters {
    cached: metrics::Counter,
    verified: metrics::Counter,
    refused: metrics::Counter,
}

impl Counters {
    fn new() -> Self {
        Self {
            cached: metrics::counter!(TOKENS, "outcome" => "cached"),
            verified: metrics::counter!(TOKENS, "outcome" => "verified"),
            refused: metrics::counter!(TOKENS, "outcome" => "refused"),
        }
    }
}

impl Authenticator {
    /// Takes the keys. Fails without any, with a secret that is too short, with a file that cannot be read. Does
    /// not fetch the key set yet: the first token that needs it does.
    pub fn new(config: &AuthConfig) -> Result<Self, AuthError> {
        Self::limiting(config, &RateConfig::default())
    }

    /// The same, and counts how much callers ask: beyond these rates they are answered 429.
    pub fn limiting(config: &AuthConfig, rates: &RateConfig) -> Result<Self, AuthError> {
        Self::over(reqwest::Client::builder(), config, rates)
    }

    /// The same with a key set that is fetched over HTTP that was prepared: to believe further authorities, say.
    pub fn over(
        http: reqwest::ClientBuilder,
        config: &AuthConfig,
        rates: &RateConfig,
    ) -> Result<Self, AuthError> {
        Self::with_clock(http, config, rates, Clock::System)
    }

    fn with_clock(
        http: reqwest::ClientBuilder,
        config: &AuthConfig,
        rates: &RateConfig,
        clock: Clock,
    ) -> Result<Self, AuthError> {
        let Keys { secret, key_set } = config.keys(http)?;
        Ok(Self(Arc::new(Inner {
            secret,
            key_set,
            rules: verify::Rules::new(config),
            remembered: Cache::new(REMEMBERED_TOKENS),
            clock,
            counters: Counters::new(),
            rates: Rates::new(rates),
        })))
    }

    /// Who sends a request with these headers. Each call counts as one of theirs.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let outcome = match bearer(headers) {
            Ok(token) => self.caller(token).await,
            Err(refused) => Err(refused),
        };
        let caller = outcome.map_err(|refused| {
            self.0.counters.refused.increment(1);
            Problem::from(refused)
        })?;
        self.0.rates.count(&caller)?;
        Ok(caller)
    }

    async fn caller(&self, token: &str) -> Result<Caller, Refused> {
        let inner = &*self.0;
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(known) = inner.remembered.get(&digest) {
            if self.still_holds(&known) {
                inner.counters.cached.increment(1);
                return Ok(known.caller.clone());
            }
            inner.remembered.remove(&digest);
        }
        let fresh = Arc::new(self.verify(token).await?);
        inner.counters.verified.increment(1);
        let caller = fresh.caller.clone();
        inner.remembered.insert(digest, fresh);
        Ok(caller)
    }

    fn still_holds(&self, known: &Remembered) -> bool {
        let same_keys = match known.verified_by {
            VerifiedBy::Secret => true,
            VerifiedBy::KeySet(generation) => {
                self.0.key_set.as_ref().is_some_and(|keys| keys.vouches_for(generation))
            }
        };
        same_keys && self.0.clock.now() < known.until
    }

    async fn verify(&self, token: &str) -> Result<Remembered, Refused> {
        let inner = &*self.0;
        let header = verify::header(token)?;
        let (claims, verified_by) = match header.alg {
            jsonwebtoken::Algorithm::HS256 => {
                let secret = inner.secret.as_ref().ok_or(Refused::Algorithm)?;
                (verify::claims(token, secret, header.alg)?, VerifiedBy::Secret)
            }
            algorithm @ (jsonwebtoken::Algorithm::RS256 | jsonwebtoken::Algorithm::EdDSA) => {
                let keys = inner.key_set.as_ref().ok_or(Refused::Algorithm)?;
                let (key, generation) = keys.key(algorithm, header.kid.as_deref()).await?;
                (verify::claims(token, &key, algorithm)?, VerifiedBy::KeySet(generation))
            }
            _ => return Err(Refused::Algorithm),
        };
        let (caller, until) = inner.rules.accept(claims, inner.clock.now())?;
        Ok(Remembered { caller, until, verified_by })
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Authenticator")
            .field("secret", &self.0.secret.is_some())
            .field("key_set", &self.0.key_set.is_some())
            .finish_non_exhaustive()
    }
}

/// The token of `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Result<&str, Refused> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Refused::Missing)?;
    if values.next().is_some() {
        return Err(Refused::Malformed);
    }
    let value = value.to_str().map_err(|_| Refused::Malformed)?;
    let (scheme, token) = value.split_once(' ').ok_or(Refused::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refused::Missing);
    }
    let token = token.trim();
    if token.is_empty() || token.len() > LONGEST_TOKEN {
        return Err(Refused::Malformed);
    }
    Ok(token)
}

/// Seconds since 1970; tests set their own.
#[derive(Debug, Clone)]
enum Clock {
    System,
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests turn a clock by hand"))]
    Manual(Arc<AtomicU64>),
}

impl Clock {
    fn now(&self) -> u64 {
        match self {
            Self::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            Self::Manual(seconds) => seconds.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests;
