//! What the receiver may ask of a running consumer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Steers a consumer that runs. Dropping it stops the consumer, without waiting.
#[derive(Debug)]
pub struct ConsumerHandle {
    requests: Arc<Requests>,
    task: Option<JoinHandle<()>>,
}

/// What was asked and not yet done: at most one wish of a kind for a partition, so it needs no queue.
#[derive(Debug, Default)]
pub(super) struct Requests {
    wishes: Mutex<Wishes>,
    pub(super) changed: Notify,
    pub(super) stop: CancellationToken,
    pub(super) held_back: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) paused: HashMap<i32, bool>,
    pub(super) seek: HashMap<i32, i64>,
    pub(super) applied: HashMap<i32, i64>,
}

impl Requests {
    pub(super) fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_steering(&self) -> (HashMap<i32, i64>, HashMap<i32, bool>) {
        let mut wishes = self.wishes();
        (std::mem::take(&mut wishes.seek), std::mem::take(&mut wishes.paused))
    }
}

impl ConsumerHandle {
    pub(super) fn new(requests: Arc<Requests>, task: JoinHandle<()>) -> Self {
        Self { requests, task: Some(task) }
    }

    /// Hands over nothing more of this partition until it is resumed. Records that already wait in the channel
    /// still arrive. Ends with the assignment: a partition that comes back comes back unpaused.
    pub fn pause(&self, partition: i32) {
        self.requests.wishes().paused.insert(partition, true);
        self.requests.changed.notify_one();
    }

    /// Reads on.
    pub fn resume(&self, partition: i32) {
        self.requests.wishes().paused.insert(partition, false);
        self.requests.changed.notify_one();
    }

    /// Reads on from `offset`. Records from before the seek that already wait in the channel still arrive.
    pub fn seek(&self, partition: i32, offset: i64) {
        self.requests.wishes().seek.insert(partition, offset);
        self.requests.changed.notify_one();
    }

    /// Notes how far the receiver's store has come: `next` is the offset of the first record that it does not
    /// have. Committed now and then, so that lag tools see it; nothing is ever read back from it.
    pub fn applied(&self, partition: i32, next: i64) {
        self.requests.wishes().applied.insert(partition, next);
    }

    /// Whether nothing is fetched at the moment because the receiver is slow.
    pub fn is_held_back(&self) -> bool {
        self.requests.held_back.load(Ordering::Relaxed)
    }

    /// Leaves the group and returns when that is done. Partitions that are still assigned are not revoked
    /// through the channel: who stops the consumer has finished with them.
    pub async fn stop(mut self) {
        self.requests.stop.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the consumer ended badly");
        }
    }
}

impl Drop for ConsumerHandle {
    fn drop(&mut self) {
        self.requests.stop.cancel();
    }
}
