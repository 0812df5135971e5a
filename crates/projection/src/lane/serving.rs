//! Whether queries read the lane's rows, and what has to be so before they may.

use std::time::Duration;

use read_store::{RowStore, StoreError};

use super::{End, LaneTask, Place};
use crate::check::Checked;
use crate::standing::Part;
use crate::tending;

/// How often a lane looks whether it was found right.
const LOOK_AT_CHECK: Duration = Duration::from_millis(100);

impl<S: RowStore> LaneTask<S> {
    /// How long nothing may come before the lane looks around.
    pub(super) fn look_after(&self) -> Duration {
        if self.check.is_some() {
            return LOOK_AT_CHECK;
        }
        if self.applying.parked_subjects() > 0 {
            S::LOOK_EVERY.min(tending::LOOK_EVERY)
        } else {
            S::LOOK_EVERY
        }
    }

    /// While nothing comes: is the checkpoint still there, and does anything keep the lane from serving?
    pub(super) async fn look(&mut self, place: &mut Place) -> Result<(), End> {
        match self.store.begin(self.lane).await {
            Ok((found, _)) if found != place.checkpoint => Err(End::Moved),
            Ok((_, serving)) => {
                self.standing.fine(Part::Store(self.lane));
                place.serving = serving;
                self.meters.serving(serving);
                if place.reached && !serving { self.say_caught_up(place).await } else { Ok(()) }
            }
            Err(StoreError::Emptied(_)) => Err(End::Emptied),
            Err(error) => {
                self.standing.trouble(Part::Store(self.lane), error.to_string());
                Ok(())
            }
        }
    }

    pub(super) async fn say_caught_up(&mut self, place: &mut Place) -> Result<(), End> {
        if !self.is_right(place).await {
            return Ok(());
        }
        match self.store.caught_up(self.lane, &place.checkpoint).await {
            Ok(serving) => {
                place.serving = serving;
                self.meters.serving(serving);
                if serving {
                    let (view, lane) = (self.view, self.lane.number());
                    tracing::debug!(view, lane, sequence = %place.checkpoint.sequence, "a lane serves");
                }
                Ok(())
            }
            Err(StoreError::Moved) => Err(End::Moved),
            Err(StoreError::Emptied(_)) => Err(End::Emptied),
            // Said again with the next look.
            Err(_) => Ok(()),
        }
    }

    /// Whether the rows were checked, where they have to be. Found wrong, the build is given up.
    async fn is_right(&mut self, place: &Place) -> bool {
        let Some(check) = &mut self.check else { return true };
        match check.look(&place.checkpoint).await {
            Checked::NotYet => false,
            Checked::Right => {
                self.check = None;
                true
            }
            Checked::Wrong(why) => {
                tracing::error!(view = self.view, lane = self.lane.number(), why, "a build is given up");
                self.standing.trouble(Part::Lane(self.lane), why.clone());
                if let Err(error) = self.store.fail(&why).await {
                    tracing::warn!(view = self.view, %error, "that a build is given up is not noted yet");
                }
                false
            }
        }
    }
}
