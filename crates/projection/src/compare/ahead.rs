//! Rows that were found further than the fold was: to be judged when it comes to where they are.

use std::collections::HashMap;

use kernel::{Sequence, View};
use read_store::{RowAddress, StoredRow};

use super::reference::Reference;

/// What was found, and how it differs from the fold so far.
pub(super) struct Ahead<V: View> {
    rows: HashMap<RowAddress, (Option<StoredRow>, String)>,
    view: std::marker::PhantomData<fn() -> V>,
}

impl<V: View> Default for Ahead<V> {
    fn default() -> Self {
        Self { rows: HashMap::new(), view: std::marker::PhantomData }
    }
}

impl<V: View> Ahead<V> {
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
    pub(super) fn settle(&mut self, at: &RowAddress, reference: &Reference<V>, sequence: Sequence) {
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
