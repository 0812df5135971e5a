//! Whether the stores are there.

use std::sync::atomic::Ordering;
use std::time::Duration;

use kernel::{Lane, TenantId};
use service_runtime::{CancellationToken, wait_for};

use super::Stores;

/// How often each store is asked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Stores {
    /// Keeps `/readyz` true about Postgres: there when the views are.
    pub(crate) async fn watch_postgres(self, token: CancellationToken) -> anyhow::Result<()> {
        loop {
            let look = || async { self.postgres.reflects("", Lane::new(0)).await };
            if wait_for(&self.postgres_health, &token, look).await.is_none() || !pause(&token).await {
                return Ok(());
            }
        }
    }

    /// Opens and closes the gate before Redis.
    pub(crate) async fn watch_redis(self, token: CancellationToken) -> anyhow::Result<()> {
        // A key that is never there: what counts is that Redis says so.
        let nobody = TenantId::new("-")?;
        loop {
            let look = || async {
                let answer = self.redis.lane_of(&nobody).await;
                self.redis_open.store(answer.is_ok(), Ordering::Relaxed);
                answer
            };
            if wait_for(&self.redis_health, &token, look).await.is_none() || !pause(&token).await {
                return Ok(());
            }
        }
    }
}

/// False when it is time to stop.
async fn pause(token: &CancellationToken) -> bool {
    token.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some()
}
