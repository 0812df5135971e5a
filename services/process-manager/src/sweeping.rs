//! Looks after instances that nothing happens to: shows those whose commands get no answer, and removes those that ended
//! long ago. Any number of managers does so at once.

use std::sync::Arc;
use std::time::Duration;

use service_runtime::CancellationToken;
use tracing::{info, warn};

use crate::processes::Served;
use crate::store::{Store, StoreError};

/// How often.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Most transactions of one sweep that remove instances; the rest is the next one's.
const TRANSACTIONS_MOST: u32 = 10;

/// When what is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// A command without a definite answer for so long shows.
    pub(crate) stuck_after: Duration,
    /// An instance is kept for so long after it has ended and heard its last.
    pub(crate) retention: Duration,
}

/// The sweeps of one process.
pub(crate) struct Sweeping {
    pub(crate) store: Store,
    pub(crate) served: Served,
    pub(crate) patience: Patience,
}

impl Sweeping {
    pub(crate) async fn run(self, token: CancellationToken) -> anyhow::Result<()> {
        let process = self.served.engine.name();
        // Sooner where operators want to know sooner.
        let every = SWEEP_EVERY.min(self.patience.stuck_after);
        while token.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
            // A database that is away shows in readiness by those who wait for it.
            if let Err(error @ StoreError::Refused(_)) = self.sweep(process).await {
                warn!(process, %error, "instances that nothing happens to were not looked after");
            }
        }
        Ok(())
    }

    async fn sweep(&self, process: &'static str) -> Result<(), StoreError> {
        self.store.mark_unanswered(process, self.patience.stuck_after).await?;
        let (mut forgotten, inputs) = (0, Arc::clone(&self.served.inputs));
        for _ in 0..TRANSACTIONS_MOST {
            match self.store.forget_ended(process, &inputs, self.patience.retention).await? {
                0 => break,
                some => forgotten += some,
            }
        }
        if forgotten > 0 {
            info!(process, instances = forgotten, "instances that ended long ago were removed");
        }
        Ok(())
    }
}
