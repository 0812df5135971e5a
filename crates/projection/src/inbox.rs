//! What waits for a lane: filled by the consumer's loop, emptied by the lane's task.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use messaging::IncomingRecord;
use tokio::sync::Notify;

use crate::projector::Limits;

/// A bounded queue. Whoever fills it waits for room for a moment, and then pauses the partition: a pause costs
/// fetching again what the client had fetched, and is for a lane that is slower than its neighbours only. The bound
/// is exceeded by what was put in at once, and by what was on its way when the pause was asked for.
#[derive(Debug)]
pub(crate) struct Inbox {
    limits: Limits,
    state: Mutex<State>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<IncomingRecord>,
    bytes: usize,
    paused: bool,
    /// Nothing is taken in: the lane does not know yet where it reads on.
    closed: bool,
    /// Where reading was sought to, until the first record from there has come: others are from before the seek.
    sought: Option<i64>,
    /// The end of the partition, where it was reached behind all records here.
    end: Option<i64>,
}

/// What was taken out.
#[derive(Debug)]
pub(crate) struct Taken {
    /// In order.
    pub(crate) records: Vec<IncomingRecord>,
    /// Behind them the partition had ended, and the next record will be at this offset.
    pub(crate) end: Option<i64>,
    /// There is room again: the partition should be resumed.
    pub(crate) resume: bool,
}

impl Inbox {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, state: Mutex::default(), filled: Notify::new(), emptied: Notify::new() }
    }

    /// Forgets everything and takes nothing in until [`Inbox::open_at`].
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        *state = State { closed: true, paused: true, ..State::default() };
        drop(state);
        self.emptied.notify_one();
    }

    /// Takes in what comes from `offset` on.
    pub(crate) fn open_at(&self, offset: i64) {
        *self.lock() = State { sought: Some(offset), ..State::default() };
    }

    /// Says whether it is full now: then [`Inbox::room`] is to be waited for before more is put in, or the
    /// partition paused.
    #[must_use]
    pub(crate) fn put(&self, records: Vec<IncomingRecord>) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        for record in records {
            match state.sought {
                Some(sought) if record.offset > sought => continue,
                _ => state.sought = None,
            }
            state.end = None;
            state.bytes += record.size();
            state.records.push_back(record);
        }
        self.filled.notify_one();
        self.is_full(&state) && !state.paused
    }

    /// Returns when it is not full. Safe to drop at any point.
    pub(crate) async fn room(&self) {
        while self.is_full(&self.lock()) {
            self.emptied.notified().await;
        }
    }

    /// Notes that the partition is about to be paused; false where there is room after all.
    #[must_use]
    pub(crate) fn pause(&self) -> bool {
        let mut state = self.lock();
        let pause = self.is_full(&state) && !state.paused;
        state.paused |= pause;
        pause
    }

    fn is_full(&self, state: &State) -> bool {
        state.records.len() >= self.limits.waiting_records || state.bytes >= self.limits.waiting_bytes
    }

    /// The partition has ended, its next record will be at `offset`.
    pub(crate) fn put_end(&self, offset: i64) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        // Nothing came from where reading was sought to: let the check of sequences judge what comes next.
        state.sought = None;
        state.end = Some(offset);
        self.filled.notify_one();
    }

    /// Whatever waits, up to a batch; waits for something where nothing does. Safe to drop at any point.
    pub(crate) async fn take(&self) -> Taken {
        self.take_most(self.limits.batch_records).await
    }

    /// As [`Inbox::take`], and not before then.
    pub(crate) async fn take_from(&self, then: Instant) -> Taken {
        tokio::time::sleep_until(then.into()).await;
        self.take().await
    }

    /// As [`Inbox::take`], and at most so many.
    pub(crate) async fn take_most(&self, most: usize) -> Taken {
        loop {
            if let Some(taken) = self.try_take(most) {
                return taken;
            }
            self.filled.notified().await;
        }
    }

    /// What waits, up to a batch and at most so many; none where nothing does.
    pub(crate) fn try_take(&self, most: usize) -> Option<Taken> {
        let mut state = self.lock();
        let mut records = Vec::with_capacity(state.records.len().min(most));
        let mut bytes = 0;
        while records.len() < self.limits.batch_records.min(most) && bytes < self.limits.batch_bytes {
            let Some(record) = state.records.pop_front() else { break };
            bytes += record.size();
            records.push(record);
        }
        state.bytes -= bytes;
        let end = if state.records.is_empty() { state.end.take() } else { None };
        if records.is_empty() && end.is_none() {
            return None;
        }
        let roomy = state.records.len() <= self.limits.waiting_records / 2
            && state.bytes <= self.limits.waiting_bytes / 2;
        let resume = state.paused && roomy;
        state.paused &= !resume;
        self.emptied.notify_one();
        Some(Taken { records, end, resume })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
