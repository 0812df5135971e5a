//! Events that follow, into the rows: tried until the store has them, or until they are parked.

use std::time::Instant;

use read_store::{Checkpoint, RowStore, StoreError};
use service_runtime::Backoff;

use super::{End, LaneTask, Place};
use crate::apply::{Interrupted, Trouble};
use crate::intake::Next;
use crate::parking::Parking;
use crate::standing::Part;
use crate::stop::{RecordAt, Stop};
use crate::view::AnyEvent;

impl<S: RowStore> LaneTask<S> {
    /// Applies the events, waiting for the store as long as it takes.
    pub(super) async fn apply(&mut self, place: &mut Place, events: &[Next]) -> Result<(), End> {
        let mut rest = events;
        let mut backoff = Backoff::default();
        while let Some(last) = rest.last() {
            let started = Instant::now();
            let outcome = self.applying.apply(place.checkpoint, rest).await;
            let applied = outcome.as_ref().map_or_else(|interrupted| interrupted.applied, |()| rest.len());
            if applied > 0 {
                let written = &rest[applied - 1];
                place.moved_to(written.after);
                self.tried();
                self.tell_applied(&rest[..applied], started);
                self.hear(rest[..applied].iter().map(|next| (&next.event, next.after)));
                self.meters.written(applied, started.elapsed(), written.event.recorded_at());
            }
            rest = &rest[applied..];
            let Err(Interrupted { why, .. }) = outcome else {
                debug_assert_eq!(place.checkpoint, last.after, "everything was applied");
                break;
            };
            rest = match (why, rest) {
                (Trouble::Store(why), _) => self.recover(place, rest, why, &mut backoff).await?,
                (Trouble::Event(_), []) => rest,
                (Trouble::Event(failure), [next, others @ ..]) => {
                    match self.after_failure(place, next, failure).await? {
                        Parking::TryAgain => rest,
                        Parking::Parked => {
                            self.hear(std::iter::once((&next.event, next.after)));
                            others
                        }
                        Parking::StoreFailed(why) => self.recover(place, rest, why, &mut backoff).await?,
                    }
                }
            };
        }
        self.meters.parked(self.applying.parked_subjects());
        Ok(())
    }

    /// After a write that failed, or whose answer was lost: what is still to be applied, once the store answers.
    async fn recover<'a>(
        &mut self,
        place: &mut Place,
        rest: &'a [Next],
        why: StoreError,
        backoff: &mut Backoff,
    ) -> Result<&'a [Next], End> {
        if why.is_retryable() && !self.wait_for_store(&why, backoff).await {
            return Err(End::Cancelled);
        }
        let found = loop {
            match self.store.checkpoint(self.lane).await {
                Ok(Some(found)) => break found,
                Ok(None) | Err(StoreError::Emptied(_)) => return Err(End::Emptied),
                Err(error) if !self.wait_for_store(&error, backoff).await => return Err(End::Cancelled),
                Err(_) => {}
            }
        };
        self.standing.fine(Part::Store(self.lane));
        if found != place.checkpoint {
            // It was written after all, or somebody else wrote the same: the rows are the same fold.
            let written = rest.iter().position(|next| next.after == found).ok_or(End::Moved)?;
            place.moved_to(found);
            self.hear(rest[..=written].iter().map(|next| (&next.event, next.after)));
            return Ok(&rest[written + 1..]);
        }
        match why {
            StoreError::Unavailable(_) | StoreError::Misconfigured(_) => Ok(rest),
            StoreError::Moved => Err(End::Moved),
            StoreError::Emptied(_) => Err(End::Emptied),
            StoreError::Refused(_) | StoreError::Corrupt(_) | StoreError::Unfoldable(_) => {
                let at = rest.first().map_or(RecordAt::Offset(place.checkpoint.offset), |next| next.at);
                Err(End::Stop(Stop::Inapplicable { at, why: why.to_string() }))
            }
        }
    }

    /// Tells the check, where there is one, which events the rows have, in their order.
    pub(super) fn hear<'e>(&mut self, events: impl Iterator<Item = (&'e AnyEvent, Checkpoint)>) {
        if let Some(check) = &mut self.check {
            events.for_each(|(event, after)| check.alongside.hear(event, after));
        }
    }
}
