//! What a command-service is told: environment variables or flags.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::Args;
use hmac::{Hmac, KeyInit, Mac};
use http_api::AuthConfig;
use service_runtime::config::{
    ExposeSecret, LanesConfig, ListenConfig, LogDatabaseConfig, SecretString, TelemetryConfig,
};
use sha2::Sha256;

/// Everything that a command-service is told.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where it listens.
    #[command(flatten)]
    pub listen: ListenConfig,
    /// Where the log is.
    #[command(flatten)]
    pub log: LogDatabaseConfig,
    /// How tenants are spread.
    #[command(flatten)]
    pub lanes: LanesConfig,
    /// What tokens are verified with.
    #[command(flatten)]
    pub auth: AuthConfig,
    /// What bodies are hashed with.
    #[command(flatten)]
    pub once: OnceConfig,
    /// Memory for the states of recently used streams, in MiB. Too little makes commands read the log more often;
    /// it is a bound, not a reservation.
    #[arg(long, env = "TWOFOLD_WARM_MIB", default_value_t = 32, value_name = "MIB",
        value_parser = clap::value_parser!(u64).range(1..=65_536))]
    pub warm_mib: u64,
    /// What it says about itself.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}

/// The secret that keys the hashes which are kept with idempotency keys.
#[derive(Debug, Clone, Default, Args)]
pub struct OnceConfig {
    /// At least 32 bytes, the same for every command-service of an installation. Where it is not set, it is derived
    /// from the token secret. When it changes, repeats of commands from before are answered `key-reused` for as
    /// long as their keys are remembered (7 days).
    #[arg(
        long,
        env = "TWOFOLD_ONCE_SECRET",
        hide_env_values = true,
        value_name = "SECRET",
        conflicts_with = "once_secret_file"
    )]
    pub once_secret: Option<SecretString>,
    /// A file that holds it; a line break at its end does not count.
    #[arg(long, env = "TWOFOLD_ONCE_SECRET_FILE", value_name = "PATH")]
    pub once_secret_file: Option<PathBuf>,
}

/// A key shorter than its hash can be guessed (RFC 2104).
const SHORTEST_SECRET: usize = 32;

impl OnceConfig {
    /// The secret, wherever it comes from.
    pub(crate) fn secret(&self, auth: &AuthConfig) -> anyhow::Result<Vec<u8>> {
        let secret = match (&self.once_secret, &self.once_secret_file) {
            (Some(secret), _) => secret.expose_secret().as_bytes().to_vec(),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read the once-only secret from {}", path.display()))?;
                text.trim_end_matches(['\r', '\n']).as_bytes().to_vec()
            }
            (None, None) => match auth.secret()? {
                Some(secret) => derived(&secret)?,
                None => bail!(
                    "no secret for idempotency keys: set TWOFOLD_ONCE_SECRET or TWOFOLD_ONCE_SECRET_FILE"
                ),
            },
        };
        ensure!(
            secret.len() >= SHORTEST_SECRET,
            "the once-only secret has {} bytes, it needs at least {SHORTEST_SECRET}",
            secret.len()
        );
        Ok(secret)
    }
}

/// Another secret that says nothing about the token secret it was made of.
fn derived(secret: &SecretString) -> anyhow::Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())?;
    mac.update(b"twofold once-only keys");
    Ok(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests;
