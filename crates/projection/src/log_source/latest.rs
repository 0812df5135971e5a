//! The ends of all logs, asked for once for all who want to know.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use kernel::LogId;
use tokio::sync::Mutex;

use super::{LogHead, LogSource, LogSourceError};

/// Where every log ended at some moment.
#[derive(Debug, Clone)]
pub(crate) struct Heads {
    /// The answer is not older than this.
    pub(crate) asked: Instant,
    heads: Arc<HashMap<LogId, LogHead>>,
}

impl Heads {
    /// Where a log ended; none where nothing was ever recorded in it.
    pub(crate) fn of(&self, log: &LogId) -> Option<LogHead> {
        self.heads.get(log).copied()
    }
}

/// What was answered last.
pub(super) type Latest = Mutex<Option<(Instant, Result<Heads, LogSourceError>)>>;

impl LogSource {
    /// Where every log ends, as of `since` or later. Who asks while another is asking gets the same answer, and the
    /// same failure: a service that is away is not asked by each in turn.
    pub(crate) async fn heads_since(&self, since: Instant) -> Result<Heads, LogSourceError> {
        let mut latest = self.0.latest.lock().await;
        if let Some((asked, answer)) = &*latest
            && *asked >= since
        {
            return answer.clone();
        }
        let asked = Instant::now();
        let answer = self.heads().await;
        let answer = answer.map(|heads| Heads { asked, heads: Arc::new(heads.into_iter().collect()) });
        *latest = Some((asked, answer.clone()));
        answer
    }
}
