//! The fold by the book: one event at a time, no batch, no store.

use std::collections::{BTreeSet, HashMap};

use kernel::{Keys, Link, RowKey, Sequence, TenantId};
use read_store::{RowAddress, StoredRow};

use super::slice::Slice;
use crate::view::{AnyEvent, AnyRow, AnyView};

/// The rows of a slice of the keys.
pub(super) struct Reference {
    view: AnyView,
    pub(super) slice: Slice,
    /// What became too much for one slice.
    pub(super) left_out: Vec<Slice>,
    most: usize,
    rows: HashMap<RowAddress, Expected>,
    links: HashMap<(TenantId, Link), BTreeSet<RowKey>>,
}

struct Expected {
    row: AnyRow,
    stamp: Sequence,
    /// The first event that could not be folded into it, and why.
    spoilt: Option<String>,
}

impl Reference {
    /// Nothing yet; halves its slice for as long as it would have more than `most` rows.
    pub(super) fn new(view: AnyView, slice: Slice, most: usize) -> Self {
        Self { view, slice, left_out: Vec::new(), most, rows: HashMap::new(), links: HashMap::new() }
    }

    /// No key is left out from here on: all have been looked at.
    pub(super) fn keep_slice(&mut self) {
        self.most = usize::MAX;
    }

    pub(super) fn addresses(&self) -> Vec<RowAddress> {
        self.rows.keys().cloned().collect()
    }

    pub(super) fn has(&self, at: &RowAddress) -> bool {
        self.rows.contains_key(at)
    }

    /// Folds one event in; answers which rows it touched.
    pub(super) fn apply(&mut self, event: &AnyEvent) -> Vec<RowAddress> {
        let keys = match self.view.keys(event) {
            Keys::None => Vec::new(),
            Keys::These(keys) => keys,
            Keys::Linked(link) => {
                let found = self.links.get(&(event.tenant().clone(), link));
                found.map(|keys| keys.iter().cloned().collect()).unwrap_or_default()
            }
        };
        let at = |key| RowAddress { tenant: event.tenant().clone(), key };
        let touched: Vec<_> = keys.into_iter().map(at).filter(|at| self.slice.has(at)).collect();
        for at in &touched {
            self.apply_to(at, event);
        }
        while self.rows.len() > self.most {
            let Some(other) = self.slice.halve() else { break };
            self.left_out.push(other);
            let slice = self.slice;
            self.rows.retain(|at, _| slice.has(at));
            self.link_anew();
        }
        touched
    }

    fn apply_to(&mut self, at: &RowAddress, event: &AnyEvent) {
        let before = self.rows.remove(at);
        if before.as_ref().is_some_and(|before| before.stamp >= event.sequence() || before.spoilt.is_some()) {
            self.rows.extend(before.map(|before| (at.clone(), before)));
            return;
        }
        let row = before.map(|before| before.row);
        for link in row.as_ref().map(|row| self.view.links(row)).unwrap_or_default() {
            self.unlink(at, link);
        }
        let spoilt = |error: &kernel::Unfoldable| {
            Some(format!("the event {} cannot be folded into it: {error}", event.sequence()))
        };
        let (row, stamp, spoilt) = match self.view.evolve(&at.key, row.clone(), event) {
            Ok(after) => (after, event.sequence(), None),
            Err(error) => (row, event.sequence(), spoilt(&error)),
        };
        let Some(row) = row else { return };
        self.link(at, &row);
        self.rows.insert(at.clone(), Expected { row, stamp, spoilt });
    }

    fn link(&mut self, at: &RowAddress, row: &AnyRow) {
        for link in self.view.links(row) {
            self.links.entry((at.tenant.clone(), link)).or_default().insert(at.key.clone());
        }
    }

    fn unlink(&mut self, at: &RowAddress, link: Link) {
        let place = (at.tenant.clone(), link);
        if let Some(keys) = self.links.get_mut(&place) {
            keys.remove(&at.key);
            if keys.is_empty() {
                self.links.remove(&place);
            }
        }
    }

    fn link_anew(&mut self) {
        self.links.clear();
        for (at, expected) in &self.rows {
            for link in self.view.links(&expected.row) {
                self.links.entry((at.tenant.clone(), link)).or_default().insert(at.key.clone());
            }
        }
    }

    /// In what way a row that was found, or its absence, is not the fold.
    pub(super) fn difference(&self, at: &RowAddress, stored: Option<&StoredRow>) -> Option<String> {
        let (expected, stored) = match (self.rows.get(at), stored) {
            (None, None) => return None,
            (Some(expected), None) => {
                return Some(format!("it is missing; the fold has it at sequence {}", expected.stamp));
            }
            (None, Some(stored)) => {
                return Some(format!("it is there, at sequence {}; the fold has none", stored.stamp));
            }
            (Some(expected), Some(stored)) => (expected, stored),
        };
        if expected.spoilt.is_some() {
            return expected.spoilt.clone();
        }
        let row = match self.view.row(&stored.body) {
            Ok(row) => row,
            Err(_) => return Some("it does not read as a row of the view".to_owned()),
        };
        if !self.view.are_equal(&row, &expected.row) {
            return Some(format!(
                "{}, at sequence {}",
                fields(&self.view, &row, &expected.row),
                stored.stamp
            ));
        }
        let (found, expected) = (stored.stamp, expected.stamp);
        (found != expected).then(|| format!("it is stamped with sequence {found}, the fold with {expected}"))
    }
}

/// Which fields differ; never what they hold.
fn fields(view: &AnyView, found: &AnyRow, expected: &AnyRow) -> String {
    let value = |row: &AnyRow| view.value(row).unwrap_or_default();
    let (found, expected) = (value(found), value(expected));
    let (Some(found), Some(expected)) = (found.as_object(), expected.as_object()) else {
        return "it differs".to_owned();
    };
    let names: BTreeSet<&str> = found.keys().chain(expected.keys()).map(String::as_str).collect();
    let differing: Vec<&str> =
        names.into_iter().filter(|name| found.get(*name) != expected.get(*name)).collect();
    format!("it differs in {}", differing.join(", "))
}
