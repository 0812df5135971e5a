//! A hotel: which rooms it has. How many of them are sold is told by the bookings.

mod open;

pub use open::OpenHotel;

use std::collections::BTreeMap;

use kernel::{Decider, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stream of one hotel.
#[derive(Debug, Clone, Copy)]
pub struct Hotel;

kernel::events! {
    /// What can happen to a hotel.
    pub enum HotelEvent in "schemas/travel" { RoomsOpened }
}

/// Rooms of a type can be booked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomsOpened {
    /// The hotel.
    pub hotel_id: Uuid,
    /// Which rooms.
    pub room_type: String,
    /// How many of them there are.
    pub count: i64,
    /// What one costs a night.
    pub price: Money,
}

/// Where a hotel stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum HotelState {
    /// There is none.
    #[default]
    Unknown,
    /// It has rooms of these types.
    Open(BTreeMap<String, RoomType>),
}

/// Rooms that are alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomType {
    /// How many there are.
    pub count: i64,
    /// What one costs a night.
    pub price: Money,
}

kernel::rejections! {
    /// Why a hotel is not opened.
    pub enum HotelRejection {
        /// Its rooms of this type are open, with another number or price.
        RoomsOpen = "rooms-open": "the hotel has rooms of this type already",
        /// It has as many types of rooms as there can be.
        TooManyRoomTypes = "too-many-room-types": "the hotel has as many types of rooms as it can have",
    }
}

impl Decider for Hotel {
    const STREAM: &'static str = "hotel";
    const STATE_VERSION: u32 = 1;
    type Event = HotelEvent;
    type State = HotelState;

    fn evolve(state: HotelState, event: &HotelEvent) -> HotelState {
        let HotelEvent::RoomsOpened(opened) = event;
        let mut types = match state {
            HotelState::Unknown => BTreeMap::new(),
            HotelState::Open(types) => types,
        };
        types.insert(opened.room_type.clone(), RoomType { count: opened.count, price: opened.price });
        HotelState::Open(types)
    }
}

#[cfg(test)]
mod tests;
