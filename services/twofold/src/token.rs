//! `twofold token`: prints a token and nothing else, so that `$(twofold token …)` is one.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use http_api::{Claims, mint};
use kernel::TenantId;
use service_runtime::config::SecretString;

use crate::home::HomeArgs;
use crate::output::line;

/// What the token says.
#[derive(Debug, clap::Args)]
pub(crate) struct TokenArgs {
    /// The tenant that it is good for.
    #[arg(long, value_parser = tenant)]
    tenant: TenantId,
    /// What it allows, separated by spaces: "catalog:write catalog:read".
    #[arg(long)]
    scope: String,
    /// Who it is for; the actor of every event that is recorded with it.
    #[arg(long, default_value = "developer")]
    subject: String,
    /// How long it is good for: 90s, 15m, 12h, 30d.
    #[arg(long, default_value = "12h", value_parser = duration)]
    ttl: Duration,
    /// Sign with this secret instead of the local system's.
    #[arg(long, env = "TWOFOLD_JWT_SECRET", hide_env_values = true, conflicts_with = "jwt_secret_file")]
    jwt_secret: Option<SecretString>,
    /// Sign with the secret in this file instead of the local system's.
    #[arg(long, env = "TWOFOLD_JWT_SECRET_FILE", value_name = "PATH")]
    jwt_secret_file: Option<PathBuf>,
}

/// Prints it.
pub(crate) fn run(home: &HomeArgs, args: &TokenArgs) -> anyhow::Result<()> {
    let key = match (&args.jwt_secret, &args.jwt_secret_file) {
        (Some(secret), _) => secret.clone(),
        (None, Some(path)) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            text.trim_end_matches(['\r', '\n']).to_owned().into()
        }
        (None, None) => home.key()?,
    };
    let claims = Claims::new(&args.tenant, &args.subject, &args.scope, args.ttl);
    line(mint(&key, &claims)?)?;
    Ok(())
}

pub(crate) fn tenant(name: &str) -> Result<TenantId, kernel::InvalidIdentifier> {
    TenantId::new(name)
}

/// A number and `s`, `m`, `h` or `d`; a number alone is seconds.
fn duration(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "expected a number above 0 and s, m, h or d, like 12h";
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| WRONG)?;
    let unit = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(WRONG),
    };
    let seconds = number.checked_mul(unit).filter(|seconds| (1..=u64::from(u32::MAX)).contains(seconds));
    seconds.map(Duration::from_secs).ok_or(WRONG)
}

#[cfg(test)]
mod tests;
