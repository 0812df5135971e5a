//! How much waits to be published: counted as long as the log is this relay's, also while nothing can be published.

use std::convert::Infallible;
use std::time::Duration;

use event_log::LogError;
use kernel::LogId;

use crate::relay::Shared;
use crate::telemetry::{LogMetrics, gauge, seconds_since};

/// How often it is counted.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// Counts until it is dropped. A database that does not answer leaves the last count standing; what is wrong with it
/// is told elsewhere.
pub(crate) async fn count(shared: &Shared, log: &LogId, metrics: &LogMetrics) -> Infallible {
    loop {
        if let Err(error) = count_once(shared, log, metrics).await {
            tracing::debug!(%log, %error, "the backlog was not counted");
        }
        tokio::time::sleep(COUNT_EVERY).await;
    }
}

async fn count_once(shared: &Shared, log: &LogId, metrics: &LogMetrics) -> Result<(), LogError> {
    // The cursor follows what Kafka acknowledged, a little behind.
    let noted = shared.outbox.cursor(log).await?.published_through;
    let through = noted.max(metrics.published_through());
    let backlog = shared.log.head(log).await?.sequence.since(through);
    let oldest = match backlog {
        0 => None,
        _ => shared.log.read_log(log, through, 1).await?.into_iter().next(),
    };
    metrics.backlog.set(gauge(backlog));
    metrics.backlog_seconds.set(oldest.map_or(0.0, |event| seconds_since(event.recorded_at)));
    Ok(())
}
