//! A batch of events folded in memory over the rows that it touches.

use std::collections::HashMap;

use kernel::{Keys, Link, Recorded, RowKey, Sequence, TenantId, Unfoldable, View};
use read_store::{RowAddress, RowChange, StoreError, StoredRow};

/// The touched rows as they are at some point of a batch.
///
/// Invariant: whatever an event of the batch asks for by key or by link was taken in before it is applied.
pub(crate) struct Fold<V: View>(HashMap<RowAddress, Slot<V::Row>>);

struct Slot<Row> {
    row: Option<Row>,
    stamp: Sequence,
    links: Vec<Link>,
    /// As the store has it.
    before: Option<Vec<Link>>,
    changed: bool,
}

impl<Row> Default for Slot<Row> {
    fn default() -> Self {
        Self { row: None, stamp: Sequence::ZERO, links: Vec::new(), before: None, changed: false }
    }
}

impl<V: View> Default for Fold<V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<V: View> Fold<V> {
    /// Takes rows in as the store has them; one that is here already stays.
    pub(crate) fn take_in(&mut self, rows: Vec<StoredRow>) -> Result<(), StoreError> {
        for stored in rows {
            if self.0.contains_key(&stored.at) {
                continue;
            }
            let row: V::Row = serde_json::from_str(&stored.body).map_err(|error| {
                // Only the place: the text may quote the row.
                let (line, column) = (error.line(), error.column());
                StoreError::Corrupt(format!("a row of {} does not read, at {line}:{column}", V::NAME))
            })?;
            let links = V::links(&row);
            let before = Some(links.clone());
            let slot = Slot { row: Some(row), stamp: stored.stamp, links, before, changed: false };
            self.0.insert(stored.at, slot);
        }
        Ok(())
    }

    /// Folds one event into each row that it names. After an error the whole fold is good for nothing.
    pub(crate) fn apply(&mut self, event: &Recorded<V::Event>, keys: &Keys) -> Result<(), Unfoldable> {
        match keys {
            Keys::None => Ok(()),
            Keys::These(keys) => keys.iter().try_for_each(|key| self.apply_to(key, event)),
            Keys::Linked(link) => {
                let linked = self.linked(&event.tenant, link);
                linked.iter().try_for_each(|key| self.apply_to(key, event))
            }
        }
    }

    /// The rows that have the link now, those that got it earlier in the batch included.
    fn linked(&self, tenant: &TenantId, link: &Link) -> Vec<RowKey> {
        let has = |slot: &Slot<V::Row>| slot.row.is_some() && slot.links.contains(link);
        self.0
            .iter()
            .filter(|(at, slot)| at.tenant == *tenant && has(slot))
            .map(|(at, _)| at.key.clone())
            .collect()
    }

    fn apply_to(&mut self, key: &RowKey, event: &Recorded<V::Event>) -> Result<(), Unfoldable> {
        let at = RowAddress { tenant: event.tenant.clone(), key: key.clone() };
        let slot = self.0.entry(at).or_default();
        // The event is in the row: it came twice, or names the key twice.
        if slot.stamp >= event.sequence {
            return Ok(());
        }
        slot.row = V::evolve(key, slot.row.take(), event)?;
        slot.links = slot.row.as_ref().map(V::links).unwrap_or_default();
        slot.stamp = event.sequence;
        slot.changed = true;
        Ok(())
    }

    /// What is to be written.
    pub(crate) fn into_changes(self) -> Result<Vec<RowChange>, StoreError> {
        let mut changes = Vec::with_capacity(self.0.len());
        for (at, slot) in self.0 {
            // A row that neither was nor is there is no change.
            if !slot.changed || (slot.row.is_none() && slot.before.is_none()) {
                continue;
            }
            let body = slot.row.as_ref().map(serde_json::to_string).transpose();
            let body = body.map_err(|error| StoreError::Unfoldable(format!("a row has no JSON: {error}")))?;
            let links_before = slot.before.unwrap_or_default();
            changes.push(RowChange { at, stamp: slot.stamp, body, links: slot.links, links_before });
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests;
