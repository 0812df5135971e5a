use kernel::testing::{given, given_nothing};

use super::*;
use crate::scene::*;

fn open(room_type: &str, count: i64) -> OpenHotel {
    OpenHotel { hotel_id: Some(RITZ), room_type: room_type.into(), count, price: euro(9000) }
}

#[test]
fn a_hotel_opens_its_rooms_type_by_type() {
    given_nothing::<Hotel>().when(&open(" double ", 3)).then([opened(3)]);
    given_nothing::<Hotel>()
        .made_id(RITZ)
        .when(&OpenHotel { hotel_id: None, ..open("double", 3) })
        .then([opened(3)]);
    let single = RoomsOpened { room_type: "single".into(), ..opened(3) };
    given::<Hotel, _>([opened(3)]).when(&open("single", 3)).then([single]);
}

#[test]
fn rooms_that_are_open_stay_as_they_are() {
    given::<Hotel, _>([opened(3)]).when(&open("double", 3)).then_nothing();
    given::<Hotel, _>([opened(3)]).when(&open("double", 4)).then_refused(&HotelRejection::RoomsOpen);
    let types = (0..100).map(|number| RoomsOpened { room_type: format!("t{number}"), ..opened(1) });
    given::<Hotel, _>(types).when(&open("double", 3)).then_refused(&HotelRejection::TooManyRoomTypes);
}

#[test]
fn there_is_at_least_one_room_and_it_costs_something() {
    given_nothing::<Hotel>().when(&open("double", 0)).then_invalid("count", "not-positive");
    given_nothing::<Hotel>().when(&open("double", 5_001)).then_invalid("count", "too-large");
    given_nothing::<Hotel>().when(&open("", 1)).then_invalid("room_type", "empty");
    let free = OpenHotel { price: euro(0), ..open("double", 1) };
    given_nothing::<Hotel>().when(&free).then_invalid("price.amount", "not-positive");
}
