//! Making tokens.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kernel::TenantId;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::config::SHORTEST_SECRET;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// Who it is for.
    pub sub: String,
    /// The tenant that it is good for.
    pub tenant: String,
    /// What it allows, separated by spaces.
    pub scope: String,
    /// When it was made, in seconds since 1970.
    pub iat: u64,
    /// When it ends, in seconds since 1970.
    pub exp: u64,
    /// Who made it, where the services ask for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// Whom it is meant for, where the services ask for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
}

impl Claims {
    /// A token for `subject` in `tenant`, good for `ttl` from now.
    pub fn new(tenant: &TenantId, subject: &str, scope: &str, ttl: Duration) -> Self {
        Self {
            sub: subject.to_owned(),
            tenant: tenant.as_str().to_owned(),
            scope: scope.to_owned(),
            iat: 0,
            exp: 0,
            iss: None,
            aud: None,
        }
        .renewed(ttl)
    }

    /// The same, good for `ttl` from now.
    #[must_use]
    pub fn renewed(&self, ttl: Duration) -> Self {
        let iat = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { iat, exp: iat.saturating_add(ttl.as_secs()), ..self.clone() }
    }
}

/// Why a token was not made.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// No service would accept it.
    #[error("the secret has fewer than {SHORTEST_SECRET} bytes")]
    ShortSecret,
    /// The claims could not be written down.
    #[error("the token cannot be made: {0}")]
    Encoding(#[from] jsonwebtoken::errors::Error),
}

/// Makes a token signed with HS256, the form that a service with this secret accepts.
pub fn mint(secret: &SecretString, claims: &Claims) -> Result<String, MintError> {
    let secret = secret.expose_secret().as_bytes();
    if secret.len() < SHORTEST_SECRET {
        return Err(MintError::ShortSecret);
    }
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret))?)
}
