//! How often something may be done, for each of any number of keys, in memory that does not grow.
//!
//! A fixed number of slots, each a time: when its next turn would be due if all turns were used evenly. A key has two
//! slots, by hashes that nobody outside can guess, and is refused where both are used up. So no flood of keys makes room
//! for more of one, and a key is held back by others only where both of its slots are theirs too.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SLOTS: usize = 1 << 16;
const SECOND: u64 = 1_000_000_000;

/// So many turns in a while for each key.
pub struct Turns {
    began: Instant,
    hasher: RandomState,
    slots: Box<[AtomicU64]>,
    /// Nanoseconds between two turns, evenly used.
    every: u64,
    /// How far ahead of its even use a key may be.
    ahead: u64,
}

impl std::fmt::Debug for Turns {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Turns")
            .field("every", &self.every)
            .field("ahead", &self.ahead)
            .finish_non_exhaustive()
    }
}

impl Turns {
    /// So many turns a minute for each key, all at once or one by one.
    pub fn per_minute(turns: u32) -> Self {
        Self::new(60 * SECOND / u64::from(turns.max(1)), 60 * SECOND)
    }

    /// So many turns a second for each key, and those of so many seconds at once.
    pub fn per_second(turns: u32, at_once: u32) -> Self {
        Self::new(SECOND / u64::from(turns.max(1)), SECOND * u64::from(at_once.max(1)))
    }

    fn new(every: u64, window: u64) -> Self {
        Self {
            began: Instant::now(),
            hasher: RandomState::new(),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            every,
            ahead: window.saturating_sub(every),
        }
    }

    /// Takes a turn, or says how long to wait for one.
    pub fn take(&self, key: &impl Hash) -> Result<(), Duration> {
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.take_at(key, now)
    }

    fn take_at(&self, key: &impl Hash, now: u64) -> Result<(), Duration> {
        let hash = self.hasher.hash_one(key);
        // Both have to be asked: where one was used up by another key, the other one counts.
        let (first, second) = (self.take_slot(hash, now), self.take_slot(hash.rotate_right(32), now));
        match (first, second) {
            (Err(first), Err(second)) => Err(first.min(second)),
            _ => Ok(()),
        }
    }

    fn take_slot(&self, hash: u64, now: u64) -> Result<(), Duration> {
        let slot = usize::try_from(hash % SLOTS as u64).unwrap_or(0);
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

    #[test]
    fn a_key_has_a_minutes_turns_at_once_and_then_one_by_one() {
        let turns = Turns::per_minute(6);
        for _ in 0..6 {
            assert_eq!(turns.take_at(&"ann", SECOND), Ok(()));
        }
        assert_eq!(turns.take_at(&"ann", SECOND), Err(Duration::from_secs(10)));
        assert_eq!(turns.take_at(&"ann", 4 * SECOND), Err(Duration::from_secs(7)));
        assert_eq!(turns.take_at(&"ann", 11 * SECOND), Ok(()));
        assert_eq!(turns.take_at(&"ann", 11 * SECOND), Err(Duration::from_secs(10)));
    }

    #[test]
    fn a_key_that_rested_has_no_more_turns_than_those_at_once() {
        let turns = Turns::per_second(2, 3);
        let taken = (0..100).filter(|_| turns.take_at(&"ann", 3600 * SECOND).is_ok()).count();
        assert_eq!(taken, 6);
        assert_eq!(turns.take_at(&"ann", 3600 * SECOND), Err(Duration::from_millis(500)));
    }

    #[test]
    fn thousands_of_other_keys_have_turns_of_their_own() {
        let turns = Turns::per_minute(1);
        let refused = (0..2_000).filter(|key| turns.take_at(key, 0).is_err()).count();
        // Both slots of a key are others' once in a thousand here.
        assert!(refused < 40, "{refused}");
        assert!(turns.take_at(&1, 0).is_err());
    }
}
