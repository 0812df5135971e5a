use kernel::{Keys, Money, ReadStore, Recorded, RowKey, Source, Timestamp, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{PartRow, begun};
use crate::{Booking, BookingEvent, HotelRoomBooked, Nights, TravelEvent};

/// The bookings.
#[derive(Debug, Clone, Copy)]
pub struct Bookings;

/// A booking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BookingRow {
    /// The booking.
    pub id: Uuid,
    /// The group.
    pub group_id: Uuid,
    /// Whether the room is held.
    pub status: BookingStatus,
    /// Where.
    pub hotel_id: Uuid,
    /// What kind of room.
    pub room_type: String,
    /// When.
    pub nights: Nights,
    /// What was paid.
    pub price: Money,
    /// What of it was given back.
    pub refunded: Money,
    /// The budget that it belongs to.
    pub category: String,
    /// The member who paid.
    pub paid_by: Option<Uuid>,
    /// What of what is left of the price falls to whom.
    pub parts: Vec<PartRow>,
    /// When it was booked.
    pub booked_at: Timestamp,
    /// When it was given back.
    pub cancelled_at: Option<Timestamp>,
}

/// Whether a room is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BookingStatus {
    /// It is.
    Booked,
    /// It is not any more.
    Cancelled,
}

impl View for Bookings {
    const NAME: &'static str = "travel-bookings";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Redis, ReadStore::Postgres];
    type Event = TravelEvent;
    type Row = BookingRow;

    fn keys(event: &Recorded<TravelEvent>) -> Keys {
        let TravelEvent::Booking(event) = &event.event else { return Keys::None };
        Keys::one(match event {
            BookingEvent::HotelRoomBooked(event) => event.booking_id,
            BookingEvent::BookingCancelled(event) => event.booking_id,
            BookingEvent::PaymentRefunded(event) => event.booking_id,
        })
    }

    fn sources(_: &RowKey, row: Option<&BookingRow>) -> Vec<Source> {
        row.map(|row| Source::within::<Booking>(row.group_id, row.id)).into_iter().collect()
    }

    fn evolve(
        _: &RowKey,
        row: Option<BookingRow>,
        event: &Recorded<TravelEvent>,
    ) -> Result<Option<BookingRow>, Unfoldable> {
        let TravelEvent::Booking(happened) = &event.event else { return Ok(row) };
        if let BookingEvent::HotelRoomBooked(booked) = happened {
            return Ok(Some(BookingRow::new(booked, event.recorded_at)));
        }
        let mut row = begun(row, "booking")?;
        match happened {
            BookingEvent::HotelRoomBooked(_) => {}
            BookingEvent::BookingCancelled(_) => {
                row.status = BookingStatus::Cancelled;
                row.cancelled_at = Some(event.recorded_at);
            }
            BookingEvent::PaymentRefunded(refunded) => {
                row.refunded.amount += refunded.amount.amount;
                for less in &refunded.parts {
                    let mut parts = row.parts.iter_mut();
                    if let Some(part) = parts.find(|part| part.user_id == less.user_id) {
                        part.amount.amount -= less.amount;
                    }
                }
            }
        }
        Ok(Some(row))
    }
}

impl BookingRow {
    fn new(booked: &HotelRoomBooked, at: Timestamp) -> Self {
        Self {
            id: booked.booking_id,
            group_id: booked.group_id,
            status: BookingStatus::Booked,
            hotel_id: booked.hotel_id,
            room_type: booked.room_type.clone(),
            nights: booked.nights,
            price: booked.price,
            refunded: Money::new(0, booked.price.currency),
            category: booked.category.clone(),
            paid_by: booked.paid_by,
            parts: PartRow::all(&booked.parts, booked.price.currency),
            booked_at: at,
            cancelled_at: None,
        }
    }
}
