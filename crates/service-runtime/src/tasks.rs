//! Supervision of a service's long-running parts.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use anyhow::anyhow;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

/// The parts of a service: they stand and fall together.
///
/// ```text
/// running ──(a part fails or panics, or the token is cancelled)──► draining ──(all ended, or the deadline)──► done
/// ```
///
/// Invariant: [`Tasks::finish`] returns only after every part has ended or was aborted.
#[derive(Debug)]
pub struct Tasks {
    token: CancellationToken,
    set: JoinSet<anyhow::Result<()>>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// No parts yet. A failing part cancels a child of `token`, never `token` itself: who shares it finds out
    /// from what [`Tasks::finish`] returns.
    pub fn new(token: &CancellationToken) -> Self {
        Self { token: token.child_token(), set: JoinSet::new(), names: HashMap::new() }
    }

    /// What the parts must stop on.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Starts a part. It should drain and return `Ok` soon after the token is cancelled; returning `Ok` earlier
    /// is fine too, the others go on.
    pub fn spawn<E: Into<anyhow::Error>>(
        &mut self,
        name: &'static str,
        part: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let handle = self.set.spawn(async move { part.await.map_err(Into::into) });
        self.names.insert(handle.id(), name);
    }

    /// Waits until all parts have ended. When one fails or panics it is logged, the token is cancelled, and the
    /// others get `drain` to end; so they do when the token is cancelled from outside. Whoever is late is
    /// aborted. Returns the first failure.
    pub async fn finish(mut self, drain: Duration) -> anyhow::Result<()> {
        let mut first_failure = None;
        let token = self.token.clone();
        while !self.set.is_empty() {
            tokio::select! {
                () = token.cancelled() => break,
                ended = self.set.join_next_with_id() => self.note(ended, &mut first_failure),
            }
        }
        let deadline = tokio::time::Instant::now() + drain;
        while !self.set.is_empty() {
            match tokio::time::timeout_at(deadline, self.set.join_next_with_id()).await {
                Ok(ended) => self.note(ended, &mut first_failure),
                Err(_elapsed) => break,
            }
        }
        if !self.set.is_empty() {
            let late: Vec<&str> = self.names.values().copied().collect();
            warn!(?late, "parts did not end in time, aborting them");
            self.set.shutdown().await;
        }
        first_failure.map_or(Ok(()), Err)
    }

    fn note(
        &mut self,
        ended: Option<Result<(Id, anyhow::Result<()>), JoinError>>,
        first_failure: &mut Option<anyhow::Error>,
    ) {
        let (id, failure) = match ended {
            None => return,
            Some(Ok((id, Ok(())))) => (id, None),
            Some(Ok((id, Err(failure)))) => (id, Some(failure)),
            Some(Err(join)) => (join.id(), Some(describe(join))),
        };
        let name = self.names.remove(&id).unwrap_or("unnamed");
        let Some(failure) = failure else { return };
        error!(
            part = name,
            error = format!("{failure:#}"),
            "a part of the service failed, stopping the rest"
        );
        self.token.cancel();
        first_failure.get_or_insert(failure.context(format!("{name} failed")));
    }
}

fn describe(join: JoinError) -> anyhow::Error {
    match join.try_into_panic() {
        Ok(panic) => {
            let text = panic
                .downcast_ref::<&'static str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("no text");
            anyhow!("panicked: {text}")
        }
        Err(join) => anyhow!(join),
    }
}

#[cfg(test)]
mod tests;
