//! How much memory all builds of a process may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory that lanes share. Clones are the same room.
#[derive(Debug, Clone)]
pub struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes: usize,
    used: AtomicUsize,
    lanes: AtomicUsize,
}

/// What one lane takes of it.
#[derive(Debug)]
pub(crate) struct Share {
    room: Room,
    used: usize,
}

impl Room {
    /// This much.
    pub fn of_mebibytes(mebibytes: u32) -> Self {
        let bytes = (mebibytes as usize) << 20;
        Self(Arc::new(Inner { bytes, used: AtomicUsize::new(0), lanes: AtomicUsize::new(0) }))
    }

    /// One lane more shares it.
    pub(crate) fn enter(&self) -> Share {
        self.0.lanes.fetch_add(1, Ordering::Relaxed);
        Share { room: self.clone(), used: 0 }
    }
}

impl Share {
    /// The lane takes this much now.
    pub(crate) fn set(&mut self, bytes: usize) {
        self.room.0.used.fetch_add(bytes, Ordering::Relaxed);
        self.room.0.used.fetch_sub(self.used, Ordering::Relaxed);
        self.used = bytes;
    }

    /// Whether all of it is used, and this lane has at least its part of it: of all lanes one always has.
    pub(crate) fn is_too_much(&self) -> bool {
        let Inner { bytes, used, lanes } = &*self.room.0;
        let part = bytes / lanes.load(Ordering::Relaxed).max(1);
        used.load(Ordering::Relaxed) >= *bytes && self.used >= part
    }

    /// Whether it has more than half of its part.
    pub(crate) fn is_large(&self) -> bool {
        let Inner { bytes, lanes, .. } = &*self.room.0;
        self.used >= bytes / lanes.load(Ordering::Relaxed).max(1) / 2
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.0.used.fetch_sub(self.used, Ordering::Relaxed);
        self.room.0.lanes.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_its_part_gives_way_when_all_is_used() {
        let room = Room::of_mebibytes(4);
        let (mut first, mut second) = (room.enter(), room.enter());
        first.set(3 << 20);
        second.set(1 << 19);
        assert!(!first.is_too_much() && first.is_large(), "there is room");
        second.set(1 << 20);
        assert!(first.is_too_much() && !second.is_too_much());
        drop(first);
        assert!(!second.is_too_much());
        second.set(4 << 20);
        assert!(second.is_too_much());
    }
}
