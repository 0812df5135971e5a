//! A booking: a room of a hotel for some nights of a trip.

mod book;
mod cancel;
mod refund;
mod rooms;

pub use book::BookHotelRoom;
pub use cancel::CancelBooking;
pub use refund::RefundPayment;

use kernel::{Day, Decider, Money, Violations};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Part;
use crate::limits::NIGHTS_MOST;
use crate::split::equally;

/// The stream of one booking of a group.
#[derive(Debug, Clone, Copy)]
pub struct Booking;

kernel::events! {
    /// What can happen to a booking.
    pub enum BookingEvent in "schemas/travel" { HotelRoomBooked, BookingCancelled, PaymentRefunded }
}

/// Some nights: from the night of the first day to the morning of the last. One night where both are the same day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nights {
    /// The day of the first night.
    pub from: Day,
    /// The day of leaving; not before the first.
    pub to: Day,
}

impl Nights {
    /// The days that the nights begin on.
    pub fn each(&self) -> impl Iterator<Item = Day> + use<> {
        let from = self.from;
        (0..self.to.since(from).max(1)).map(move |night| from.plus(night))
    }

    fn check(&self, violations: &mut Violations) {
        violations.require(self.from <= self.to, "nights.to", "before-from");
        violations.require(self.to.since(self.from) <= NIGHTS_MOST, "nights.to", "too-long");
    }
}

/// A room was booked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HotelRoomBooked {
    /// The group.
    pub group_id: Uuid,
    /// The booking.
    pub booking_id: Uuid,
    /// Where.
    pub hotel_id: Uuid,
    /// What kind of room.
    pub room_type: String,
    /// When.
    pub nights: Nights,
    /// Which of the rooms of that kind, from 1, for each night.
    pub rooms: Vec<i64>,
    /// What was paid for it.
    pub price: Money,
    /// The budget that it belongs to.
    pub category: String,
    /// The member who paid it for the others; nobody where it was not paid by one of them.
    pub paid_by: Option<Uuid>,
    /// What of the price falls to whom; they sum to it, or are none where no member paid.
    pub parts: Vec<Part>,
}

/// A booking was given back; what was paid for it is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookingCancelled {
    /// The group.
    pub group_id: Uuid,
    /// The booking.
    pub booking_id: Uuid,
    /// Where.
    pub hotel_id: Uuid,
    /// What kind of room.
    pub room_type: String,
    /// When.
    pub nights: Nights,
}

/// Some of what was paid for a booking was given back to whoever paid it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentRefunded {
    /// The group.
    pub group_id: Uuid,
    /// The booking.
    pub booking_id: Uuid,
    /// How much.
    pub amount: Money,
    /// The budget that it belongs to.
    pub category: String,
    /// The member who had paid.
    pub paid_by: Option<Uuid>,
    /// How much less falls to whom; they sum to the amount, or are none where no member had paid.
    pub parts: Vec<Part>,
}

/// Where a booking stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum BookingState {
    /// There is none.
    #[default]
    Unknown,
    /// The room is held.
    Booked(Stay),
    /// It is not any more.
    Cancelled(Stay),
}

/// What was booked, and what became of the money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stay {
    /// Where.
    pub hotel_id: Uuid,
    /// What kind of room.
    pub room_type: String,
    /// When.
    pub nights: Nights,
    /// Which room, for each night.
    pub rooms: Vec<i64>,
    /// What was paid.
    pub price: Money,
    /// What of it was given back, in minor units.
    pub refunded: i64,
    /// The budget that it belongs to.
    pub category: String,
    /// Who paid.
    pub paid_by: Option<Uuid>,
    /// For whom, in equal parts.
    pub shared_by: Vec<Uuid>,
}

kernel::rejections! {
    /// Why a booking's command is refused.
    pub enum BookingRejection {
        /// There is no such group.
        UnknownGroup = "unknown-group": "there is no group with this id",
        /// It has settled up.
        GroupClosed = "group-closed": "the group has settled up and is closed",
        /// The id is in use.
        BookingExists = "booking-exists": "a booking with this id exists already",
        /// There is no such booking.
        UnknownBooking = "unknown-booking": "the group has no booking with this id",
        /// It was given back.
        AlreadyCancelled = "already-cancelled": "the booking was cancelled already",
        /// There is no such hotel.
        UnknownHotel = "unknown-hotel": "there is no hotel with this id",
        /// The hotel has none of these.
        UnknownRoomType = "unknown-room-type": "the hotel has no rooms of this type",
        /// All are sold on one of the nights.
        NoRoom = "no-room": "no room of this type is free on every one of these nights",
        /// The group does not travel then.
        OutsideWindow = "outside-window": "these nights do not lie within the days of the trip",
        /// Whoever is said to have paid is not in the group.
        NotAMember = "not-a-member": "the user is no member of the group",
        /// The amount is not in what the group counts in.
        CurrencyMismatch = "currency-mismatch": "the group counts in another currency",
        /// Less was paid, or is left of it.
        RefundExceedsPayment = "refund-exceeds-payment": "less than that is left of what was paid",
    }
}

crate::group::needs_a_group!(BookingRejection);

impl Decider for Booking {
    const STREAM: &'static str = "booking";
    const STATE_VERSION: u32 = 1;
    type Event = BookingEvent;
    type State = BookingState;

    fn evolve(state: BookingState, event: &BookingEvent) -> BookingState {
        match (state, event) {
            (_, BookingEvent::HotelRoomBooked(booked)) => BookingState::Booked(Stay::of(booked)),
            (BookingState::Booked(stay), BookingEvent::BookingCancelled(_)) => BookingState::Cancelled(stay),
            (BookingState::Booked(stay), BookingEvent::PaymentRefunded(refunded)) => {
                BookingState::Booked(stay.refunded(refunded))
            }
            (BookingState::Cancelled(stay), BookingEvent::PaymentRefunded(refunded)) => {
                BookingState::Cancelled(stay.refunded(refunded))
            }
            (state, BookingEvent::BookingCancelled(_) | BookingEvent::PaymentRefunded(_)) => state,
        }
    }
}

impl BookingState {
    /// The room that is held.
    pub(crate) fn stay(&self) -> Option<&Stay> {
        match self {
            Self::Booked(stay) => Some(stay),
            Self::Unknown | Self::Cancelled(_) => None,
        }
    }
}

impl Stay {
    fn of(booked: &HotelRoomBooked) -> Self {
        Self {
            hotel_id: booked.hotel_id,
            room_type: booked.room_type.clone(),
            nights: booked.nights,
            rooms: booked.rooms.clone(),
            price: booked.price,
            refunded: 0,
            category: booked.category.clone(),
            paid_by: booked.paid_by,
            shared_by: booked.parts.iter().map(|part| part.user_id).collect(),
        }
    }

    fn refunded(mut self, refunded: &PaymentRefunded) -> Self {
        self.refunded += refunded.amount.amount;
        self
    }

    /// What is left of the price, in minor units.
    pub(crate) fn cost(&self) -> i64 {
        self.price.amount - self.refunded
    }

    /// What of the cost falls to whom.
    pub(crate) fn parts(&self) -> Vec<Part> {
        equally(self.cost(), self.shared_by.iter().copied())
    }
}

#[cfg(test)]
mod tests;
