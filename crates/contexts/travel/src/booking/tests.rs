use kernel::testing::{DeciderCase, Outcome, given, given_nothing};

use super::BookingRejection::*;
use super::*;
use crate::scene::*;
use crate::{Group, Hotel};

fn book(from: i32, to: i32) -> BookHotelRoom {
    BookHotelRoom {
        group_id: GROUP,
        booking_id: Some(STAY),
        hotel_id: RITZ,
        room_type: " double ".into(),
        nights: nights(from, to),
        price: euro(9000),
        paid_by: None,
        category: None,
    }
}

fn cancel() -> CancelBooking {
    CancelBooking { group_id: GROUP, booking_id: STAY }
}

fn refund(amount: i64) -> RefundPayment {
    RefundPayment { group_id: GROUP, booking_id: STAY, amount: euro(amount) }
}

/// With so many double rooms in the hotel.
fn rooms(count: i64) -> DeciderCase<Booking> {
    told(Vec::new()).and_stream::<Hotel, _>(RITZ, [opened(count)])
}

fn told(events: Vec<BookingEvent>) -> DeciderCase<Booking> {
    given::<Booking, _>(events).and_stream::<Group, _>(GROUP, three())
}

fn night(day: i32, room: i64) -> String {
    format!("{RITZ}/2026-07-{day:02}/double#{room}")
}

fn chosen(outcome: Outcome<BookingEvent, BookingRejection>) -> Vec<i64> {
    match outcome {
        Outcome::Decided(decision) => match &decision.events[..] {
            [BookingEvent::HotelRoomBooked(booked)] => booked.rooms.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_room_is_held_for_each_night_up_to_the_day_of_leaving() {
    rooms(1)
        .when(&book(1, 3))
        .then([booked(STAY, nights(1, 3), 1, None)])
        .and_claims("room-night", &night(1, 1), NoRoom)
        .and_claims("room-night", &night(2, 1), NoRoom)
        .and_claims("booking", &STAY.to_string(), BookingExists);
    let Outcome::Decided(decision) = rooms(1).when(&book(1, 3)) else { panic!("refused") };
    assert_eq!(decision.claims.len(), 3);
}

#[test]
fn a_booking_without_an_id_gets_the_one_that_was_made_for_it() {
    rooms(1)
        .made_id(STAY)
        .when(&BookHotelRoom { booking_id: None, ..book(1, 3) })
        .then([booked(STAY, nights(1, 3), 1, None)])
        .and_claims("booking", &STAY.to_string(), BookingExists);
}

#[test]
fn a_booking_belongs_to_lodging_where_no_budget_is_named() {
    let named = BookHotelRoom { category: Some(" hotels ".into()), ..book(1, 3) };
    rooms(1)
        .when(&named)
        .then([HotelRoomBooked { category: "hotels".into(), ..booked(STAY, nights(1, 3), 1, None) }]);
    assert_eq!(booked(STAY, nights(1, 3), 1, None).category, "lodging");
}

#[test]
fn a_day_alone_is_one_night() {
    assert_eq!(nights(4, 4).each().collect::<Vec<_>>(), [day("2026-07-04")]);
    rooms(1).when(&book(4, 4)).then([booked(STAY, nights(4, 4), 1, None)]);
}

#[test]
fn a_room_night_is_never_sold_twice() {
    let full = || rooms(2).and_claimed("room-night", night(2, 1)).and_claimed("room-night", night(2, 2));
    full().when(&book(1, 3)).then_refused(&NoRoom);
    full().when(&book(2, 3)).then_refused(&NoRoom);
    assert_eq!(chosen(full().when(&book(3, 5))).len(), 2);
    let other_type = format!("{RITZ}/2026-07-02/double#1#1");
    assert_eq!(chosen(rooms(1).and_claimed("room-night", other_type).when(&book(2, 3))), [1]);
}

#[test]
fn one_room_is_kept_where_one_is_free_on_all_nights_else_whichever_is() {
    let same = rooms(3).and_claimed("room-night", night(1, 1)).and_claimed("room-night", night(2, 2));
    assert_eq!(chosen(same.when(&book(1, 3))), [3, 3]);
    let moving = rooms(2).and_claimed("room-night", night(1, 1)).and_claimed("room-night", night(2, 2));
    assert_eq!(chosen(moving.when(&book(1, 3))), [2, 1]);
}

#[test]
fn bookings_begin_at_different_rooms() {
    let room_of =
        |booking_id| chosen(rooms(10).when(&BookHotelRoom { booking_id: Some(booking_id), ..book(1, 2) }));
    assert_ne!(room_of(STAY), room_of(OTHER_STAY));
}

#[test]
fn there_must_be_such_a_hotel_with_such_rooms() {
    told(Vec::new()).when(&book(1, 3)).then_refused(&UnknownHotel);
    let suite = BookHotelRoom { room_type: "suite".into(), ..book(1, 3) };
    rooms(1).when(&suite).then_refused(&UnknownRoomType);
}

#[test]
fn the_nights_lie_within_the_days_of_the_trip() {
    for (from, to) in [(0, 2), (9, 11), (11, 11)] {
        rooms(1).when(&book(from, to)).then_refused(&OutsideWindow);
    }
    assert_eq!(chosen(rooms(1).when(&book(1, 10))).len(), 9);
    rooms(1).when(&book(3, 2)).then_invalid("nights.to", "before-from");
    rooms(1).when(&book(1, 62)).then_invalid("nights.to", "too-long");
}

#[test]
fn a_booking_has_a_price_in_the_groups_currency() {
    let price = |price| BookHotelRoom { price, ..book(1, 3) };
    rooms(1).when(&price(euro(0))).then_invalid("price.amount", "not-positive");
    rooms(1).when(&price(dollar(1))).then_refused(&CurrencyMismatch);
}

#[test]
fn what_a_member_paid_falls_to_all_in_equal_parts() {
    let paid = |paid_by| BookHotelRoom { paid_by: Some(paid_by), ..book(1, 3) };
    rooms(1).when(&paid(BOB)).then([booked(STAY, nights(1, 3), 1, Some(BOB))]);
    rooms(1).when(&paid(ZOE)).then_refused(&NotAMember);
}

#[test]
fn an_id_that_is_in_use_makes_no_second_booking() {
    given::<Booking, _>([booked(STAY, nights(1, 3), 1, None)])
        .and_stream::<Group, _>(GROUP, three())
        .and_stream::<Hotel, _>(RITZ, [opened(1)])
        .when(&book(4, 5))
        .then_refused(&BookingExists);
}

#[test]
fn a_booking_that_is_cancelled_gives_its_nights_back_once() {
    let held = booked(STAY, nights(1, 3), 7, None);
    told(vec![held.clone().into()])
        .when(&cancel())
        .then([cancelled(STAY, nights(1, 3))])
        .and_releases("room-night", &night(1, 7))
        .and_releases("room-night", &night(2, 7));
    let given_back = vec![held.into(), cancelled(STAY, nights(1, 3)).into()];
    told(given_back).when(&cancel()).then_refused(&AlreadyCancelled);
    told(Vec::new()).when(&cancel()).then_refused(&UnknownBooking);
}

#[test]
fn no_more_is_refunded_than_was_paid() {
    let held = || vec![BookingEvent::from(booked(STAY, nights(1, 3), 1, None))];
    told(held()).when(&refund(9000)).then([refunded(STAY, 9000, None, &[])]);
    told(held()).when(&refund(9001)).then_refused(&RefundExceedsPayment);
    let mut partly = held();
    partly.push(refunded(STAY, 8000, None, &[]).into());
    told(partly.clone()).when(&refund(1001)).then_refused(&RefundExceedsPayment);
    partly.push(cancelled(STAY, nights(1, 3)).into());
    told(partly).when(&refund(1000)).then([refunded(STAY, 1000, None, &[])]);
    told(held()).when(&refund(0)).then_invalid("amount.amount", "not-positive");
    told(Vec::new()).when(&refund(1)).then_refused(&UnknownBooking);
    let foreign = RefundPayment { amount: dollar(1), ..refund(1) };
    told(held()).when(&foreign).then_refused(&CurrencyMismatch);
}

#[test]
fn a_refund_is_taken_off_everybodys_part_to_the_last_unit() {
    let paid: BookingEvent = booked(STAY, nights(1, 3), 1, Some(ANN)).into();
    let first = refunded(STAY, 1000, Some(ANN), &[(ANN, 333), (BOB, 333), (CAT, 334)]);
    told(vec![paid.clone()]).when(&refund(1000)).then([first.clone()]);
    let rest = refunded(STAY, 8000, Some(ANN), &[(ANN, 2667), (BOB, 2667), (CAT, 2666)]);
    told(vec![paid, first.into()]).when(&refund(8000)).then([rest]);
}

#[test]
fn a_group_books_until_it_has_settled_up() {
    given_nothing::<Booking>().when(&book(1, 3)).then_refused(&UnknownGroup);
    let after =
        |events: Vec<BookingEvent>| given::<Booking, _>(events).and_stream::<Group, _>(GROUP, closed());
    after(Vec::new()).when(&book(1, 3)).then_refused(&GroupClosed);
    let held = || vec![BookingEvent::from(booked(STAY, nights(1, 3), 1, None))];
    after(held()).when(&cancel()).then_refused(&GroupClosed);
    after(held()).when(&refund(1)).then_refused(&GroupClosed);
}
