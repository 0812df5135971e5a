//! How often something may be done, for each of any number of keys, in memory that does not grow.
//!
//! A fixed number of slots, each a time: when its next turn would be due if all turns were used evenly. Keys share a
//! slot by a hash that nobody outside can guess, so that no flood of keys makes room for more of one; two keys that
//! share one are only held to the limit together.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SLOTS: usize = 1 << 16;

pub(super) struct Limit {
    began: Instant,
    hasher: RandomState,
    slots: Box<[AtomicU64]>,
    /// Nanoseconds between two turns, evenly used.
    every: u64,
    /// How far ahead of its even use a key may be: a minute's worth of turns at once.
    ahead: u64,
}

impl Limit {
    /// So many turns a minute for each key, all at once or one by one.
    pub(super) fn per_minute(turns: u32) -> Self {
        let minute = 60_000_000_000;
        let every = minute / u64::from(turns.max(1));
        Self {
            began: Instant::now(),
            hasher: RandomState::new(),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            every,
            ahead: minute - every,
        }
    }

    /// Takes a turn, or says how long to wait for one.
    pub(super) fn take(&self, key: &impl Hash) -> Result<(), Duration> {
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.take_at(key, now)
    }

    fn take_at(&self, key: &impl Hash, now: u64) -> Result<(), Duration> {
        let slot = usize::try_from(self.hasher.hash_one(key) % SLOTS as u64).unwrap_or(0);
        let taken = self.slots[slot].fetch_update(Ordering::Relaxed, Ordering::Relaxed, |due| {
            let due = due.max(now);
            (due - now <= self.ahead).then(|| due.saturating_add(self.every))
        });
        taken.map(drop).map_err(|due| Duration::from_nanos(due.saturating_sub(now + self.ahead)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_key_has_a_minutes_turns_at_once_and_then_one_by_one() {
        let limit = Limit::per_minute(6);
        for _ in 0..6 {
            assert_eq!(limit.take_at(&"ann", SECOND), Ok(()));
        }
        assert_eq!(limit.take_at(&"ann", SECOND), Err(Duration::from_secs(10)));
        assert_eq!(limit.take_at(&"ann", 4 * SECOND), Err(Duration::from_secs(7)));
        assert_eq!(limit.take_at(&"ann", 11 * SECOND), Ok(()));
        assert_eq!(limit.take_at(&"ann", 11 * SECOND), Err(Duration::from_secs(10)));
    }

    #[test]
    fn a_key_that_rested_has_no_more_than_a_minutes_turns() {
        let limit = Limit::per_minute(2);
        for _ in 0..2 {
            assert_eq!(limit.take_at(&"ann", 3600 * SECOND), Ok(()));
        }
        assert!(limit.take_at(&"ann", 3600 * SECOND).is_err());
    }

    #[test]
    fn other_keys_have_turns_of_their_own() {
        let limit = Limit::per_minute(1);
        let refused = (0..100).filter(|key| limit.take_at(key, 0).is_err()).count();
        // Two of a hundred keys may share one of 65,536 slots, once in a long while.
        assert!(refused <= 2, "{refused}");
        assert!(limit.take_at(&1, 0).is_err());
    }
}
