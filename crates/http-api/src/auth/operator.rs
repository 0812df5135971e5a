//! Tokens for services and tools that speak to other services as an operator.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kernel::TenantId;
use secrecy::SecretString;

use super::{AuthConfig, AuthError, Claims, MintError, mint};

/// How long a token that was made here is good, and after which time the next is made.
const LIFE: Duration = Duration::from_secs(600);
const RENEW_AFTER: Duration = Duration::from_secs(300);
/// The tenant and the subject of tokens that are made here. The scope `ops` is not bound to a tenant.
const NOBODYS: &str = "operators";

/// The scope of operators.
pub const OPS: &str = "ops";
/// The scope of services that send commands for processes: any command of any context, with a once-only key that is
/// kept for ever, and with what caused it. For services only.
pub const PROCESS: &str = "process";

/// A token with the scope `ops`, for where there is no secret to make one with.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct OperatorConfig {
    /// A token with the scope `ops`. Needed where tokens are verified with a key set only; with a shared secret,
    /// tokens are made of that.
    #[arg(
        long,
        env = "TWOFOLD_OPS_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        conflicts_with = "ops_token_file"
    )]
    pub ops_token: Option<SecretString>,
    /// A file that holds it, read again for each use, so that it can be renewed; a line break at its end does not
    /// count.
    #[arg(long, env = "TWOFOLD_OPS_TOKEN_FILE", value_name = "PATH")]
    pub ops_token_file: Option<PathBuf>,
}

/// Why there is no token to show.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Neither a token nor a secret to make one with.
    #[error(
        "no token for other services: set TWOFOLD_JWT_SECRET, or TWOFOLD_OPS_TOKEN to a token with the scope `ops`"
    )]
    NoToken,
    /// The secret cannot be used.
    #[error(transparent)]
    Secret(#[from] AuthError),
    /// The token cannot be made.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The token's file cannot be read.
    #[error("cannot read the operator's token from {path}: {source}")]
    File {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// An operator's tokens, as they are needed. Cheap to clone.
#[derive(Clone)]
pub struct OperatorTokens(Arc<Origin>);

enum Origin {
    Given(SecretString),
    File(PathBuf),
    Made { secret: SecretString, claims: Claims, current: Mutex<Option<(Instant, SecretString)>> },
}

impl OperatorTokens {
    /// Made with the secret where there is one, else those that are given.
    pub fn new(config: &OperatorConfig, auth: &AuthConfig) -> Result<Self, OperatorError> {
        let origin = match (auth.secret()?, &config.ops_token, &config.ops_token_file) {
            (Some(secret), _, _) => {
                let nobody = TenantId::new(NOBODYS).map_err(|_| OperatorError::NoToken)?;
                let claims = Claims {
                    iss: auth.jwt_issuer.clone(),
                    aud: auth.jwt_audience.clone(),
                    ..Claims::new(&nobody, NOBODYS, OPS, LIFE)
                };
                Origin::Made { secret, claims, current: Mutex::default() }
            }
            (None, Some(token), _) => Origin::Given(token.clone()),
            (None, None, Some(path)) => Origin::File(path.clone()),
            (None, None, None) => return Err(OperatorError::NoToken),
        };
        Ok(Self(Arc::new(origin)))
    }

    /// A token that is good for some minutes at least, as far as that is in our hands.
    pub fn token(&self) -> Result<SecretString, OperatorError> {
        match &*self.0 {
            Origin::Given(token) => Ok(token.clone()),
            Origin::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(SecretString::from(text.trim_end_matches(['\r', '\n']))),
                Err(source) => Err(OperatorError::File { path: path.clone(), source }),
            },
            Origin::Made { secret, claims, current } => {
                let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
                match &*current {
                    Some((made, token)) if made.elapsed() < RENEW_AFTER => Ok(token.clone()),
                    _ => {
                        let token = SecretString::from(mint(secret, &claims.renewed(LIFE))?);
                        *current = Some((Instant::now(), token.clone()));
                        Ok(token)
                    }
                }
            }
        }
    }
}

impl fmt::Debug for OperatorTokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OperatorTokens")
    }
}

#[cfg(test)]
mod tests;
