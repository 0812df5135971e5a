//! The fold by the book, made alongside the rows from the very events that these are made of: nothing has to be read and
//! decoded a second time. Each of these events was checked as it came; what is held against this fold is how they were
//! folded and what was written.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kernel::Lane;
use read_store::{Checkpoint, RowStore};

use super::reference::Reference;
use super::slice::Slice;
use super::{CompareError, Compared, One, Pages, parked};
use crate::view::{AnyEvent, AnyView};

/// A fold of some of the keys that hears events one by one, from the first on.
pub(crate) struct Alongside {
    /// None where an event is missing in it: it is good for nothing then.
    reference: Option<Reference>,
    at: Checkpoint,
}

impl Alongside {
    /// Of at most so many rows; others with every seed.
    pub(crate) fn new(view: AnyView, rows: usize, seed: u64) -> Self {
        let reference = Reference::new(view, Slice::all(seed), rows.max(1));
        Self { reference: Some(reference), at: Checkpoint::ZERO }
    }

    /// Folds the event, after which the lane is at `after`. One that was heard before is passed over.
    pub(crate) fn hear(&mut self, event: &AnyEvent, after: Checkpoint) {
        if after.sequence <= self.at.sequence {
            return;
        }
        let Some(reference) = &mut self.reference else { return };
        let is_next = after.sequence == self.at.sequence.next();
        // What the view panics on is parked, and the lane goes on.
        let is_folded = is_next && catch_unwind(AssertUnwindSafe(|| reference.apply(event))).is_ok();
        if is_folded {
            self.at = after;
        } else {
            self.reference = None;
        }
    }

    /// What was folded, once.
    pub(crate) fn take(&mut self) -> Option<Folded> {
        let reference = self.reference.take()?;
        Some(Folded { reference, at: self.at })
    }
}

/// A fold of some of the keys, and up to where it is one.
pub(crate) struct Folded {
    reference: Reference,
    at: Checkpoint,
}

impl Folded {
    pub(crate) fn at(&self) -> Checkpoint {
        self.at
    }

    /// Whether the rows of a lane that is there can be held against it.
    pub(crate) fn is_no_further_than(&self, here: &Checkpoint) -> bool {
        self.at.sequence <= here.sequence
    }

    /// Compares the rows of a lane with it; what they have beyond it comes from `log`.
    pub(crate) async fn compare<S: RowStore>(
        self,
        store: &S,
        lane: Lane,
        log: &mut impl Pages,
    ) -> Result<Compared, CompareError> {
        let parked = parked(store, lane).await?;
        let mut compared = Compared { parked: parked.len() as u64, ..Compared::default() };
        let Self { reference, at: from } = self;
        let (parked, found) = (&parked, Vec::new());
        One { store, lane, log, reference, from, parked, compared: &mut compared, found }.run().await?;
        Ok(compared)
    }
}
