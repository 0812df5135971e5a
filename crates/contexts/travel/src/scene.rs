//! What the tests of this context tell: a group of three in July, what they pay and where they stay.

use kernel::{Currency, Day, Money};
use uuid::Uuid;

use super::*;
use crate::split::equally;

pub(crate) const GROUP: Uuid = Uuid::from_u128(0x61);
pub(crate) const ANN: Uuid = Uuid::from_u128(0xa1);
pub(crate) const BOB: Uuid = Uuid::from_u128(0xa2);
pub(crate) const CAT: Uuid = Uuid::from_u128(0xa3);
/// Nobody's friend.
pub(crate) const ZOE: Uuid = Uuid::from_u128(0xaf);
pub(crate) const DINNER: Uuid = Uuid::from_u128(0xe1);
pub(crate) const TAXI: Uuid = Uuid::from_u128(0xe2);
pub(crate) const MUSEUM: Uuid = Uuid::from_u128(0x71);
pub(crate) const RITZ: Uuid = Uuid::from_u128(0x41);
pub(crate) const STAY: Uuid = Uuid::from_u128(0xb1);
pub(crate) const OTHER_STAY: Uuid = Uuid::from_u128(0xb2);

pub(crate) fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

pub(crate) fn euro(amount: i64) -> Money {
    Money::new(amount, currency("EUR"))
}

pub(crate) fn dollar(amount: i64) -> Money {
    Money::new(amount, currency("USD"))
}

pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub(crate) fn july(from: i32, to: i32) -> TripWindow {
    TripWindow { from: day("2026-06-30").plus(from), to: day("2026-06-30").plus(to) }
}

pub(crate) fn nights(from: i32, to: i32) -> Nights {
    let TripWindow { from, to } = july(from, to);
    Nights { from, to }
}

/// From the 1st to the 10th of July.
pub(crate) fn created() -> GroupCreated {
    GroupCreated {
        group_id: GROUP,
        name: "Lisbon".into(),
        currency: currency("EUR"),
        trip_window: july(1, 10),
    }
}

pub(crate) fn joined(user_id: Uuid) -> GroupMemberAdded {
    GroupMemberAdded { group_id: GROUP, user_id }
}

/// Ann, Bob and Cat.
pub(crate) fn three() -> Vec<GroupEvent> {
    vec![created().into(), joined(ANN).into(), joined(BOB).into(), joined(CAT).into()]
}

pub(crate) fn closed() -> Vec<GroupEvent> {
    let settlements = vec![
        Settlement { user_id: ANN, change: 500, wallet: 1500 },
        Settlement { user_id: BOB, change: -500, wallet: 500 },
    ];
    let payments = vec![Payment { from: BOB, to: ANN, amount: 500 }];
    let mut events = three();
    events.push(GroupLiquidated { group_id: GROUP, currency: currency("EUR"), settlements, payments }.into());
    events
}

pub(crate) fn funded(user_id: Uuid, amount: i64) -> WalletFunded {
    WalletFunded { group_id: GROUP, user_id, amount: euro(amount) }
}

pub(crate) fn parts(amount: i64) -> Vec<Part> {
    equally(amount, [ANN, BOB, CAT])
}

pub(crate) fn submitted(expense_id: Uuid, paid_by: Uuid, amount: i64) -> ExpenseSubmitted {
    ExpenseSubmitted {
        group_id: GROUP,
        expense_id,
        submitted_by: paid_by,
        paid_by,
        amount: euro(amount),
        category: "food".into(),
        description: None,
        parts: parts(amount),
    }
}

pub(crate) fn approved(expense_id: Uuid, paid_by: Uuid, amount: i64, by: Uuid) -> ExpenseApproved {
    ExpenseApproved {
        group_id: GROUP,
        expense_id,
        by,
        paid_by,
        amount: euro(amount),
        category: "food".into(),
        parts: parts(amount),
    }
}

pub(crate) fn rejected(expense_id: Uuid, amount: i64, by: Uuid) -> ExpenseRejected {
    ExpenseRejected {
        group_id: GROUP,
        expense_id,
        by,
        reason: None,
        amount: euro(amount),
        category: "food".into(),
    }
}

/// An expense that counts.
pub(crate) fn counted(expense_id: Uuid, paid_by: Uuid, amount: i64) -> Vec<ExpenseEvent> {
    let by = if paid_by == ANN { BOB } else { ANN };
    vec![submitted(expense_id, paid_by, amount).into(), approved(expense_id, paid_by, amount, by).into()]
}

pub(crate) fn opened(count: i64) -> RoomsOpened {
    RoomsOpened { hotel_id: RITZ, room_type: "double".into(), count, price: euro(9000) }
}

pub(crate) fn booked(booking_id: Uuid, at: Nights, room: i64, paid_by: Option<Uuid>) -> HotelRoomBooked {
    HotelRoomBooked {
        group_id: GROUP,
        booking_id,
        hotel_id: RITZ,
        room_type: "double".into(),
        nights: at,
        rooms: at.each().map(|_| room).collect(),
        price: euro(9000),
        category: "lodging".into(),
        paid_by,
        parts: if paid_by.is_some() { parts(9000) } else { Vec::new() },
    }
}

pub(crate) fn cancelled(booking_id: Uuid, at: Nights) -> BookingCancelled {
    BookingCancelled { group_id: GROUP, booking_id, hotel_id: RITZ, room_type: "double".into(), nights: at }
}

pub(crate) fn refunded(
    booking_id: Uuid,
    amount: i64,
    paid_by: Option<Uuid>,
    parts: &[(Uuid, i64)],
) -> PaymentRefunded {
    let parts = parts.iter().map(|(user_id, amount)| Part { user_id: *user_id, amount: *amount }).collect();
    PaymentRefunded {
        group_id: GROUP,
        booking_id,
        amount: euro(amount),
        category: "lodging".into(),
        paid_by,
        parts,
    }
}
