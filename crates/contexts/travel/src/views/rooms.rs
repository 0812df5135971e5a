use kernel::{Day, Keys, Money, ReadStore, Recorded, RowKey, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{BookingEvent, HotelEvent, Nights, TravelEvent};

/// How many rooms there are, and how many of them are sold, night by night. A night on which none is sold has no
/// row.
#[derive(Debug, Clone, Copy)]
pub struct Rooms;

/// Rooms of a type, or how many of them are sold on a night.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RoomsRow {
    /// Rooms of a type.
    Rooms(RoomsOfType),
    /// What is sold of them on a night.
    Night(NightSold),
}

/// Rooms of a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomsOfType {
    /// Where.
    pub hotel_id: Uuid,
    /// Which.
    pub room_type: String,
    /// How many there are.
    pub count: i64,
    /// What one costs a night.
    pub price: Money,
}

/// What is sold of a type on a night.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NightSold {
    /// Where.
    pub hotel_id: Uuid,
    /// Which.
    pub room_type: String,
    /// The day that the night begins on.
    pub night: Day,
    /// How many are sold.
    pub sold: i64,
}

/// Rows of nights by what an event sells or gives back.
fn nights_of(event: &BookingEvent) -> Option<(Uuid, &str, Nights, i64)> {
    match event {
        BookingEvent::HotelRoomBooked(it) => Some((it.hotel_id, &it.room_type, it.nights, 1)),
        BookingEvent::BookingCancelled(it) => Some((it.hotel_id, &it.room_type, it.nights, -1)),
        BookingEvent::PaymentRefunded(_) => None,
    }
}

fn night_key(hotel: Uuid, night: Day, room_type: &str) -> RowKey {
    RowKey::new(format!("night/{hotel}/{night}/{room_type}"))
}

impl View for Rooms {
    const NAME: &'static str = "travel-rooms";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Postgres];
    type Event = TravelEvent;
    type Row = RoomsRow;

    fn keys(event: &Recorded<TravelEvent>) -> Keys {
        match &event.event {
            TravelEvent::Hotel(HotelEvent::RoomsOpened(opened)) => {
                Keys::one(format!("rooms/{}/{}", opened.hotel_id, opened.room_type))
            }
            TravelEvent::Booking(event) => match nights_of(event) {
                Some((hotel, room_type, nights, _)) => {
                    Keys::These(nights.each().map(|night| night_key(hotel, night, room_type)).collect())
                }
                None => Keys::None,
            },
            _ => Keys::None,
        }
    }

    fn evolve(
        key: &RowKey,
        row: Option<RoomsRow>,
        event: &Recorded<TravelEvent>,
    ) -> Result<Option<RoomsRow>, Unfoldable> {
        Ok(match &event.event {
            TravelEvent::Hotel(HotelEvent::RoomsOpened(opened)) => Some(RoomsRow::Rooms(RoomsOfType {
                hotel_id: opened.hotel_id,
                room_type: opened.room_type.clone(),
                count: opened.count,
                price: opened.price,
            })),
            TravelEvent::Booking(event) => match nights_of(event) {
                Some((hotel_id, room_type, nights, change)) => {
                    let mut each = nights.each();
                    let Some(night) = each.find(|night| night_key(hotel_id, *night, room_type) == *key)
                    else {
                        return Ok(row);
                    };
                    let before = match row {
                        Some(RoomsRow::Night(before)) => before.sold,
                        Some(RoomsRow::Rooms(_)) | None => 0,
                    };
                    let (sold, room_type) = (before + change, room_type.to_owned());
                    (sold != 0).then_some(RoomsRow::Night(NightSold { hotel_id, room_type, night, sold }))
                }
                None => row,
            },
            _ => row,
        })
    }
}
