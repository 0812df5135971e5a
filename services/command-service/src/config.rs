//! What a command-service is told: environment variables or flags.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::Args;
use hmac::{Hmac, KeyInit, Mac};
use http_api::{AuthConfig, RateConfig};
use service_runtime::config::{
    ChangedViewsConfig, ExposeSecret, LanesConfig, ListenConfig, LogDatabaseConfig, SecretString,
    TelemetryConfig, TrustConfig,
};
use sha2::Sha256;

/// Everything that a command-service is told.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where it listens.
    #[command(flatten)]
    pub listen: ListenConfig,
    /// Whom it believes over `https`.
    #[command(flatten)]
    pub trust: TrustConfig,
    /// Where the log is.
    #[command(flatten)]
    pub log: LogDatabaseConfig,
    /// How tenants are spread.
    #[command(flatten)]
    pub lanes: LanesConfig,
    /// What tokens are verified with.
    #[command(flatten)]
    pub auth: AuthConfig,
    /// How much may be asked.
    #[command(flatten)]
    pub rates: RateConfig,
    /// What bodies are hashed with.
    #[command(flatten)]
    pub once: OnceConfig,
    /// What whoever signs in is given.
    #[command(flatten)]
    pub sign_in: SignInConfig,
    /// What is done about inline views that changed.
    #[command(flatten)]
    pub views: ChangedViewsConfig,
    /// What is kept of who asked for what.
    #[command(flatten)]
    pub audit: AuditConfig,
    /// Memory for the states of recently used streams, in MiB. Too little makes commands read the log more often;
    /// it is a bound, not a reservation.
    #[arg(long, env = "TWOFOLD_WARM_MIB", default_value_t = 32, value_name = "MIB",
        value_parser = clap::value_parser!(u64).range(1..=65_536))]
    pub warm_mib: u64,
    /// What it says about itself.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}

/// What is kept of who asked for what, beside the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct AuditConfig {
    /// Keep for each command that was carried out where it came from and what it was called. The log has all else of
    /// it. Costs a row a command in the log's database, written in batches and apart from appends.
    #[arg(long, env = "TWOFOLD_AUDIT_ACCEPTED", default_value_t = false, action = clap::ArgAction::Set,
        value_name = "BOOL")]
    pub audit_accepted: bool,
    /// How long audit entries are kept. What was carried out stays in the log.
    #[arg(long, env = "TWOFOLD_AUDIT_RETENTION_DAYS", default_value_t = 365, value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub audit_retention_days: u32,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { audit_accepted: false, audit_retention_days: 365 }
    }
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

/// What a user who signs in with a password is given, and how often that may be tried.
#[derive(Debug, Clone, Args)]
pub struct SignInConfig {
    /// The scopes of the token, separated by spaces; where it is not set, `<context>:read` for every context. A scope is
    /// good for the whole tenant: with `accounts:write` every user can change and suspend all others.
    #[arg(long, env = "TWOFOLD_SIGN_IN_SCOPE", value_name = "SCOPES")]
    pub sign_in_scope: Option<String>,
    /// How long the token is good for, in seconds. Suspending a user ends no token that was given before.
    #[arg(long, env = "TWOFOLD_SIGN_IN_TTL", default_value_t = 3600, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(60..=2_592_000))]
    pub sign_in_ttl: u64,
    /// Attempts a minute for one e-mail address of a tenant. Too many let passwords be guessed; too few let anybody
    /// keep a user out by trying.
    #[arg(long, env = "TWOFOLD_SIGN_IN_PER_EMAIL", default_value_t = 10, value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub sign_in_per_email: u32,
    /// Attempts a minute from one peer (of an IPv6 network, all of a /64 together). Behind a proxy, all users together
    /// come from one.
    #[arg(long, env = "TWOFOLD_SIGN_IN_PER_PEER", default_value_t = 60, value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub sign_in_per_peer: u32,
}

impl Default for SignInConfig {
    fn default() -> Self {
        Self { sign_in_scope: None, sign_in_ttl: 3600, sign_in_per_email: 10, sign_in_per_peer: 60 }
    }
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
