//! Closed-loop load: every connection sends its next request as soon as it has the answer to the last.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::bail;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::connection::Connection;

/// What one round of load came to.
#[derive(Debug)]
pub(crate) struct Round {
    /// Requests that were answered as wanted.
    pub(crate) done: u64,
    /// How long it took.
    pub(crate) took: Duration,
    /// From sending to answer, in microseconds.
    pub(crate) latency_us: Histogram<u64>,
}

impl Round {
    /// Nothing yet.
    pub(crate) fn empty() -> anyhow::Result<Self> {
        Ok(Self { done: 0, took: Duration::ZERO, latency_us: Histogram::new_with_max(60_000_000, 3)? })
    }

    /// One more request, which took this long.
    pub(crate) fn count(&mut self, latency: Duration) -> anyhow::Result<()> {
        self.latency_us.saturating_record(u64::try_from(latency.as_micros())?);
        self.done += 1;
        Ok(())
    }

    /// With another round of the same.
    pub(crate) fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.done += other.done;
        self.took += other.took;
        self.latency_us.add(&other.latency_us)?;
        Ok(())
    }

    /// Requests a second.
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
    pub(crate) fn rate(&self) -> f64 {
        self.done as f64 / self.took.as_secs_f64()
    }
}

/// Loads `address` with `connections` at once for `length`. `request` makes the next one, all different; an
/// answer with another status than `wanted` ends the bench, since its figure would mean nothing.
pub(crate) async fn closed_loop(
    address: SocketAddr,
    connections: usize,
    length: Duration,
    wanted: u16,
    request: Rc<dyn Fn() -> Vec<u8>>,
) -> anyhow::Result<Round> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let began = Instant::now();
    let tasks = tokio::task::LocalSet::new();
    let mut running = JoinSet::new();
    for mut connection in open {
        let request = Rc::clone(&request);
        running.spawn_local_on(
            async move {
                let mut round = Round::empty()?;
                while began.elapsed() < length {
                    let bytes = request();
                    let sent = Instant::now();
                    let answer = connection.send(&bytes).await?;
                    if answer.status != wanted {
                        bail!("status {}: {}", answer.status, String::from_utf8_lossy(answer.body));
                    }
                    round.count(sent.elapsed())?;
                }
                anyhow::Ok(round)
            },
            &tasks,
        );
    }
    let mut total = Round::empty()?;
    tasks
        .run_until(async {
            while let Some(finished) = running.join_next().await {
                total.add(&finished??)?;
            }
            anyhow::Ok(())
        })
        .await?;
    total.took = began.elapsed();
    Ok(total)
}
