//! Waiting for what is not there yet.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::Dependency;

/// How often a dependency that stays away is mentioned in the log.
const MENTION_EVERY: Duration = Duration::from_secs(60);

/// Delays that double from 50 ms to 5 s, each shortened at random by up to half so that many waiters do not
/// come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Delays between these two.
    pub fn between(shortest: Duration, longest: Duration) -> Self {
        Self { next: shortest.min(longest), longest }
    }

    /// The next delay.
    pub fn next_delay(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.longest);
        whole.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::between(Duration::from_millis(50), Duration::from_secs(5))
    }
}

/// Tries until `attempt` succeeds, with growing pauses, and keeps `dependency` told; `None` when `token` is
/// cancelled first, at once even in the middle of an attempt. The error and its causes are logged and shown by
/// `/readyz`: they must hold no secrets.
///
/// `attempt` is a plain closure that makes futures, not an `AsyncFnMut`: those cannot be awaited in a spawned task when
/// they borrow (rust-lang/rust#110338), and a service waits in one.
pub async fn wait_for<T, E: Into<anyhow::Error>, F: Future<Output = Result<T, E>>>(
    dependency: &Dependency,
    token: &CancellationToken,
    attempt: impl FnMut() -> F,
) -> Option<T> {
    token.run_until_cancelled(until_ready(dependency, attempt)).await
}

async fn until_ready<T, E: Into<anyhow::Error>, F: Future<Output = Result<T, E>>>(
    dependency: &Dependency,
    mut attempt: impl FnMut() -> F,
) -> T {
    let mut backoff = Backoff::default();
    let started = Instant::now();
    let mut mentioned: Option<Instant> = None;
    loop {
        let error = match attempt().await {
            Ok(found) => {
                if mentioned.is_some() {
                    let waited = started.elapsed().as_secs_f64();
                    info!(dependency = dependency.name(), waited, "found what was waited for");
                }
                dependency.ready();
                return found;
            }
            Err(error) => chain(&error.into()),
        };
        if mentioned.is_none_or(|last| last.elapsed() >= MENTION_EVERY) {
            warn!(dependency = dependency.name(), error, "waiting for a dependency");
            mentioned = Some(Instant::now());
        }
        dependency.waiting(error);
        tokio::time::sleep(backoff.next_delay()).await;
    }
}

/// The error and its causes; many an error repeats its cause in its own text, which is said once here.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for said in error.chain().map(ToString::to_string).filter(|said| !said.is_empty()) {
        if text.is_empty() {
            text = said;
        } else if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
    }
    text
}

#[cfg(test)]
mod tests;
