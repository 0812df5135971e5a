//! Tokens with the scope `process`, one for each tenant that commands are sent for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_api::{AuthConfig, Claims, PROCESS, mint};
use kernel::TenantId;
use service_runtime::config::SecretString;

/// How long a token is good, and after which time the next is made.
const LIFE: Duration = Duration::from_secs(600);
const RENEW_AFTER: Duration = Duration::from_secs(300);
/// Tokens that are remembered; beyond it they are made anew.
const REMEMBERED: usize = 10_000;
/// What stands for the tenant in the path of a token's file.
const TENANT: &str = "{tenant}";

/// Where tokens come from.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ProcessTokenConfig {
    /// Files of tokens with the scope `process`, with `{tenant}` where the tenant's name stands:
    /// `/run/tokens/{tenant}.jwt`. Each is read again for each use, so that it can be renewed. Needed where tokens are
    /// verified with a key set only; with a shared secret, tokens are made of that.
    #[arg(long, env = "TWOFOLD_PROCESS_TOKEN_FILES", value_name = "PATH")]
    pub process_token_files: Option<String>,
}

/// Tokens by tenant.
pub(crate) struct Tokens(Origin);

enum Origin {
    Made {
        secret: SecretString,
        auth: Box<AuthConfig>,
        made: Mutex<HashMap<TenantId, (Instant, SecretString)>>,
    },
    Files(String),
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Tokens")
    }
}

impl Tokens {
    /// Made with the secret where there is one, else from files.
    pub(crate) fn new(config: &ProcessTokenConfig, auth: &AuthConfig) -> anyhow::Result<Self> {
        match (auth.secret()?, &config.process_token_files) {
            (Some(secret), _) => {
                Ok(Self(Origin::Made { secret, auth: Box::new(auth.clone()), made: Mutex::default() }))
            }
            (None, Some(path)) if path.contains(TENANT) => Ok(Self(Origin::Files(path.clone()))),
            (None, Some(_)) => anyhow::bail!("TWOFOLD_PROCESS_TOKEN_FILES needs `{TENANT}` in its path"),
            (None, None) => anyhow::bail!(
                "no tokens to send commands with: set TWOFOLD_JWT_SECRET, or TWOFOLD_PROCESS_TOKEN_FILES to files \
                 that hold tokens with the scope `{PROCESS}`"
            ),
        }
    }

    /// A token for the tenant, good for some minutes at least. The error is for operators.
    pub(crate) fn token(&self, tenant: &TenantId) -> Result<SecretString, String> {
        match &self.0 {
            Origin::Files(path) => read(&file(path, tenant)?),
            Origin::Made { secret, auth, made } => {
                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((at, token)) = made.get(tenant)
                    && at.elapsed() < RENEW_AFTER
                {
                    return Ok(token.clone());
                }
                let claims = Claims {
                    iss: auth.jwt_issuer.clone(),
                    aud: auth.jwt_audience.clone(),
                    ..Claims::new(tenant, "process-manager", PROCESS, LIFE)
                };
                let token = mint(secret, &claims).map_err(|error| error.to_string())?;
                let token = SecretString::from(token);
                if made.len() >= REMEMBERED {
                    made.clear();
                }
                made.insert(tenant.clone(), (Instant::now(), token.clone()));
                Ok(token)
            }
        }
    }
}

/// A tenant may be named `..`, which must not lead elsewhere.
fn file(path: &str, tenant: &TenantId) -> Result<PathBuf, String> {
    if matches!(tenant.as_str(), "." | "..") {
        return Err("a tenant of this name cannot have a file of its own".to_owned());
    }
    Ok(PathBuf::from(path.replace(TENANT, tenant.as_str())))
}

fn read(path: &Path) -> Result<SecretString, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(SecretString::from(text.trim_end_matches(['\r', '\n']))),
        Err(error) => Err(format!("cannot read a token from {}: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests;
