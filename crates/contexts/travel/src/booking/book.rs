use kernel::{Command, Decision, Facts, Money, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::rooms::{ROOM_NIGHTS, Rooms};
use super::{Booking, BookingRejection, BookingState, HotelRoomBooked, Nights};
use crate::group::travellers;
use crate::limits::{CATEGORY_LONGEST, ROOM_TYPE_LONGEST, check_amount, trimmed};
use crate::split::equally;
use crate::{Group, Hotel, HotelState, RoomType};

/// The set of ids of bookings: one is asked for by its id alone.
const BOOKINGS: &str = "booking";
/// The budget of bookings for which none is named.
const USUAL_CATEGORY: &str = "lodging";

/// Books a room for some nights of a trip. No room is ever sold twice for a night.
///
/// Where a member paid for it (`paid_by`), the others owe their equal parts of the price, like of an approved
/// expense. Where nobody is named, it was not paid by a member, and nobody owes anything for it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BookHotelRoom {
    /// The group.
    pub group_id: Uuid,
    /// The booking's id; one is made where none is given.
    pub booking_id: Option<Uuid>,
    /// Where.
    pub hotel_id: Uuid,
    /// What kind of room.
    #[schemars(length(min = 1, max = ROOM_TYPE_LONGEST))]
    pub room_type: String,
    /// When, within the days of the trip.
    pub nights: Nights,
    /// What is paid for all of it, above 0, in the group's currency.
    pub price: Money,
    /// The member who paid for the others.
    #[serde(default)]
    pub paid_by: Option<Uuid>,
    /// The budget that it belongs to; `lodging` where it is left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = CATEGORY_LONGEST))]
    pub category: Option<String>,
}

impl BookHotelRoom {
    fn rooms<'a>(&self, room_type: &'a str) -> Rooms<'a> {
        Rooms { hotel_id: self.hotel_id, room_type }
    }
}

impl Command for BookHotelRoom {
    const NAME: &'static str = "book-hotel-room";
    type Decider = Booking;
    type Rejection = BookingRejection;

    fn validate(&self, violations: &mut Violations) {
        violations.line("room_type", &self.room_type, ROOM_TYPE_LONGEST);
        self.nights.check(violations);
        check_amount(violations, "price", &self.price);
        if let Some(category) = &self.category {
            violations.line("category", category, CATEGORY_LONGEST);
        }
    }

    fn stream_id(&self) -> Option<Uuid> {
        self.booking_id
    }

    fn owner(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, _: Uuid, _: &BookingState) -> Reads {
        let reads = Reads::of::<Group>(self.group_id).and::<Hotel>(self.hotel_id);
        self.rooms(self.room_type.trim()).read(self.nights, reads)
    }

    fn decide(&self, state: &BookingState, facts: &Facts) -> Verdict<Self> {
        let travellers = travellers(facts, self.group_id)?;
        if *state != BookingState::Unknown {
            return Err(BookingRejection::BookingExists);
        }
        if !travellers.window.spans(self.nights.from, self.nights.to) {
            return Err(BookingRejection::OutsideWindow);
        }
        if self.price.currency != travellers.currency {
            return Err(BookingRejection::CurrencyMismatch);
        }
        if self.paid_by.is_some_and(|user| !travellers.members.contains(&user)) {
            return Err(BookingRejection::NotAMember);
        }
        let room_type = trimmed(&self.room_type);
        let RoomType { count, .. } = room_type_of(facts.state::<Hotel>(self.hotel_id), &room_type)?;
        let rooms = self.rooms(&room_type).choose(self.nights, *count, facts.id, facts);
        let rooms = rooms.ok_or(BookingRejection::NoRoom)?;
        let parts = match self.paid_by {
            Some(_) => equally(self.price.amount, travellers.members.iter().copied()),
            None => Vec::new(),
        };
        let category = self.category.as_deref().unwrap_or(USUAL_CATEGORY);
        let booked = Decision::record(HotelRoomBooked {
            group_id: self.group_id,
            booking_id: facts.id,
            hotel_id: self.hotel_id,
            room_type: room_type.clone(),
            nights: self.nights,
            rooms: rooms.clone(),
            price: self.price,
            category: trimmed(category),
            paid_by: self.paid_by,
            parts,
        });
        let booked = booked.claim(BOOKINGS, facts.id.to_string(), BookingRejection::BookingExists);
        Ok(self.nights.each().zip(rooms).fold(booked, |booked, (night, room)| {
            booked.claim(ROOM_NIGHTS, self.rooms(&room_type).claim(night, room), BookingRejection::NoRoom)
        }))
    }
}

fn room_type_of<'a>(hotel: &'a HotelState, room_type: &str) -> Result<&'a RoomType, BookingRejection> {
    match hotel {
        HotelState::Unknown => Err(BookingRejection::UnknownHotel),
        HotelState::Open(types) => types.get(room_type).ok_or(BookingRejection::UnknownRoomType),
    }
}
