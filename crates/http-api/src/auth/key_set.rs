//! Public keys that an issuer publishes and rotates.
//!
//! The set is fetched when a token first needs it, again when a token names a key that it does not have (at most
//! every ten seconds, however many such tokens come), and every ten minutes while it is used, or sooner where the issuer
//! says that its answer lives shorter (`Cache-Control: max-age`). When the issuer is away the keys that are known go on serving, for an hour; after that nothing is verified with them, because a key
//! that was withdrawn meanwhile must not live for ever.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{info, warn};

use super::{AuthError, Refused};
use crate::telemetry::KEY_FETCHES;

/// Least time between two fetches.
const FETCH_PAUSE: Duration = Duration::from_secs(10);
/// When keys in use are fetched again.
const REFRESH_AFTER: Duration = Duration::from_secs(10 * 60);
/// When keys are no longer used.
const UNUSABLE_AFTER: Duration = Duration::from_secs(60 * 60);
/// How long one fetch may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer and most keys that are taken.
const MOST_BYTES: usize = 256 * 1024;
const MOST_KEYS: usize = 64;
/// Shortest RSA modulus: 2048 bits (RFC 7518, 3.3).
const SHORTEST_MODULUS: usize = 2048 / 8;

pub(super) struct KeySet {
    url: reqwest::Url,
    client: reqwest::Client,
    known: RwLock<Arc<Known>>,
    /// Held during a fetch; when the last one began.
    fetching: Mutex<Option<Instant>>,
    pauses: Pauses,
}

/// Durations that tests shorten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pauses {
    pub(super) fetch: Duration,
    pub(super) refresh: Duration,
    pub(super) unusable: Duration,
}

const PAUSES: Pauses = Pauses { fetch: FETCH_PAUSE, refresh: REFRESH_AFTER, unusable: UNUSABLE_AFTER };

#[derive(Default)]
struct Known {
    keys: Vec<Key>,
    /// Grows whenever the keys change.
    generation: u64,
    /// How long after that they are to be fetched again.
    lifetime: Duration,
    /// `None` before the first fetch.
    fetched: Option<Instant>,
}

#[derive(Clone)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: Arc<DecodingKey>,
    source: Jwk,
}

impl KeySet {
    pub(super) fn new(http: reqwest::ClientBuilder, url: &str) -> Result<Arc<Self>, AuthError> {
        Self::with_pauses(http, url, PAUSES)
    }

    pub(super) fn with_pauses(
        http: reqwest::ClientBuilder,
        url: &str,
        pauses: Pauses,
    ) -> Result<Arc<Self>, AuthError> {
        let url = reqwest::Url::parse(url).map_err(|_| AuthError::KeySetUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AuthError::KeySetUrl);
        }
        if url.scheme() == "http" {
            warn!("token keys are fetched over plain http");
        }
        let client = http.timeout(FETCH_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Arc::new(Self { url, client, known: RwLock::default(), fetching: Mutex::default(), pauses }))
    }

    /// Whether what a key of this generation verified still counts.
    pub(super) fn vouches_for(self: &Arc<Self>, generation: u64) -> bool {
        let known = self.known();
        known.generation == generation && self.usable(&known)
    }

    /// The key that a token names and the generation that it is of.
    pub(super) async fn key(
        self: &Arc<Self>,
        algorithm: Algorithm,
        id: Option<&str>,
    ) -> Result<(Arc<DecodingKey>, u64), Refused> {
        let known = self.known();
        if let Some(found) = known.find(algorithm, id)
            && self.usable(&known)
        {
            return Ok((found, known.generation));
        }
        let failed = self.fetch().await.err();
        let known = self.known();
        if !self.usable(&known) {
            return Err(Refused::KeysAway(failed.unwrap_or_else(|| "tried a moment ago".to_owned())));
        }
        let found = known.find(algorithm, id).ok_or(Refused::Signature)?;
        Ok((found, known.generation))
    }

    /// Whether these keys may still be used. Sees to it that keys in use are fetched again in time; nobody
    /// waits for that.
    fn usable(self: &Arc<Self>, known: &Known) -> bool {
        let Some(age) = known.fetched.map(|at| at.elapsed()) else { return false };
        if age >= known.lifetime && self.may_fetch() {
            let keys = Arc::clone(self);
            tokio::spawn(async move { keys.fetch_once().await });
        }
        age < self.pauses.unusable
    }

    /// Whether nobody is fetching and nobody has just tried.
    fn may_fetch(&self) -> bool {
        self.fetching.try_lock().is_ok_and(|last| self.paused_enough(*last))
    }

    fn paused_enough(&self, last: Option<Instant>) -> bool {
        last.is_none_or(|at| at.elapsed() >= self.pauses.fetch)
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fetches the set unless that was tried a moment ago. Goes on when the request that wanted it is gone, so
    /// that clients who hang up cannot keep a rotation from being noticed.
    async fn fetch(self: &Arc<Self>) -> Result<(), String> {
        let keys = Arc::clone(self);
        let fetched = tokio::spawn(async move { keys.fetch_once().await }).await;
        fetched.unwrap_or_else(|_| Err("the fetch was broken off".to_owned()))
    }

    /// Whoever comes during a fetch waits for it and then finds that it was just done.
    async fn fetch_once(&self) -> Result<(), String> {
        let mut last = self.fetching.lock().await;
        if !self.paused_enough(*last) {
            return Ok(());
        }
        *last = Some(Instant::now());
        let outcome = self.download().await;
        let label = if outcome.is_ok() { "fetched" } else { "failed" };
        metrics::counter!(KEY_FETCHES, "outcome" => label).increment(1);
        let (keys, lifetime) = outcome.inspect_err(|error| warn!(error, "cannot fetch token keys"))?;
        self.replace(keys, lifetime);
        Ok(())
    }

    /// The keys, and how long they live.
    async fn download(&self) -> Result<(Vec<Key>, Duration), String> {
        // The URL may carry a secret: it stays out of the error.
        let plain = |error: reqwest::Error| chain(&error.without_url());
        let mut response = self.client.get(self.url.clone()).send().await.map_err(plain)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("the issuer answered {}", response.status()));
        }
        let lifetime = max_age(response.headers()).unwrap_or(self.pauses.refresh).min(self.pauses.refresh);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(plain)? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST_BYTES {
                return Err("the key set is too long".to_owned());
            }
        }
        Ok((parse(&body)?, lifetime))
    }

    fn replace(&self, keys: Vec<Key>, lifetime: Duration) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let same = known.fetched.is_some()
            && known.keys.len() == keys.len()
            && known.keys.iter().zip(&keys).all(|(old, new)| old.source == new.source);
        let generation = if same { known.generation } else { known.generation + 1 };
        if !same {
            info!(keys = keys.len(), "took over a new set of token keys");
        }
        *known = Arc::new(Known { keys, generation, lifetime, fetched: Some(Instant::now()) });
    }
}

impl Known {
    /// The key with this id; where the token names none, the only key of its algorithm.
    fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Option<Arc<DecodingKey>> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| key.algorithm == algorithm)
            .filter(|key| id.is_none_or(|id| key.id.as_deref() == Some(id)));
        let found = fitting.next()?;
        if id.is_none() && fitting.next().is_some() {
            return None;
        }
        Some(Arc::clone(&found.key))
    }
}

/// Keys of kinds that are not used here do not spoil the set: issuers publish what others need too.
fn parse(body: &[u8]) -> Result<Vec<Key>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(body).map_err(|error| format!("not a key set: {error}"))?;
    let keys = set.keys.into_iter().take(MOST_KEYS);
    Ok(keys.filter_map(|key| serde_json::from_value(key).ok()).filter_map(usable).collect())
}

fn usable(jwk: Jwk) -> Option<Key> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|algorithm| algorithm != named) {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    if let jsonwebtoken::DecodingKeyKind::RsaModulusExponent { n, .. } = key.kind()
        && n.len() < SHORTEST_MODULUS
    {
        warn!("ignored a token key that is too short");
        return None;
    }
    Some(Key { id: jwk.common.key_id.clone(), algorithm, key: Arc::new(key), source: jwk })
}

/// How long the issuer says that its answer lives.
fn max_age(headers: &http::HeaderMap) -> Option<Duration> {
    let said = headers.get(http::header::CACHE_CONTROL)?.to_str().ok()?;
    let seconds = said.split(',').find_map(|part| part.trim().strip_prefix("max-age="))?;
    Some(Duration::from_secs(seconds.parse().ok()?))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut deeper = error.source();
    while let Some(source) = deeper {
        text.push_str(": ");
        text.push_str(&source.to_string());
        deeper = source.source();
    }
    text
}

#[cfg(test)]
mod tests;
