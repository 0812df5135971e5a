//! Rows that were found further than the fold was: to be judged when it comes to where they are.

use std::collections::HashMap;

use kernel::Sequence;
use read_store::{RowAddress, StoredRow};

use super::reference::Reference;

/// What was found, and how it differs from the fold so far.
#[derive(Default)]
pub(super) struct Ahead {
    rows: HashMap<RowAddress, (Option<StoredRow>, String)>,
}

impl Ahead {
    pub(super) fn insert(&mut self, at: RowAddress, stored: Option<StoredRow>, what: String) {
        self.rows.insert(at, (stored, what));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Up to where the fold has to come.
    pub(super) fn through(&self) -> Sequence {
        let stamps = self.rows.values().filter_map(|(stored, _)| stored.as_ref().map(|stored| stored.stamp));
        stamps.max().unwrap_or_default()
    }

    /// The fold has come to `sequence`, whose event touched the row: it is judged where that is its own place. A
    /// row that was absent is right if the fold has none at any moment.
    pub(super) fn settle(&mut self, at: &RowAddress, reference: &Reference, sequence: Sequence) {
        let Some((stored, what)) = self.rows.get_mut(at) else { return };
        if stored.as_ref().is_some_and(|stored| stored.stamp != sequence) {
            return;
        }
        match reference.difference(at, stored.as_ref()) {
            Some(difference) => *what = difference,
            None => drop(self.rows.remove(at)),
        }
    }

    pub(super) fn into_differences(self) -> impl Iterator<Item = (RowAddress, String)> {
        self.rows.into_iter().map(|(at, (_, what))| (at, what))
    }
}
