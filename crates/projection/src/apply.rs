//! Events of a lane, applied to its store: as many at once as belong together, and in order.

use std::collections::HashSet;

use kernel::{EventSet, Keys, Lane, Recorded, TenantId, View};
use read_store::{Advance, Checkpoint, Folded, Lookup, RowAddress, RowStore, StoreError};

use crate::fold::Fold;
use crate::intake::Next;

/// Links that are looked up for one write.
const LINKS_AT_ONCE: usize = 16;
/// Rows that one link may bring into memory; an event that touches more is applied a page at a time.
const ROWS_OF_A_LINK: usize = 256;
/// Tenants remembered as settled, per lane. Beyond it they are settled again, which changes nothing.
const TENANTS_REMEMBERED: usize = 10_000;

/// Applies events to one lane of a store.
pub(crate) struct Applying<S> {
    store: S,
    lane: Lane,
    settled: HashSet<TenantId>,
}

/// Applying went so far and no further.
#[derive(Debug)]
pub(crate) struct Interrupted {
    /// How many of the events are in the rows; the event after them is the one that did not get in.
    pub(crate) applied: usize,
    /// Why the next did not get in.
    pub(crate) why: StoreError,
}

impl<S: RowStore> Applying<S> {
    pub(crate) fn new(store: S, lane: Lane) -> Self {
        Self { store, lane, settled: HashSet::new() }
    }

    /// Settles tenants again: the store may have lost where they live.
    pub(crate) fn forget_tenants(&mut self) {
        self.settled.clear();
    }

    /// Applies the events, which follow `from`, all or up to the one that cannot be: a store's refusal is traced
    /// to the very event by writing the events one by one.
    pub(crate) async fn apply<V: View>(
        &mut self,
        from: Checkpoint,
        events: &[Next<V::Event>],
    ) -> Result<(), Interrupted> {
        let mut applied = 0;
        let mut most = usize::MAX;
        let mut from = from;
        while applied < events.len() {
            let rest = &events[applied..];
            let some = &rest[..rest.len().min(most)];
            match self.apply_some::<V>(from, some).await {
                Ok(count) => {
                    applied += count;
                    from = events[applied - 1].after;
                }
                Err(why) if traceable(&why) && some.len() > 1 => most = 1,
                Err(why) => return Err(Interrupted { applied, why }),
            }
        }
        Ok(())
    }

    /// Applies as many of the events as can share a write, at least one, and says how many.
    async fn apply_some<V: View>(
        &mut self,
        from: Checkpoint,
        events: &[Next<V::Event>],
    ) -> Result<usize, StoreError> {
        self.settle(events).await?;
        let mut plan = Plan::of::<V>(events);
        let mut fold = Fold::<V>::default();
        if !plan.lookups.is_empty() {
            let found = self.store.linked(self.lane, &plan.lookups, ROWS_OF_A_LINK).await?;
            if let Some(large) = found.iter().position(|rows| rows.len() >= ROWS_OF_A_LINK) {
                if plan.is_lookup(0, large) {
                    self.apply_large::<V>(from, &events[0], &plan.lookups[large]).await?;
                    return Ok(1);
                }
                plan.end_before(large);
            }
            for rows in found {
                fold.take_in(rows)?;
            }
        }
        let wanted = plan.addresses();
        if !wanted.is_empty() {
            fold.take_in(self.store.load(self.lane, &wanted).await?)?;
        }
        for (next, keys) in events.iter().zip(&plan.keys) {
            fold.apply(&next.event, keys).map_err(|error| StoreError::Unfoldable(error.reason))?;
        }
        let count = plan.keys.len();
        let advance = Advance { from, to: events[count - 1].after };
        self.store.write(self.lane, &advance, &fold.into_changes()?, &[]).await?;
        Ok(count)
    }

    async fn apply_large<V: View>(
        &self,
        from: Checkpoint,
        next: &Next<V::Event>,
        lookup: &Lookup,
    ) -> Result<(), StoreError> {
        let advance = Advance { from, to: next.after };
        let event = &next.event;
        let page = |rows| {
            let mut fold = Fold::<V>::default();
            fold.take_in(rows)?;
            fold.apply(event, &Keys::Linked(lookup.link.clone()))
                .map_err(|error| StoreError::Unfoldable(error.reason))?;
            fold.into_changes().map(Folded::from)
        };
        self.store.write_linked(self.lane, &advance, lookup, page).await
    }

    /// Before any of a tenant's rows, so that whoever sees a row also finds its lane.
    async fn settle<E>(&mut self, events: &[Next<E>]) -> Result<(), StoreError> {
        let mut new: Vec<TenantId> = Vec::new();
        for Next { event, .. } in events {
            if !self.settled.contains(&event.tenant) && !new.contains(&event.tenant) {
                new.push(event.tenant.clone());
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        self.store.settle(self.lane, &new).await?;
        if self.settled.len() + new.len() > TENANTS_REMEMBERED {
            self.settled.clear();
        }
        self.settled.extend(new);
        Ok(())
    }
}

/// Whether one event can be to blame.
fn traceable(error: &StoreError) -> bool {
    match error {
        StoreError::Refused(_) | StoreError::Unfoldable(_) | StoreError::Corrupt(_) => true,
        StoreError::Unavailable(_)
        | StoreError::Moved
        | StoreError::Emptied(_)
        | StoreError::Misconfigured(_) => false,
    }
}

/// What a run of events asks for.
struct Plan<'a, E> {
    events: Vec<&'a Recorded<E>>,
    keys: Vec<Keys>,
    lookups: Vec<Lookup>,
}

impl<'a, E: EventSet> Plan<'a, E> {
    fn of<V: View<Event = E>>(events: &'a [Next<E>]) -> Self {
        let mut plan = Self { events: Vec::new(), keys: Vec::new(), lookups: Vec::new() };
        for Next { event, .. } in events {
            let keys = V::keys(event);
            if let Keys::Linked(link) = &keys {
                let lookup = Lookup { tenant: event.tenant.clone(), link: link.clone() };
                if !plan.lookups.contains(&lookup) {
                    if plan.lookups.len() == LINKS_AT_ONCE {
                        break;
                    }
                    plan.lookups.push(lookup);
                }
            }
            plan.events.push(event);
            plan.keys.push(keys);
        }
        plan
    }

    fn is_lookup(&self, event: usize, lookup: usize) -> bool {
        let wanted = &self.lookups[lookup];
        matches!(&self.keys[event], Keys::Linked(link) if *link == wanted.link)
            && self.events[event].tenant == wanted.tenant
    }

    /// Leaves out the first event that asks for this link, and all after it.
    fn end_before(&mut self, lookup: usize) {
        let end = (0..self.keys.len()).find(|event| self.is_lookup(*event, lookup));
        self.keys.truncate(end.unwrap_or(self.keys.len()));
    }

    fn addresses(&self) -> Vec<RowAddress> {
        let mut wanted = HashSet::new();
        for (event, keys) in self.events.iter().zip(&self.keys) {
            if let Keys::These(keys) = keys {
                wanted.extend(
                    keys.iter().map(|key| RowAddress { tenant: event.tenant.clone(), key: key.clone() }),
                );
            }
        }
        wanted.into_iter().collect()
    }
}
