//! `/readyz` from the troubles of many logs: a dependency is there when no log misses it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kernel::LogId;
use service_runtime::{Dependency, Health};

use crate::error::Blame;

/// What the relay depends on.
pub(crate) struct Readiness {
    log: Tally,
    kafka: Tally,
    registry: Tally,
    topics: Tally,
}

struct Tally {
    dependency: Dependency,
    troubles: Mutex<BTreeMap<Option<LogId>, String>>,
}

impl Readiness {
    pub(crate) fn new(health: &Health) -> Self {
        let tally =
            |name| Tally { dependency: health.dependency(name), troubles: Mutex::new(BTreeMap::new()) };
        Self {
            log: tally("log"),
            kafka: tally("kafka"),
            registry: tally("registry"),
            topics: tally("topics"),
        }
    }

    /// One log's trouble (`None`: the relay's as a whole), until it is said to be over.
    pub(crate) fn trouble(&self, blame: Blame, log: Option<&LogId>, why: &str) {
        let tally = self.tally(blame);
        let mut troubles = tally.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.insert(log.cloned(), why.to_owned());
        tally.tell(&troubles);
    }

    /// This log misses nothing of this kind any more.
    pub(crate) fn fine(&self, blame: Blame, log: Option<&LogId>) {
        let tally = self.tally(blame);
        let mut troubles = tally.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.remove(&log.cloned());
        tally.tell(&troubles);
    }

    /// Another relay's business now, or everything is well.
    pub(crate) fn all_fine(&self, log: &LogId) {
        for blame in [Blame::Log, Blame::Kafka, Blame::Registry, Blame::Topics] {
            self.fine(blame, Some(log));
        }
    }

    fn tally(&self, blame: Blame) -> &Tally {
        match blame {
            Blame::Log => &self.log,
            Blame::Kafka => &self.kafka,
            Blame::Registry => &self.registry,
            Blame::Topics => &self.topics,
        }
    }
}

impl Tally {
    /// One trouble is shown, and how many more there are.
    fn tell(&self, troubles: &BTreeMap<Option<LogId>, String>) {
        let Some((log, why)) = troubles.first_key_value() else { return self.dependency.ready() };
        let mut text = match log {
            Some(log) => format!("{log}: {why}"),
            None => why.clone(),
        };
        if troubles.len() > 1 {
            text = format!("{text} (and {} more)", troubles.len() - 1);
        }
        self.dependency.waiting(text);
    }
}

#[cfg(test)]
mod tests;
