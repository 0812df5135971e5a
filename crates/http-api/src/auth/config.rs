//! Where the keys come from.

use std::path::PathBuf;
use std::sync::Arc;

use jsonwebtoken::DecodingKey;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::key_set::KeySet;

/// An HMAC key shorter than its hash can be guessed (RFC 7518, 3.2).
pub(super) const SHORTEST_SECRET: usize = 32;

/// What tokens are verified with. At least one of a secret and a key set; a service does not start without.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AuthConfig {
    /// The shared secret of HS256 tokens, at least 32 bytes. Whoever has it can be anybody.
    #[arg(
        long,
        env = "TWOFOLD_JWT_SECRET",
        hide_env_values = true,
        value_name = "SECRET",
        conflicts_with = "jwt_secret_file"
    )]
    pub jwt_secret: Option<SecretString>,
    /// A file that holds it; a line break at its end does not count.
    #[arg(long, env = "TWOFOLD_JWT_SECRET_FILE", value_name = "PATH")]
    pub jwt_secret_file: Option<PathBuf>,
    /// Where the public keys of RS256 and EdDSA tokens are published (a JWK set). Over plain http whoever sits in
    /// between can be anybody.
    #[arg(long, env = "TWOFOLD_JWKS_URL", value_name = "URL")]
    pub jwks_url: Option<String>,
    /// The only accepted `iss`; any where it is not set.
    #[arg(long, env = "TWOFOLD_JWT_ISSUER", value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,
    /// What `aud` must name. Where it is not set, tokens that name an audience are refused: they are meant for
    /// somebody else.
    #[arg(long, env = "TWOFOLD_JWT_AUDIENCE", value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,
    /// For how many seconds after its `exp` a token is still accepted, for an issuer whose clock runs behind.
    #[arg(long, env = "TWOFOLD_JWT_LEEWAY", default_value_t = 0, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(0..=300))]
    pub jwt_leeway: u64,
}

/// Why a service cannot verify tokens.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Nothing to verify tokens with.
    #[error(
        "no keys to verify tokens with: set TWOFOLD_JWT_SECRET, TWOFOLD_JWT_SECRET_FILE or TWOFOLD_JWKS_URL"
    )]
    NoKeys,
    /// The secret can be guessed.
    #[error("the token secret has {0} bytes, it needs at least {SHORTEST_SECRET}")]
    ShortSecret(usize),
    /// The secret's file cannot be read.
    #[error("cannot read the token secret from {path}: {source}")]
    SecretFile {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The URL of the key set is not one.
    #[error("TWOFOLD_JWKS_URL is not an http or https URL")]
    KeySetUrl,
    /// The client that fetches the key set cannot be made.
    #[error("cannot fetch key sets: {0}")]
    Client(#[from] reqwest::Error),
}

pub(super) struct Keys {
    pub(super) secret: Option<DecodingKey>,
    pub(super) key_set: Option<Arc<KeySet>>,
}

impl AuthConfig {
    /// Verifies HS256 tokens with this secret, and nothing else.
    pub fn with_secret(secret: SecretString) -> Self {
        Self { jwt_secret: Some(secret), ..Self::default() }
    }

    /// The secret, wherever it is; `None` where there is none.
    pub fn secret(&self) -> Result<Option<SecretString>, AuthError> {
        let secret = match (&self.jwt_secret, &self.jwt_secret_file) {
            (Some(secret), _) => secret.clone(),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| AuthError::SecretFile { path: path.clone(), source })?;
                SecretString::from(text.trim_end_matches(['\r', '\n']))
            }
            (None, None) => return Ok(None),
        };
        let length = secret.expose_secret().len();
        if length < SHORTEST_SECRET { Err(AuthError::ShortSecret(length)) } else { Ok(Some(secret)) }
    }

    /// Key sets are fetched with this client.
    pub(super) fn keys(&self, http: reqwest::ClientBuilder) -> Result<Keys, AuthError> {
        let secret = self.secret()?.map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes()));
        let key_set = self.jwks_url.as_deref().map(|url| KeySet::new(http, url)).transpose()?;
        if secret.is_none() && key_set.is_none() {
            return Err(AuthError::NoKeys);
        }
        Ok(Keys { secret, key_set })
    }
}

/// A new secret that nobody can guess: 244 random bits.
pub fn generate_secret() -> SecretString {
    SecretString::from(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()))
}
