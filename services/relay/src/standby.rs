//! One log's place in this relay: standing by until its lease is to be had, then using it.

use std::sync::Arc;
use std::time::Duration;

use event_log::Lease;
use kernel::LogId;
use service_runtime::Backoff;
use tokio_util::sync::CancellationToken;

use crate::error::Blame;
use crate::leased::{Ended, use_lease};
use crate::relay::Shared;
use crate::telemetry::LogMetrics;

/// Runs until told to stop.
pub(crate) async fn tend(shared: Arc<Shared>, log: LogId, token: CancellationToken) {
    let bell = shared.bells.of(&log);
    let metrics = LogMetrics::of(&log);
    while let Some(lease) = token.run_until_cancelled(wait_for_lease(&shared, &log)).await {
        tracing::debug!(%log, "the log is ours to publish");
        metrics.leased.set(1.0);
        let ended = use_lease(&shared, &log, &lease, &bell, &metrics, &token).await;
        metrics.lost();
        shared.readiness.all_fine(&log);
        if ended == Ended::Stopped {
            give_back(&shared, &lease).await;
            return;
        }
    }
}

/// Asks again and again, not in step with other relays.
async fn wait_for_lease(shared: &Shared, log: &LogId) -> Lease {
    let ttl = shared.config.lease();
    let mut backoff = Backoff::default();
    loop {
        let pause = match shared.outbox.lease(log, shared.holder, ttl).await {
            Ok(Some(lease)) => return lease,
            Ok(None) => {
                shared.readiness.all_fine(log);
                backoff = Backoff::default();
                (ttl / 5).mul_f64(0.5 + fastrand::f64())
            }
            Err(error) => {
                shared.readiness.trouble(Blame::Log, Some(log), &error.to_string());
                backoff.next_delay()
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// So that another relay need not wait for its end. When it cannot be said, it ends by itself.
async fn give_back(shared: &Shared, lease: &Lease) {
    let released = tokio::time::timeout(Duration::from_secs(2), shared.outbox.release(lease)).await;
    if !matches!(released, Ok(Ok(()))) {
        tracing::debug!(log = %lease.log(), "a lease was not given back");
    }
}
