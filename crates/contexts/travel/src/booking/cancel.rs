use kernel::{Command, Decision, Facts, Reads, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::rooms::{ROOM_NIGHTS, Rooms};
use super::{Booking, BookingCancelled, BookingRejection, BookingState};
use crate::Group;
use crate::group::travellers;

/// Gives a booked room back. What was paid for it counts until it is refunded.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelBooking {
    /// The group.
    pub group_id: Uuid,
    /// The booking.
    pub booking_id: Uuid,
}

impl Command for CancelBooking {
    const NAME: &'static str = "cancel-booking";
    type Decider = Booking;
    type Rejection = BookingRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.booking_id)
    }

    fn owner(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, _: Uuid, _: &BookingState) -> Reads {
        Reads::of::<Group>(self.group_id)
    }

    fn decide(&self, state: &BookingState, facts: &Facts) -> Verdict<Self> {
        travellers(facts, self.group_id)?;
        let stay = match state {
            BookingState::Unknown => return Err(BookingRejection::UnknownBooking),
            BookingState::Cancelled(_) => return Err(BookingRejection::AlreadyCancelled),
            BookingState::Booked(stay) => stay,
        };
        let rooms = Rooms { hotel_id: stay.hotel_id, room_type: &stay.room_type };
        let cancelled = Decision::record(BookingCancelled {
            group_id: self.group_id,
            booking_id: self.booking_id,
            hotel_id: stay.hotel_id,
            room_type: stay.room_type.clone(),
            nights: stay.nights,
        });
        Ok(stay.nights.each().zip(&stay.rooms).fold(cancelled, |cancelled, (night, room)| {
            cancelled.release(ROOM_NIGHTS, rooms.claim(night, *room))
        }))
    }
}
