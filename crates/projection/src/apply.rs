//! Events of a lane, applied to its store: as many at once as belong together, and in order.

use std::collections::HashSet;
use std::slice;

use kernel::{Keys, Lane, TenantId};
use read_store::{Advance, Checkpoint, Folded, Letter, Lookup, Reason, RowAddress, RowStore, StoreError};

use crate::fold::{Fold, LeftOut, OnFailure, Touched};
use crate::intake::Next;
use crate::parked::{Failure, PARKED_MOST, Parked, letter};
use crate::view::{AnyEvent, AnyView};

/// Links that are looked up for one write.
const LINKS_AT_ONCE: usize = 16;
/// Rows that one link may bring into memory; an event that touches more is applied a page at a time.
const ROWS_OF_A_LINK: usize = 256;
/// Tenants remembered as settled, per lane. Beyond it they are settled again, which changes nothing.
const TENANTS_REMEMBERED: usize = 10_000;

/// Applies events to one lane of a store.
pub(crate) struct Applying<S> {
    pub(crate) view: AnyView,
    pub(crate) store: S,
    pub(crate) lane: Lane,
    settled: HashSet<TenantId>,
    /// What is parked; none where that is to be read from the store first.
    pub(crate) parked: Option<Parked>,
}

/// Applying went so far and no further.
#[derive(Debug)]
pub(crate) struct Interrupted {
    /// How many of the events are in the rows; the event after them is the one that did not get in.
    pub(crate) applied: usize,
    /// Why the next did not get in.
    pub(crate) why: Trouble,
}

/// Why events were not applied.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The store did not take them.
    Store(StoreError),
    /// The first of them cannot be.
    Event(Failure),
}

/// Why some events were not applied together.
enum Failed {
    Store(StoreError),
    /// The one at this place is to blame.
    At(usize, Failure),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How events are applied.
#[derive(Debug, Clone, Copy)]
struct How {
    on_failure: OnFailure,
    /// How often they were tried before.
    attempts: u32,
}

impl<S: RowStore> Applying<S> {
    pub(crate) fn new(view: AnyView, store: S, lane: Lane) -> Self {
        Self { view, store, lane, settled: HashSet::new(), parked: None }
    }

    /// Reads again what this knows of the lane: the store may have lost it, or another have changed it.
    pub(crate) fn forget(&mut self) {
        self.settled.clear();
        self.parked = None;
    }

    /// How many rows and streams are parked, asked of the store where it is not known.
    pub(crate) async fn parked(&mut self) -> Result<usize, StoreError> {
        let parked = self.take_parked().await?;
        let count = parked.len();
        self.parked = Some(parked);
        Ok(count)
    }

    /// Whether the row is parked by itself, as far as it is known.
    pub(crate) fn has_row(&self, at: &RowAddress) -> bool {
        self.parked.as_ref().is_some_and(|parked| parked.has_row(at))
    }

    /// How many rows and streams are parked, as far as it is known.
    pub(crate) fn parked_subjects(&self) -> usize {
        self.parked.as_ref().map_or(0, Parked::len)
    }

    /// Applies the events, which follow `from`, all or up to the one that cannot be: a store's refusal is traced
    /// to the very event by writing fewer and fewer at once.
    pub(crate) async fn apply(&mut self, from: Checkpoint, events: &[Next]) -> Result<(), Interrupted> {
        let mut applied = 0;
        let mut most = usize::MAX;
        let mut from = from;
        let how = How { on_failure: OnFailure::Stop, attempts: 0 };
        while applied < events.len() {
            let rest = &events[applied..];
            let some = &rest[..rest.len().min(most)];
            match self.apply_some(from, some, how).await {
                Ok(count) => {
                    applied += count;
                    from = events[applied - 1].after;
                }
                Err(Failed::At(0, failure)) => {
                    return Err(Interrupted { applied, why: Trouble::Event(failure) });
                }
                // What comes before it goes first.
                Err(Failed::At(place, _)) => most = place,
                Err(Failed::Store(why)) if !traceable(&why) => {
                    return Err(Interrupted { applied, why: Trouble::Store(why) });
                }
                Err(Failed::Store(why)) if some.len() == 1 => {
                    let failure = Failure::new(Reason::Refused, why.to_string());
                    return Err(Interrupted { applied, why: Trouble::Event(failure) });
                }
                Err(Failed::Store(_)) => most = some.len() / 2,
            }
        }
        Ok(())
    }

    /// Applies an event that some of its rows cannot take in, which are parked.
    pub(crate) async fn park(
        &mut self,
        from: Checkpoint,
        next: &Next,
        failure: &Failure,
        attempts: u32,
    ) -> Result<(), StoreError> {
        let refused = failure.reason == Reason::Refused;
        let on_failure = if refused { OnFailure::ParkAll } else { OnFailure::Park };
        match self.apply_some(from, slice::from_ref(next), How { on_failure, attempts }).await {
            Ok(_) => Ok(()),
            Err(Failed::Store(error)) => Err(error),
            Err(Failed::At(_, failure)) => Err(StoreError::Unfoldable(failure.why)),
        }
    }

    /// Goes on past a record whose rows are not known, with a letter in their stead.
    pub(crate) async fn pass_over(&mut self, advance: &Advance, letter: Letter) -> Result<(), StoreError> {
        let parked = self.take_parked().await?;
        if let Some(tenant) = letter.subject.tenant() {
            self.settle(slice::from_ref(tenant).iter()).await?;
        }
        self.write(parked, advance, &Folded { changes: Vec::new(), letters: vec![letter] }).await
    }

    /// Whether so much is parked that nothing more may be.
    pub(crate) fn is_full(&self) -> bool {
        self.parked_subjects() >= PARKED_MOST
    }

    /// To be put back once what it says is true again.
    pub(crate) async fn take_parked(&mut self) -> Result<Parked, StoreError> {
        match self.parked.take() {
            Some(parked) => Ok(parked),
            None => {
                let found = self.store.parked(self.lane, usize::MAX).await?;
                Ok(found.into_iter().map(|(subject, _)| subject).collect())
            }
        }
    }

    /// The bug: the checkpoint is written by itself, before the rows that it stands for.
    #[cfg(feature = "seeded-bugs")]
    async fn checkpoint_first(&self, advance: Advance) -> Result<Advance, StoreError> {
        if !crate::seeded_bugs::has("checkpoint-before-rows") {
            return Ok(advance);
        }
        self.store.write(self.lane, &advance, &[], &[]).await?;
        Ok(Advance { from: advance.to, to: advance.to })
    }

    async fn write(
        &mut self,
        mut parked: Parked,
        advance: &Advance,
        folded: &Folded,
    ) -> Result<(), StoreError> {
        #[cfg(feature = "seeded-bugs")]
        let advance = &self.checkpoint_first(*advance).await?;
        let written = self.store.write(self.lane, advance, &folded.changes, &folded.letters).await;
        // Where the letters may have been written all the same, what is parked is read again.
        if written.is_ok() {
            folded.letters.iter().for_each(|letter| parked.add(letter.subject.clone()));
        }
        if written.is_ok() || folded.letters.is_empty() {
            self.parked = Some(parked);
        }
        written
    }

    /// Applies as many of the events as can share a write, at least one, and says how many.
    async fn apply_some(&mut self, from: Checkpoint, events: &[Next], how: How) -> Result<usize, Failed> {
        self.settle(events.iter().map(|next| next.event.tenant())).await?;
        let parked = self.take_parked().await?;
        let mut plan = Plan::of(&self.view, events, &parked);
        let mut fold = Fold::new(self.view.clone(), how.on_failure);
        let loaded = self.load(&mut plan, &mut fold).await;
        let folded = match loaded {
            Ok(None) => folded(fold, events, &plan.touched, &parked, self.lane, how),
            Ok(Some(lookup)) => {
                self.apply_large(parked, from, &events[0], &lookup, how).await?;
                return Ok(1);
            }
            Err(error) => Err(error.into()),
        };
        let count = plan.touched.len();
        match folded {
            Ok(folded) => {
                let advance = Advance { from, to: events[count - 1].after };
                self.write(parked, &advance, &folded).await?;
                Ok(count)
            }
            Err(failed) => {
                self.parked = Some(parked);
                Err(failed)
            }
        }
    }

    /// Takes the rows that are asked for into the fold; or says which link brings the first event too many.
    async fn load(&self, plan: &mut Plan<'_>, fold: &mut Fold) -> Result<Option<Lookup>, StoreError> {
        if !plan.lookups.is_empty() {
            let found = self.store.linked(self.lane, &plan.lookups, ROWS_OF_A_LINK).await?;
            if let Some(large) = found.iter().position(|rows| rows.len() >= ROWS_OF_A_LINK) {
                if plan.is_lookup(0, large) {
                    return Ok(Some(plan.lookups[large].clone()));
                }
                plan.end_before(large);
            }
            for (rows, lookup) in found.into_iter().zip(&plan.lookups) {
                fold.take_in(rows, Some(&lookup.link));
            }
        }
        let wanted = plan.addresses();
        if !wanted.is_empty() {
            fold.take_in(self.store.load(self.lane, &wanted).await?, None);
        }
        Ok(None)
    }

    async fn apply_large(
        &mut self,
        mut parked: Parked,
        from: Checkpoint,
        next: &Next,
        lookup: &Lookup,
        how: How,
    ) -> Result<(), Failed> {
        let advance = Advance { from, to: next.after };
        let touched = [Touched::Rows(Keys::Linked(lookup.link.clone()))];
        let (mut failure, mut subjects) = (None, Vec::new());
        let page = |rows| {
            let mut fold = Fold::new(self.view.clone(), how.on_failure);
            fold.take_in(rows, Some(&lookup.link));
            match folded(fold, slice::from_ref(next), &touched, &parked, self.lane, how) {
                Ok(folded) => {
                    subjects.extend(folded.letters.iter().map(|letter| letter.subject.clone()));
                    Ok(folded)
                }
                Err(Failed::Store(error)) => Err(error),
                Err(Failed::At(_, failed)) => {
                    let why = failed.why.clone();
                    failure = Some(failed);
                    Err(StoreError::Unfoldable(why))
                }
            }
        };
        let written = self.store.write_linked(self.lane, &advance, lookup, page).await;
        if written.is_ok() || subjects.is_empty() {
            subjects.into_iter().for_each(|subject| parked.add(subject));
            self.parked = Some(parked);
        }
        match (written, failure) {
            (Err(_), Some(failure)) => Err(Failed::At(0, failure)),
            (written, _) => Ok(written?),
        }
    }

    /// Before any of a tenant's rows, so that whoever sees a row also finds its lane.
    pub(crate) async fn settle<'t>(
        &mut self,
        tenants: impl Iterator<Item = &'t TenantId>,
    ) -> Result<(), StoreError> {
        let mut new: Vec<TenantId> = Vec::new();
        for tenant in tenants {
            if !self.settled.contains(tenant) && !new.contains(tenant) {
                new.push(tenant.clone());
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

/// Folds the events of which it is known what they touch.
fn folded(
    mut fold: Fold,
    events: &[Next],
    touched: &[Touched],
    parked: &Parked,
    lane: Lane,
    how: How,
) -> Result<Folded, Failed> {
    for (place, (next, touched)) in events.iter().zip(touched).enumerate() {
        fold.apply(&next.event, touched, parked).map_err(|failure| Failed::At(place, failure))?;
    }
    let place_of = |sequence| events.iter().position(|next| next.event.sequence() == sequence).unwrap_or(0);
    let outcome =
        fold.into_outcome().map_err(|(sequence, failure)| Failed::At(place_of(sequence), failure))?;
    let letters = outcome.left_out.into_iter().map(|LeftOut { sequence, subject, failure }| {
        letter(lane, subject, sequence, failure, &events[place_of(sequence)].record, how.attempts)
    });
    Ok(Folded { changes: outcome.changes, letters: letters.collect() })
}

/// Whether one event can be to blame.
pub(crate) fn traceable(error: &StoreError) -> bool {
    match error {
        StoreError::Refused(_) | StoreError::Unfoldable(_) | StoreError::Corrupt(_) => true,
        StoreError::Unavailable(_)
        | StoreError::Moved
        | StoreError::Emptied(_)
        | StoreError::Misconfigured(_) => false,
    }
}

/// What a run of events asks for.
struct Plan<'a> {
    events: Vec<&'a AnyEvent>,
    touched: Vec<Touched>,
    lookups: Vec<Lookup>,
}

impl<'a> Plan<'a> {
    fn of(view: &AnyView, events: &'a [Next], parked: &Parked) -> Self {
        let mut plan = Self { events: Vec::new(), touched: Vec::new(), lookups: Vec::new() };
        for Next { event, .. } in events {
            let touched = Touched::by(view, event, parked);
            if let Touched::Rows(Keys::Linked(link)) = &touched {
                let lookup = Lookup { tenant: event.tenant().clone(), link: link.clone() };
                if !plan.lookups.contains(&lookup) {
                    if plan.lookups.len() == LINKS_AT_ONCE {
                        break;
                    }
                    plan.lookups.push(lookup);
                }
            }
            plan.events.push(event);
            plan.touched.push(touched);
        }
        plan
    }

    fn is_lookup(&self, event: usize, lookup: usize) -> bool {
        let wanted = &self.lookups[lookup];
        matches!(&self.touched[event], Touched::Rows(Keys::Linked(link)) if *link == wanted.link)
            && *self.events[event].tenant() == wanted.tenant
    }

    /// Leaves out the first event that asks for this link, and all after it.
    fn end_before(&mut self, lookup: usize) {
        let end = (0..self.touched.len()).find(|event| self.is_lookup(*event, lookup));
        self.touched.truncate(end.unwrap_or(self.touched.len()));
    }

    fn addresses(&self) -> Vec<RowAddress> {
        let mut wanted = HashSet::new();
        for (event, touched) in self.events.iter().zip(&self.touched) {
            if let Touched::Rows(Keys::These(keys)) = touched {
                wanted.extend(
                    keys.iter().map(|key| RowAddress { tenant: event.tenant().clone(), key: key.clone() }),
                );
            }
        }
        wanted.into_iter().collect()
    }
}
