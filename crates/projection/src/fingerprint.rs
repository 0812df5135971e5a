//! What a view's fold is known by: a hash over the rows that made-up events fold to, after each of them.
//!
//! An event that the view does not touch leaves no trace in it, so it changes only with what the view says.

use std::collections::BTreeMap;

use kernel::{FoldFingerprint, FoldTrace, Keys, Link, RowKey};

use crate::fold::{Touched, evolved};
use crate::parked::Parked;
use crate::view::{AnyEvent, AnyRow, AnyView};

/// None where the fold does not come to the same rows twice, or to none: it cannot be told apart from others then.
pub fn fingerprint(view: &AnyView) -> Option<FoldFingerprint> {
    let examples = view.examples();
    if !examples.none_of.is_empty() {
        let types = examples.none_of.join(", ");
        tracing::warn!(
            view = view.name(),
            types,
            "no events of these types can be made up: a change of how they are folded goes unnoticed"
        );
    }
    let fingerprint = Rows::fold(view, &examples.events);
    if fingerprint.is_none() || fingerprint != Rows::fold(view, &examples.events) {
        tracing::warn!(
            view = view.name(),
            "made-up events tell nothing of the fold: a change of it goes unnoticed"
        );
        return None;
    }
    fingerprint
}

struct Rows<'a> {
    view: &'a AnyView,
    rows: BTreeMap<RowKey, (AnyRow, Vec<Link>)>,
    trace: FoldTrace,
    /// Whether there ever was a row.
    any: bool,
}

impl<'a> Rows<'a> {
    fn fold(view: &'a AnyView, events: &[AnyEvent]) -> Option<FoldFingerprint> {
        let mut rows = Self { view, rows: BTreeMap::new(), trace: FoldTrace::new(), any: false };
        events.iter().for_each(|event| rows.apply(event));
        rows.any.then(|| rows.trace.finish())
    }

    fn apply(&mut self, event: &AnyEvent) {
        let keys = match Touched::by(self.view, event, &Parked::default()) {
            Touched::Rows(Keys::None) | Touched::Parked => return,
            Touched::Rows(Keys::These(keys)) => keys,
            Touched::Rows(Keys::Linked(link)) => {
                let linked = self.rows.iter().filter(|(_, (_, links))| links.contains(&link));
                linked.map(|(key, _)| key.clone()).collect()
            }
            Touched::Unknown => return self.trace.text("unknown keys"),
        };
        for key in keys {
            let before = self.rows.remove(&key);
            let row = before.as_ref().map(|(row, _)| row.clone());
            self.trace.text(key.as_str());
            match evolved(self.view, &key, row, event) {
                Ok((Some(row), links)) => {
                    self.any = true;
                    match self.view.value(&row) {
                        Ok(value) => self.trace.json(&value),
                        Err(_) => self.trace.text("no JSON"),
                    }
                    links.iter().for_each(|link| self.trace.text(link.as_str()));
                    self.rows.insert(key, (row, links));
                }
                Ok((None, _)) => self.trace.text("no row"),
                Err(_) => {
                    self.trace.text("refused");
                    self.rows.extend(before.map(|before| (key, before)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
