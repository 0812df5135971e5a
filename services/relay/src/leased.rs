//! What is done with a lease while it lasts.

use std::time::Duration;

use event_log::{Lease, LogError};
use kernel::LogId;
use service_runtime::Backoff;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backlog;
use crate::error::{Blame, Stop};
use crate::looking::look;
use crate::publishing::Session;
use crate::relay::Shared;
use crate::telemetry::LogMetrics;

/// Why a lease is no longer used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Told to stop; the lease can be given back.
    Stopped,
    /// Another relay has it, or may have it by now.
    Lost,
}

/// A session that lasted this long was not one in a row of failures.
const LASTED: Duration = Duration::from_secs(10);

/// Publishes a log until told to stop or the lease is lost. A lease that is lost stops everything at once: what is
/// in flight then may still arrive, as a repeat of what the next holder sends.
pub(crate) async fn use_lease(
    shared: &Shared,
    log: &LogId,
    lease: &Lease,
    bell: &Notify,
    metrics: &LogMetrics,
    token: &CancellationToken,
) -> Ended {
    tokio::select! {
        () = renew_until_lost(shared, log, lease) => Ended::Lost,
        never = backlog::count(shared, log, metrics) => match never {},
        ended = Box::pin(work(shared, log, lease, bell, metrics, token)) => ended,
    }
}

async fn work(
    shared: &Shared,
    log: &LogId,
    lease: &Lease,
    bell: &Notify,
    metrics: &LogMetrics,
    token: &CancellationToken,
) -> Ended {
    let mut backoff = Backoff::default();
    loop {
        let started = Instant::now();
        let stop = match look_and_publish(shared, log, lease, bell, metrics, token).await {
            Ok(()) => return Ended::Stopped,
            Err(Stop::Log(LogError::LeaseLost(_))) => return Ended::Lost,
            Err(stop) => stop,
        };
        if token.is_cancelled() {
            return Ended::Stopped;
        }
        metrics.interruptions.increment(1);
        if started.elapsed() >= LASTED {
            backoff = Backoff::default();
        }
        report(shared, log, &stop);
        let _ = token.run_until_cancelled(tokio::time::sleep(backoff.next_delay())).await;
        if token.is_cancelled() {
            return Ended::Stopped;
        }
    }
}

async fn look_and_publish(
    shared: &Shared,
    log: &LogId,
    lease: &Lease,
    bell: &Notify,
    metrics: &LogMetrics,
    token: &CancellationToken,
) -> Result<(), Stop> {
    let Some(start) = token.run_until_cancelled(look(shared, log, lease, metrics)).await else {
        return Ok(());
    };
    let start = start?;
    for blame in [Blame::Log, Blame::Kafka, Blame::Topics] {
        shared.readiness.fine(blame, Some(log));
    }
    tracing::debug!(%log, through = %start.through, "publishing");
    Session::new(shared, log, lease, bell, metrics, token).publish(&start).await
}

fn report(shared: &Shared, log: &LogId, stop: &Stop) {
    if stop.is_routine() {
        tracing::info!(%log, why = %stop, "looking at the topic again");
        return;
    }
    if matches!(stop, Stop::Diverged { .. } | Stop::TooLarge { .. } | Stop::NoSchema { .. }) {
        tracing::error!(%log, why = %stop, "a log cannot be published");
    } else {
        tracing::warn!(%log, why = %stop, "publishing is interrupted");
    }
    shared.readiness.trouble(stop.blame(), Some(log), &stop.to_string());
}

/// Returns when the lease is another's, or when it may be because Postgres did not answer for as long as it lasts.
async fn renew_until_lost(shared: &Shared, log: &LogId, lease: &Lease) {
    let ttl = shared.config.lease();
    let mut held_until = Instant::now() + ttl;
    loop {
        tokio::time::sleep(ttl / 3).await;
        let asked = Instant::now();
        match tokio::time::timeout_at(held_until, shared.outbox.renew(lease, ttl)).await {
            Ok(Ok(true)) => held_until = asked + ttl,
            Ok(Ok(false)) => {
                tracing::info!(%log, "another relay has taken the log over");
                return;
            }
            Ok(Err(error)) => {
                tracing::debug!(%log, %error, "could not renew a lease");
                shared.readiness.trouble(Blame::Log, Some(log), &error.to_string());
            }
            Err(_) => {}
        }
        if Instant::now() >= held_until {
            tracing::warn!(%log, "the log's database did not answer for as long as the lease lasts");
            return;
        }
    }
}
