//! Waiting until a store reflects a sequence: one poll on behalf of all who wait.
//!
//! ```text
//! nobody waits ──first──► polling every 2 ms ──last one gone──► nobody waits
//! ```

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::{Lane, Sequence};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::{ReadError, telemetry};

/// What passes between two polls. It adds to a waiting query's latency and costs the store one small statement.
const POLL_EVERY: Duration = Duration::from_millis(2);
/// What passes after a poll that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(50);

/// A lane of a view.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) view: Arc<str>,
    pub(crate) lane: Lane,
}

/// What can be polled: how far each of these places has come, in their order.
pub(crate) trait Positions: Send + Sync + 'static {
    fn of(
        &self,
        places: &[Place],
    ) -> impl Future<Output = Result<Vec<Result<Sequence, ReadError>>, ReadError>> + Send;
}

type Seen = Option<Result<Sequence, ReadError>>;

/// Those who wait. Clones share one poll.
#[derive(Debug)]
pub(crate) struct Waits<P>(Arc<Inner<P>>);

impl<P> Clone for Waits<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Inner<P> {
    store: &'static str,
    positions: P,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    places: HashMap<Place, watch::Sender<Seen>>,
    polling: bool,
}

impl<P: Positions> Waits<P> {
    pub(crate) fn new(store: &'static str, positions: P) -> Self {
        Self(Arc::new(Inner { store, positions, waiting: Mutex::default() }))
    }

    pub(crate) async fn wait_until(
        &self,
        view: &str,
        lane: Lane,
        sequence: Sequence,
        deadline: Instant,
    ) -> Result<bool, ReadError> {
        metrics::counter!(telemetry::WAITS, "store" => self.0.store).increment(1);
        let mut seen = self.join(Place { view: view.into(), lane });
        let reached = seen.wait_for(|seen| match seen {
            None => false,
            Some(Ok(reached)) => *reached >= sequence,
            Some(Err(_)) => true,
        });
        match tokio::time::timeout_at(deadline, reached).await {
            Ok(Ok(seen)) => match &*seen {
                Some(Err(error)) => Err(error.clone()),
                Some(Ok(_)) | None => Ok(true),
            },
            // The poll ended badly; it is begun anew by whoever comes next.
            Ok(Err(_)) => Err(ReadError::Away("polling ended".to_owned())),
            Err(_) => Ok(false),
        }
    }

    fn join(&self, place: Place) -> watch::Receiver<Seen> {
        let mut waiting = self.0.lock();
        let receiver = waiting.places.entry(place).or_insert_with(|| watch::Sender::new(None)).subscribe();
        if !waiting.polling {
            waiting.polling = true;
            tokio::spawn(Polling { store: Arc::clone(&self.0), ended: false }.run());
        }
        receiver
    }
}

impl<P> Inner<P> {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The poll. Whichever way it ends, those who wait learn of it and the next to come begins another.
struct Polling<P> {
    store: Arc<Inner<P>>,
    ended: bool,
}

impl<P: Positions> Polling<P> {
    async fn run(mut self) {
        while let Some(places) = self.wanted() {
            metrics::counter!(telemetry::WAIT_POLLS, "store" => self.store.store).increment(1);
            let pause = match self.store.positions.of(&places).await {
                Ok(found) => {
                    self.tell(places.iter().zip(found));
                    POLL_EVERY
                }
                Err(error) => {
                    self.tell(places.iter().map(|place| (place, Err(error.clone()))));
                    PAUSE_AFTER_FAILURE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// The places that somebody waits for; none ends the poll.
    fn wanted(&mut self) -> Option<Vec<Place>> {
        let mut waiting = self.store.lock();
        waiting.places.retain(|_, seen| seen.receiver_count() > 0);
        if waiting.places.is_empty() {
            waiting.polling = false;
            self.ended = true;
            return None;
        }
        Some(waiting.places.keys().cloned().collect())
    }

    fn tell<'a>(&self, found: impl Iterator<Item = (&'a Place, Result<Sequence, ReadError>)>) {
        let waiting = self.store.lock();
        for (place, seen) in found {
            if let Some(sender) = waiting.places.get(place) {
                sender.send_replace(Some(seen));
            }
        }
    }
}

impl<P> Drop for Polling<P> {
    /// A poll that was cut off (its runtime ended, or it panicked) must not be waited for.
    fn drop(&mut self) {
        if !self.ended {
            let mut waiting = self.store.lock();
            waiting.polling = false;
            waiting.places.clear();
        }
    }
}

#[cfg(test)]
mod tests;
