//! Commands on one thing in one process - a stream, a row of an inline view - take turns instead of fighting over its next version.
//!
//! Two commands that decide on the same version of a stream cannot both be recorded; the loser would have to read
//! and decide again. Taking turns costs nothing where nobody else wants the stream, and between processes the
//! log's guards decide as ever: a turn is a courtesy, never a lock that anything relies on.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

const SHARDS: usize = 64;

/// Who has the turn on which key, and who waits for it.
#[derive(Debug, Clone)]
pub(crate) struct Queues<K: Clone + Eq + Hash> {
    inner: Arc<Inner<K>>,
}

#[derive(Debug)]
struct Inner<K: Clone + Eq + Hash> {
    hasher: RandomState,
    shards: Box<[Shard<K>]>,
    longest: usize,
}

type Shard<K> = Mutex<HashMap<K, Waiting<K>>>;
type Waiting<K> = VecDeque<oneshot::Sender<Turn<K>>>;

/// More commands wait for one stream than may: the caller is told to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many commands wait for the stream")]
pub(crate) struct QueueFull;

/// The turn on one key; dropping it hands it to the next.
#[derive(Debug)]
pub(crate) struct Turn<K: Clone + Eq + Hash>(Option<(Arc<Inner<K>>, K)>);

impl<K: Clone + Eq + Hash> Queues<K> {
    /// Queues of at most `longest` waiting commands per key.
    pub(crate) fn new(longest: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { inner: Arc::new(Inner { hasher: RandomState::new(), shards, longest }) }
    }

    /// Waits for the turn on this key, first come first served.
    pub(crate) async fn turn(&self, key: K) -> Result<Turn<K>, QueueFull> {
        let next = {
            let mut waiting = self.inner.shard(&key);
            match waiting.entry(key.clone()) {
                Entry::Vacant(free) => {
                    free.insert(VecDeque::new());
                    drop(waiting);
                    return Ok(Turn(Some((Arc::clone(&self.inner), key))));
                }
                Entry::Occupied(mut taken) => {
                    // Those who gave up stand in the queue until their turn; they do not count as long as
                    // clearing them out makes room.
                    if taken.get().len() >= self.inner.longest {
                        taken.get_mut().retain(|waiter| !waiter.is_closed());
                    }
                    if taken.get().len() >= self.inner.longest {
                        return Err(QueueFull);
                    }
                    let (give, next) = oneshot::channel();
                    taken.get_mut().push_back(give);
                    next
                }
            }
        };
        // The sender lives in the queue until it has sent, and the queue as long as `self`.
        next.await.map_err(|_| QueueFull)
    }

    #[cfg(test)]
    fn streams(&self) -> usize {
        self.inner.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

impl<K: Clone + Eq + Hash> Inner<K> {
    fn shard(&self, key: &K) -> MutexGuard<'_, HashMap<K, Waiting<K>>> {
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        let Some((queues, key)) = self.0.take() else { return };
        loop {
            let next = {
                let mut waiting = queues.shard(&key);
                let next = waiting.get_mut(&key).and_then(VecDeque::pop_front);
                if next.is_none() {
                    waiting.remove(&key);
                }
                next
            };
            // The shard is no longer locked here: a turn that is given to one who gave up comes back.
            let Some(next) = next else { return };
            match next.send(Turn(Some((Arc::clone(&queues), key.clone())))) {
                Ok(()) => return,
                Err(mut refused) => refused.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests;
