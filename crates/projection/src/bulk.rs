//! A lane's rows folded in memory over many batches, and written once in a while.
//!
//! Rows stay in memory from one write to the next. As long as all that the store has of the lane came from here and is
//! still here, nothing is read from the store at all.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kernel::Keys;
use messaging::IncomingRecord;
use read_store::{Advance, Checkpoint, Letter, Lookup, Many, RowAddress, RowStore, StoreError};

use crate::apply::Applying;
use crate::fold::{Fold, LeftOut, OnFailure, Touched};
use crate::parked::letter;
use crate::room::{Room, Share};
use crate::view::{AnyEvent, AnyView};

/// Rows that are loaded in one go.
const LOADED_AT_ONCE: usize = 5_000;
/// Rows that one link may bring into memory. An event that touches more is applied by itself, a page at a time.
const ROWS_OF_A_LINK: usize = 20_000;
/// Letters that are held back from the store.
const LETTERS: usize = 500;
/// What a row takes in memory beside what it says, roughly.
const ROW_OVERHEAD: usize = 400;

/// What is folded and not yet written.
pub(crate) struct Bulk {
    fold: Fold,
    /// The fold has every row of the lane that the store has.
    is_whole: bool,
    letters: Vec<Letter>,
    /// Up to where events are folded.
    pub(crate) at: Checkpoint,
    written: Instant,
    every: Duration,
    /// Bytes of memory, roughly.
    weight: usize,
    share: Share,
}

/// A record and its event, and where the lane is once it was folded.
pub(crate) type Following<'a> = (&'a IncomingRecord, &'a AnyEvent, Checkpoint);

/// How far events were folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// All of them.
    All,
    /// Those before this place; the one there has to be applied by itself.
    Before(usize),
    /// The event at this place cannot be folded, and what was folded is good for nothing.
    Spoilt(usize),
}

impl Bulk {
    /// Nothing yet, behind what the store has.
    pub(crate) fn new(view: AnyView, at: Checkpoint, room: &Room, every: Duration) -> Self {
        Self {
            fold: Fold::new(view, OnFailure::Stop),
            is_whole: at == Checkpoint::ZERO,
            letters: Vec::new(),
            at,
            written: Instant::now(),
            every,
            weight: 0,
            share: room.enter(),
        }
    }

    /// Whether it is time to write.
    pub(crate) fn is_due(&self) -> bool {
        self.letters.len() >= LETTERS || self.share.is_too_much() || self.written.elapsed() >= self.every
    }

    fn weigh(&mut self, weight: usize) {
        self.weight = weight;
        self.share.set(weight);
    }
}

impl<S: RowStore> Applying<S> {
    /// Folds events in memory, which follow where `bulk` is.
    pub(crate) async fn fold_in(
        &mut self,
        bulk: &mut Bulk,
        events: &[Following<'_>],
    ) -> Result<Taken, StoreError> {
        self.settle(events.iter().map(|(_, event, _)| event.tenant())).await?;
        let parked = self.take_parked().await?;
        let touched: Vec<Touched> =
            events.iter().map(|(_, event, _)| Touched::by(&self.view, event, &parked)).collect();
        let taken = match self.load_for(bulk, events, &touched).await {
            Ok(taken) => taken,
            Err(error) => {
                self.parked = Some(parked);
                return Err(error);
            }
        };
        let count = if let Taken::Before(place) = taken { place } else { events.len() };
        let (before, mut bytes) = (bulk.fold.len(), 0);
        let mut outcome = taken;
        for (place, ((record, event, after), touched)) in events[..count].iter().zip(&touched).enumerate() {
            if bulk.fold.apply(event, touched, &parked).is_err() {
                outcome = Taken::Spoilt(place);
                break;
            }
            bytes += record.value.as_ref().map_or(0, |value| value.len());
            for LeftOut { sequence, subject, failure } in bulk.fold.take_left_out() {
                bulk.letters.push(letter(self.lane, subject, sequence, failure, record, 0));
            }
            bulk.at = *after;
        }
        self.parked = Some(parked);
        let rows = bulk.fold.len() - before;
        bulk.weigh(bulk.weight + rows * ROW_OVERHEAD + bytes);
        Ok(outcome)
    }

    /// Takes in what these events ask for and the fold does not have.
    async fn load_for(
        &self,
        bulk: &mut Bulk,
        events: &[Following<'_>],
        touched: &[Touched],
    ) -> Result<Taken, StoreError> {
        if bulk.is_whole {
            return Ok(Taken::All);
        }
        let mut wanted = HashSet::new();
        let mut lookups: Vec<(usize, Lookup)> = Vec::new();
        for (place, ((_, event, _), touched)) in events.iter().zip(touched).enumerate() {
            match touched {
                Touched::Rows(Keys::These(keys)) => {
                    let at = |key: &kernel::RowKey| RowAddress {
                        tenant: event.tenant().clone(),
                        key: key.clone(),
                    };
                    wanted.extend(keys.iter().map(at).filter(|at| !bulk.fold.has(at)));
                }
                Touched::Rows(Keys::Linked(link)) => {
                    let lookup = Lookup { tenant: event.tenant().clone(), link: link.clone() };
                    if lookups.iter().all(|(_, other)| *other != lookup) {
                        lookups.push((place, lookup));
                    }
                }
                Touched::Rows(Keys::None) | Touched::Parked | Touched::Unknown => {}
            }
        }
        for (place, lookup) in lookups {
            let found = self.store.linked(self.lane, std::slice::from_ref(&lookup), ROWS_OF_A_LINK).await?;
            for rows in found {
                if rows.len() >= ROWS_OF_A_LINK {
                    return Ok(Taken::Before(place));
                }
                bulk.weight += rows.iter().map(|row| ROW_OVERHEAD + 2 * row.body.len()).sum::<usize>();
                bulk.fold.take_in(rows, Some(&lookup.link));
            }
        }
        let wanted: Vec<RowAddress> = wanted.into_iter().collect();
        for wanted in wanted.chunks(LOADED_AT_ONCE) {
            let rows = self.store.load(self.lane, wanted).await?;
            bulk.weight += rows.iter().map(|row| 2 * row.body.len()).sum::<usize>();
            bulk.fold.take_in(rows, None);
        }
        Ok(Taken::All)
    }

    /// Writes what was folded since `from`, which is where the store is.
    pub(crate) async fn write_bulk(&self, bulk: &mut Bulk, from: Checkpoint) -> Result<(), StoreError> {
        let (new, known) = bulk.fold.changed();
        let (rows, bytes) = (new.len() + known.len(), AtomicUsize::new(0));
        let fold = &bulk.fold;
        let change = |at: &RowAddress| {
            let change = fold.change(at)?;
            if let Ok(change) = &change {
                let length = change.body.as_ref().map_or(0, String::len);
                bytes.fetch_add(length, Ordering::Relaxed);
            }
            Some(change)
        };
        let rows_of =
            Many { new: new.into_iter().filter_map(change), known: known.into_iter().filter_map(change) };
        let advance = Advance { from, to: bulk.at };
        let was_too_much = bulk.share.is_too_much();
        self.store.write_many(self.lane, &advance, rows_of, &bulk.letters).await?;
        bulk.fold.written();
        bulk.letters.clear();
        bulk.written = Instant::now();
        // Rows that were not written now are taken to be as long as those that were.
        let each = ROW_OVERHEAD + 2 * bytes.into_inner() / rows.max(1);
        let weight = bulk.fold.len() * each;
        bulk.weigh(if rows == 0 { bulk.weight } else { weight });
        if was_too_much && bulk.share.is_large() {
            bulk.fold.clear();
            bulk.is_whole = false;
            bulk.weigh(0);
        }
        Ok(())
    }
}
