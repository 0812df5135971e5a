//! From a token's text to who sends it.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use kernel::{Actor, TenantId};
use serde::Deserialize;

use super::{AuthConfig, Caller, Refused, Scopes};

/// For how many seconds a token may seem to be from the future: clocks differ.
const EARLY_SECONDS: u64 = 30;

/// What is read of a token. Numbers may have fractions (RFC 7519, NumericDate).
#[derive(Debug, Deserialize)]
pub(super) struct TokenClaims {
    sub: Option<String>,
    tenant: Option<String>,
    #[serde(default)]
    scope: String,
    exp: Option<f64>,
    nbf: Option<f64>,
    iss: Option<String>,
    aud: Option<Audience>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names(&self, wanted: &str) -> bool {
        match self {
            Self::One(audience) => audience == wanted,
            Self::Several(audiences) => audiences.iter().any(|audience| audience == wanted),
        }
    }
}

/// What the token says about how it was signed. Believed only as far as to choose the key.
pub(super) fn header(token: &str) -> Result<Header, Refused> {
    jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
        // `none` and whatever else the library has no name for: the header is JSON, its algorithm is unknown.
        ErrorKind::Json(_) if names_an_algorithm(token) => Refused::Algorithm,
        _ => Refused::Malformed,
    })
}

fn names_an_algorithm(token: &str) -> bool {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    #[derive(Deserialize)]
    struct Algorithm {
        #[serde(rename = "alg")]
        _alg: String,
    }
    let header = token.split('.').next().unwrap_or_default();
    URL_SAFE_NO_PAD.decode(header).is_ok_and(|json| serde_json::from_slice::<Algorithm>(&json).is_ok())
}

/// The claims, once the signature holds under exactly this algorithm.
pub(super) fn claims(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Result<TokenClaims, Refused> {
    let mut signature_only = Validation::new(algorithm);
    // The claims are judged by `Rules`, with one clock and with answers that tell callers which one it was.
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_nbf = false;
    signature_only.validate_aud = false;
    match jsonwebtoken::decode::<TokenClaims>(token, key, &signature_only) {
        Ok(data) => Ok(data.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidSignature => Refused::Signature,
            ErrorKind::InvalidAlgorithm => Refused::Algorithm,
            _ => Refused::Malformed,
        }),
    }
}

/// What a service asks of the claims.
#[derive(Debug)]
pub(super) struct Rules {
    issuer: Option<String>,
    audience: Option<String>,
    leeway: u64,
}

impl Rules {
    pub(super) fn new(config: &AuthConfig) -> Self {
        Self {
            issuer: config.jwt_issuer.clone(),
            audience: config.jwt_audience.clone(),
            leeway: config.jwt_leeway,
        }
    }

    /// Who it is, and the second from which on the token is refused.
    pub(super) fn accept(&self, claims: TokenClaims, now: u64) -> Result<(Caller, u64), Refused> {
        let ends = claims.exp.and_then(whole_seconds).ok_or(Refused::Claim("exp"))?;
        let until = ends.saturating_add(self.leeway);
        if now >= until {
            return Err(Refused::Expired);
        }
        if let Some(begins) = claims.nbf {
            let begins = whole_seconds(begins).ok_or(Refused::Claim("nbf"))?;
            if begins > now.saturating_add(EARLY_SECONDS) {
                return Err(Refused::Early);
            }
        }
        if self.issuer.is_some() && claims.iss != self.issuer {
            return Err(Refused::Issuer);
        }
        match (&self.audience, &claims.aud) {
            (None, None) => {}
            (Some(wanted), Some(named)) if named.names(wanted) => {}
            _ => return Err(Refused::Audience),
        }
        let subject = claims.sub.filter(|sub| !sub.trim().is_empty()).ok_or(Refused::Claim("sub"))?;
        let tenant = claims.tenant.and_then(|tenant| TenantId::new(tenant).ok());
        let caller = Caller {
            tenant: tenant.ok_or(Refused::Claim("tenant"))?,
            actor: Actor::new(&subject),
            scopes: Scopes::new(&claims.scope),
        };
        Ok((caller, until))
    }
}

/// `None` for what is not a time.
fn whole_seconds(number: f64) -> Option<u64> {
    const END_OF_TIME: f64 = 253_402_300_800.0; // the year 10000
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded on both sides")]
    let seconds = number.min(END_OF_TIME) as u64;
    Some(seconds)
}
