//! A part of all keys, chosen by their hash.

use std::hash::{DefaultHasher, Hash, Hasher};

use read_store::RowAddress;

/// Keys whose hash leaves `number` when divided by `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    seed: u64,
    number: u64,
    of: u64,
}

impl Slice {
    /// Every key. Seeds choose other halves.
    pub(super) fn all(seed: u64) -> Self {
        Self { seed, number: 0, of: 1 }
    }

    pub(super) fn has(&self, at: &RowAddress) -> bool {
        let mut hasher = DefaultHasher::new();
        (self.seed, at).hash(&mut hasher);
        hasher.finish() % self.of == self.number
    }

    /// Keeps one half, and answers the other; none where it cannot become smaller.
    pub(super) fn halve(&mut self) -> Option<Self> {
        let of = self.of.checked_mul(2)?;
        let other = Self { number: self.number + self.of, of, ..*self };
        self.of = of;
        Some(other)
    }
}
