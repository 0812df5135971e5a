use kernel::{Command, Decision, Facts, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Group, GroupRejection, GroupState, GroupTripWindowUpdated, TripWindow};
use crate::Booking;

/// Moves a trip, or makes it longer or shorter. What is booked must lie in the new days; what is only planned is
/// left where it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateGroupTripWindow {
    /// The group.
    pub group_id: Uuid,
    /// When it travels.
    pub trip_window: TripWindow,
}

impl Command for UpdateGroupTripWindow {
    const NAME: &'static str = "update-group-trip-window";
    type Decider = Group;
    type Rejection = GroupRejection;

    fn validate(&self, violations: &mut Violations) {
        self.trip_window.check(violations);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, group: Uuid, _: &GroupState) -> Reads {
        Reads::none().and_all::<Booking>(group)
    }

    fn decide(&self, state: &GroupState, facts: &Facts) -> Verdict<Self> {
        let window = self.trip_window;
        if state.travellers()?.window == window {
            return Ok(Decision::nothing());
        }
        let mut stays = facts.all::<Booking>(self.group_id).filter_map(|(_, booking)| booking.stay());
        if stays.any(|stay| !window.spans(stay.nights.from, stay.nights.to)) {
            return Err(GroupRejection::BookingsOutsideWindow);
        }
        Ok(Decision::record(GroupTripWindowUpdated { group_id: self.group_id, trip_window: window }))
    }
}
