//! A batch of events folded in memory over the rows that it touches.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use kernel::{Keys, Link, RowKey, Sequence, TenantId};
use read_store::{Reason, RowAddress, RowChange, StoreError, StoredRow, Subject};

use crate::parked::{Failure, Parked};
use crate::view::{AnyEvent, AnyRow, AnyView};

/// Which rows an event touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touched {
    /// Those that the view names.
    Rows(Keys),
    /// None for now: its stream is parked.
    Parked,
    /// It cannot be known: the view panics on it.
    Unknown,
}

impl Touched {
    pub(crate) fn by(view: &AnyView, event: &AnyEvent, parked: &Parked) -> Self {
        if parked.has_stream_of(event) {
            return Self::Parked;
        }
        catch_unwind(AssertUnwindSafe(|| view.keys(event))).map_or(Self::Unknown, Self::Rows)
    }
}

/// What is done with an event that a row cannot take in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// The fold ends there.
    Stop,
    /// The row is left as it is, and the event is a letter of it.
    Park,
    /// As [`OnFailure::Park`], and every row that it changes is one that the store refuses.
    ParkAll,
}

/// An event that did not get into something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// The event.
    pub(crate) sequence: Sequence,
    /// What it did not get into.
    pub(crate) subject: Subject,
    /// Why.
    pub(crate) failure: Failure,
}

/// What a fold came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) changes: Vec<RowChange>,
    pub(crate) left_out: Vec<LeftOut>,
}

/// The touched rows as they are at some point of a batch.
///
/// Invariant: whatever an event of the batch asks for by key or by link was taken in before it is applied.
pub(crate) struct Fold {
    view: AnyView,
    slots: HashMap<RowAddress, Slot>,
    /// Which rows have a link: those of `slots`.
    linked: HashMap<(TenantId, Link), HashSet<RowKey>>,
    on_failure: OnFailure,
    left_out: Vec<LeftOut>,
}

#[derive(Default)]
struct Slot {
    row: Option<AnyRow>,
    stamp: Sequence,
    links: Vec<Link>,
    /// As the store has it.
    before: Option<Vec<Link>>,
    changed: bool,
    /// Why the store's row does not read.
    unreadable: Option<String>,
}

impl Slot {
    /// A row that neither was nor is there is no change.
    fn is_to_be_written(&self) -> bool {
        self.changed && (self.row.is_some() || self.before.is_some())
    }
}

impl Fold {
    pub(crate) fn new(view: AnyView, on_failure: OnFailure) -> Self {
        Self { view, slots: HashMap::new(), linked: HashMap::new(), on_failure, left_out: Vec::new() }
    }

    /// Takes rows in as the store has them; one that is here already stays. `found_by` is the link that they were
    /// looked up by.
    pub(crate) fn take_in(&mut self, rows: Vec<StoredRow>, found_by: Option<&Link>) {
        for stored in rows {
            if self.slots.contains_key(&stored.at) {
                continue;
            }
            let slot = match self.view.row(&stored.body) {
                Ok(row) => {
                    let links = self.view.links(&row);
                    let before = Some(links.clone());
                    Slot { row: Some(row), stamp: stored.stamp, links, before, ..Slot::default() }
                }
                Err(error) => {
                    // Only the place: the text may quote the row.
                    let (line, column) = (error.line(), error.column());
                    let why = format!("a row of {} does not read, at {line}:{column}", self.view.name());
                    let links: Vec<Link> = found_by.cloned().into_iter().collect();
                    Slot { stamp: stored.stamp, links, unreadable: Some(why), ..Slot::default() }
                }
            };
            for link in &slot.links {
                link_to(&mut self.linked, &stored.at, link);
            }
            self.slots.insert(stored.at, slot);
        }
    }

    /// Whether it is known what the store has there.
    pub(crate) fn has(&self, at: &RowAddress) -> bool {
        self.slots.contains_key(at)
    }

    /// How many rows, and absences of rows, are held.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        self.slots = HashMap::new();
        self.linked = HashMap::new();
    }

    /// What did not get into something since this was asked last.
    pub(crate) fn take_left_out(&mut self) -> Vec<LeftOut> {
        std::mem::take(&mut self.left_out)
    }

    /// Folds one event into each row that it touches, unless that is parked. After an error the whole fold is good for
    /// nothing.
    pub(crate) fn apply(
        &mut self,
        event: &AnyEvent,
        touched: &Touched,
        parked: &Parked,
    ) -> Result<(), Failure> {
        match touched {
            Touched::Rows(Keys::None) => Ok(()),
            Touched::Rows(Keys::These(keys)) => {
                keys.iter().try_for_each(|key| self.apply_to(key, event, parked))
            }
            Touched::Rows(Keys::Linked(link)) => {
                let linked = self.linked(event.tenant(), link);
                linked.iter().try_for_each(|key| self.apply_to(key, event, parked))
            }
            Touched::Parked => {
                self.leave_out(event.sequence(), stream_of(event), Failure::behind());
                Ok(())
            }
            Touched::Unknown => self.failed(event.sequence(), stream_of(event), Failure::panicked()),
        }
    }

    /// The rows that have the link now, those that got it earlier in the batch included.
    fn linked(&self, tenant: &TenantId, link: &Link) -> Vec<RowKey> {
        let found = self.linked.get(&(tenant.clone(), link.clone()));
        found.map(|keys| keys.iter().cloned().collect()).unwrap_or_default()
    }

    fn apply_to(&mut self, key: &RowKey, event: &AnyEvent, parked: &Parked) -> Result<(), Failure> {
        let at = RowAddress { tenant: event.tenant().clone(), key: key.clone() };
        #[cfg(feature = "seeded-bugs")]
        let parked =
            if crate::seeded_bugs::has("letter-without-successors") { &Parked::default() } else { parked };
        if parked.has_row(&at) {
            self.leave_out(event.sequence(), Subject::Row(at), Failure::behind());
            return Ok(());
        }
        let slot = match self.slots.get_mut(&at) {
            Some(slot) => slot,
            None => self.slots.entry(at.clone()).or_default(),
        };
        // The event is in the row: it came twice, or names the key twice.
        if slot.stamp >= event.sequence() {
            return Ok(());
        }
        if let Some(why) = &slot.unreadable {
            let failure = Failure::new(Reason::UnreadableRow, why.as_str());
            return self.failed(event.sequence(), Subject::Row(at), failure);
        }
        let row = slot.row.take();
        match evolved(&self.view, key, row, event) {
            Ok((row, links)) => {
                if links != slot.links {
                    for link in slot.links.iter().filter(|link| !links.contains(link)) {
                        unlink_from(&mut self.linked, &at, link);
                    }
                    for link in links.iter().filter(|link| !slot.links.contains(link)) {
                        link_to(&mut self.linked, &at, link);
                    }
                    slot.links = links;
                }
                slot.row = row;
                slot.stamp = event.sequence();
                slot.changed = true;
                Ok(())
            }
            Err(failure) => self.failed(event.sequence(), Subject::Row(at), failure),
        }
    }

    fn failed(&mut self, sequence: Sequence, subject: Subject, failure: Failure) -> Result<(), Failure> {
        if self.on_failure == OnFailure::Stop {
            return Err(failure);
        }
        if let Subject::Row(at) = &subject
            && let Some(slot) = self.slots.remove(at)
        {
            slot.links.iter().for_each(|link| unlink_from(&mut self.linked, at, link));
        }
        self.leave_out(sequence, subject, failure);
        Ok(())
    }

    fn leave_out(&mut self, sequence: Sequence, subject: Subject, failure: Failure) {
        self.left_out.push(LeftOut { sequence, subject, failure });
    }

    /// Where rows are to be written, in order: those that the store does not have, and those that it has.
    pub(crate) fn changed(&self) -> (Vec<&RowAddress>, Vec<&RowAddress>) {
        let changed = self.slots.iter().filter(|(_, slot)| slot.is_to_be_written());
        let (mut new, mut known): (Vec<_>, Vec<_>) = changed.partition(|(_, slot)| slot.before.is_none());
        new.sort_unstable_by_key(|(at, _)| *at);
        known.sort_unstable_by_key(|(at, _)| *at);
        let addresses = |slots: Vec<(_, _)>| slots.into_iter().map(|(at, _)| at).collect();
        (addresses(new), addresses(known))
    }

    /// The change of a row that is to be written.
    pub(crate) fn change(&self, at: &RowAddress) -> Option<Result<RowChange, StoreError>> {
        let slot = self.slots.get(at)?;
        let no_json = |error| StoreError::Unfoldable(format!("a row has no JSON: {error}"));
        let body = match slot.row.as_ref().map(|row| self.view.json(row)).transpose() {
            Ok(body) => body,
            Err(error) => return Some(Err(no_json(error))),
        };
        let links_before = slot.before.clone().unwrap_or_default();
        Some(Ok(RowChange {
            at: at.clone(),
            stamp: slot.stamp,
            body,
            links: slot.links.clone(),
            links_before,
        }))
    }

    /// Everything that was to be written is in the store.
    pub(crate) fn written(&mut self) {
        for slot in self.slots.values_mut().filter(|slot| slot.changed) {
            slot.changed = false;
            slot.before = slot.row.is_some().then(|| slot.links.clone());
        }
    }

    /// What is to be written; where a row cannot be, the event that made it so.
    pub(crate) fn into_outcome(self) -> Result<Outcome, (Sequence, Failure)> {
        let mut left_out = self.left_out;
        let mut changes = Vec::with_capacity(self.slots.len());
        for (at, slot) in self.slots {
            if !slot.is_to_be_written() {
                continue;
            }
            let sequence = slot.stamp;
            let body = match slot.row.as_ref().map(|row| self.view.json(row)).transpose() {
                Ok(_) if self.on_failure == OnFailure::ParkAll => {
                    let failure = Failure::new(Reason::Refused, "the store refused the event's rows");
                    left_out.push(LeftOut { sequence, subject: Subject::Row(at), failure });
                    continue;
                }
                Ok(body) => body,
                Err(error) => {
                    let failure = Failure::new(Reason::Unfoldable, format!("a row has no JSON: {error}"));
                    if self.on_failure == OnFailure::Stop {
                        return Err((sequence, failure));
                    }
                    left_out.push(LeftOut { sequence, subject: Subject::Row(at), failure });
                    continue;
                }
            };
            let links_before = slot.before.unwrap_or_default();
            changes.push(RowChange { at, stamp: sequence, body, links: slot.links, links_before });
        }
        Ok(Outcome { changes, left_out })
    }
}

fn link_to(linked: &mut HashMap<(TenantId, Link), HashSet<RowKey>>, at: &RowAddress, link: &Link) {
    linked.entry((at.tenant.clone(), link.clone())).or_default().insert(at.key.clone());
}

fn unlink_from(linked: &mut HashMap<(TenantId, Link), HashSet<RowKey>>, at: &RowAddress, link: &Link) {
    let place = (at.tenant.clone(), link.clone());
    if let Some(keys) = linked.get_mut(&place) {
        keys.remove(&at.key);
        if keys.is_empty() {
            linked.remove(&place);
        }
    }
}

fn stream_of(event: &AnyEvent) -> Subject {
    Subject::Stream { tenant: event.tenant().clone(), stream: event.stream().clone() }
}

/// The row after the event, and its links; a panic of the view is a failure of the event.
pub(crate) fn evolved(
    view: &AnyView,
    key: &RowKey,
    row: Option<AnyRow>,
    event: &AnyEvent,
) -> Result<(Option<AnyRow>, Vec<Link>), Failure> {
    let evolved = catch_unwind(AssertUnwindSafe(|| {
        let row = view.evolve(key, row, event)?;
        let links = row.as_ref().map(|row| view.links(row)).unwrap_or_default();
        Ok((row, links))
    }));
    match evolved {
        Ok(outcome) => {
            outcome.map_err(|error: kernel::Unfoldable| Failure::new(Reason::Unfoldable, error.reason))
        }
        Err(_) => Err(Failure::panicked()),
    }
}

#[cfg(test)]
mod tests;
