//! Wakes whoever publishes a log when it has grown.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use event_log::{Announced, Announcements};
use kernel::LogId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A bell for each log, and one for logs that nobody has heard of.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    logs: RwLock<HashMap<LogId, Arc<Notify>>>,
    unknown: Notify,
}

impl Bells {
    /// The bell of a log, from now on known.
    pub(crate) fn of(&self, log: &LogId) -> Arc<Notify> {
        let mut logs = self.logs.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(logs.entry(log.clone()).or_default())
    }

    /// Waits until a log was announced that has no bell, or may have been.
    pub(crate) async fn unknown(&self) {
        self.unknown.notified().await;
    }

    /// Rings as announcements come, until told to stop.
    pub(crate) async fn ring(&self, mut announcements: Announcements, token: CancellationToken) {
        while let Some(announced) = token.run_until_cancelled(announcements.next()).await {
            let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
            match announced {
                Announced::Log(log) => match logs.get(&log) {
                    Some(bell) => bell.notify_one(),
                    None => self.unknown.notify_one(),
                },
                Announced::Every => {
                    self.unknown.notify_one();
                    logs.values().for_each(|bell| bell.notify_one());
                }
            }
        }
    }
}
