use kernel::{Command, Decision, Facts, Money, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Hotel, HotelRejection, HotelState, RoomType, RoomsOpened};
use crate::limits::{ROOM_TYPE_LONGEST, ROOM_TYPES_MOST, ROOMS_MOST, check_amount, trimmed};

/// Opens a hotel's rooms of one type to bookings; once more for its next type.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenHotel {
    /// The hotel's id; one is made where none is given.
    pub hotel_id: Option<Uuid>,
    /// Which rooms.
    #[schemars(length(min = 1, max = ROOM_TYPE_LONGEST))]
    pub room_type: String,
    /// How many of them there are.
    #[schemars(range(min = 1, max = ROOMS_MOST))]
    pub count: i64,
    /// What one costs a night, above 0.
    pub price: Money,
}

impl Command for OpenHotel {
    const NAME: &'static str = "open-hotel";
    type Decider = Hotel;
    type Rejection = HotelRejection;

    fn validate(&self, violations: &mut Violations) {
        violations.line("room_type", &self.room_type, ROOM_TYPE_LONGEST);
        violations.positive("count", self.count, ROOMS_MOST);
        check_amount(violations, "price", &self.price);
    }

    fn stream_id(&self) -> Option<Uuid> {
        self.hotel_id
    }

    fn decide(&self, state: &HotelState, facts: &Facts) -> Verdict<Self> {
        let room_type = trimmed(&self.room_type);
        if let HotelState::Open(types) = state {
            let wanted = RoomType { count: self.count, price: self.price };
            match types.get(&room_type) {
                Some(open) if *open == wanted => return Ok(Decision::nothing()),
                Some(_) => return Err(HotelRejection::RoomsOpen),
                None if types.len() >= ROOM_TYPES_MOST => return Err(HotelRejection::TooManyRoomTypes),
                None => {}
            }
        }
        let (count, price) = (self.count, self.price);
        Ok(Decision::record(RoomsOpened { hotel_id: facts.id, room_type, count, price }))
    }
}
