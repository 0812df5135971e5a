mod liquidation;

use kernel::testing::{given, given_nothing};

use super::*;
use crate::scene::*;
use crate::{Booking, BookingEvent, Expense, ExpenseEvent, ExpenseSubmitted, Part, Wallet};

fn create() -> CreateGroup {
    let (name, currency) = (" Lisbon ".into(), currency("EUR"));
    CreateGroup { group_id: Some(GROUP), name, currency, trip_window: july(1, 10) }
}

fn add(user_id: Uuid) -> AddGroupMember {
    AddGroupMember { group_id: GROUP, user_id }
}

fn remove(user_id: Uuid) -> RemoveGroupMember {
    RemoveGroupMember { group_id: GROUP, user_id }
}

fn update(window: TripWindow) -> UpdateGroupTripWindow {
    UpdateGroupTripWindow { group_id: GROUP, trip_window: window }
}

#[test]
fn a_group_is_created_for_its_days_and_its_currency() {
    given_nothing::<Group>().when(&create()).then([created()]);
    let unnamed = CreateGroup { group_id: None, ..create() };
    given_nothing::<Group>().made_id(GROUP).when(&unnamed).then([created()]);
}

#[test]
fn an_id_that_is_in_use_makes_no_second_group() {
    given::<Group, _>([created()]).when(&create()).then_refused(&GroupRejection::GroupExists);
    given::<Group, _>(closed()).when(&create()).then_refused(&GroupRejection::GroupExists);
}

#[test]
fn a_trip_does_not_end_before_it_begins() {
    let one_day = CreateGroup { trip_window: july(3, 3), ..create() };
    given_nothing::<Group>().when(&one_day).then([GroupCreated { trip_window: july(3, 3), ..created() }]);
    let backwards = CreateGroup { trip_window: july(3, 2), ..create() };
    given_nothing::<Group>().when(&backwards).then_invalid("trip_window.to", "before-from");
    given::<Group, _>(three()).when(&update(july(3, 2))).then_invalid("trip_window.to", "before-from");
    let endless = CreateGroup { trip_window: july(1, 4_000), ..create() };
    given_nothing::<Group>().when(&endless).then_invalid("trip_window.to", "too-long");
}

#[test]
fn a_group_has_a_name_of_one_line() {
    for (name, code) in
        [(" ".to_owned(), "empty"), ("x".repeat(101), "too-long"), ("a\nb".into(), "control-character")]
    {
        given_nothing::<Group>().when(&CreateGroup { name, ..create() }).then_invalid("name", code);
    }
}

#[test]
fn a_member_joins_once() {
    given::<Group, _>([created()]).when(&add(ANN)).then([joined(ANN)]);
    given::<Group, _>(three()).when(&add(ANN)).then_refused(&MembershipRejection::AlreadyMember);
    let mut left = three();
    left.push(GroupMemberRemoved { group_id: GROUP, user_id: ANN }.into());
    given::<Group, _>(left).when(&add(ANN)).then([joined(ANN)]);
}

#[test]
fn a_group_has_at_most_two_hundred_members() {
    let members = (1..=200).map(|number| GroupEvent::from(joined(Uuid::from_u128(number))));
    let full = std::iter::once(created().into()).chain(members);
    given::<Group, _>(full).when(&add(Uuid::from_u128(999))).then_refused(&MembershipRejection::GroupFull);
}

#[test]
fn nothing_happens_to_a_group_that_there_is_not() {
    given_nothing::<Group>().when(&add(ANN)).then_refused(&MembershipRejection::UnknownGroup);
    given_nothing::<Group>().when(&remove(ANN)).then_refused(&MembershipRejection::UnknownGroup);
    given_nothing::<Group>().when(&update(july(1, 2))).then_refused(&GroupRejection::UnknownGroup);
}

#[test]
fn nothing_happens_to_a_group_that_has_settled_up() {
    given::<Group, _>(closed()).when(&add(ZOE)).then_refused(&MembershipRejection::GroupClosed);
    given::<Group, _>(closed()).when(&remove(ANN)).then_refused(&MembershipRejection::GroupClosed);
    given::<Group, _>(closed()).when(&update(july(1, 2))).then_refused(&GroupRejection::GroupClosed);
}

#[test]
fn whoever_has_settled_everything_may_leave() {
    let gone = GroupMemberRemoved { group_id: GROUP, user_id: CAT };
    given::<Group, _>(three()).when(&remove(CAT)).then([gone.clone()]);
    given::<Group, _>(three()).when(&remove(ZOE)).then_refused(&MembershipRejection::NotAMember);
    // What was rejected, or is even, is no reason to stay; nor is an expense that only others share.
    let rejected: Vec<ExpenseEvent> =
        vec![submitted(DINNER, ANN, 900).into(), rejected(DINNER, 900, BOB).into()];
    let others =
        ExpenseSubmitted { parts: vec![Part { user_id: BOB, amount: 5 }], ..submitted(TAXI, ANN, 5) };
    given::<Group, _>(three())
        .and_within::<Expense, _>(GROUP, DINNER, rejected)
        .and_within::<Expense, _>(GROUP, TAXI, [others])
        .when(&remove(CAT))
        .then([gone]);
}

#[test]
fn whoever_has_money_in_the_wallet_stays() {
    given::<Group, _>(three())
        .and_within::<Wallet, _>(GROUP, CAT, [funded(CAT, 1)])
        .when(&remove(CAT))
        .then_refused(&MembershipRejection::HasBalance);
    given::<Group, _>(three())
        .and_within::<Wallet, _>(GROUP, BOB, [funded(BOB, 1)])
        .when(&remove(CAT))
        .then([GroupMemberRemoved { group_id: GROUP, user_id: CAT }]);
}

#[test]
fn whoever_owes_or_is_owed_something_stays() {
    for leaver in [ANN, CAT] {
        given::<Group, _>(three())
            .and_within::<Expense, _>(GROUP, DINNER, counted(DINNER, ANN, 900))
            .when(&remove(leaver))
            .then_refused(&MembershipRejection::HasBalance);
        given::<Group, _>(three())
            .and_within::<Booking, _>(GROUP, STAY, [booked(STAY, nights(1, 3), 1, Some(ANN))])
            .when(&remove(leaver))
            .then_refused(&MembershipRejection::HasBalance);
    }
}

#[test]
fn whoever_has_a_part_in_what_is_to_be_decided_stays() {
    for leaver in [ANN, CAT] {
        given::<Group, _>(three())
            .and_within::<Expense, _>(GROUP, DINNER, [submitted(DINNER, ANN, 900)])
            .when(&remove(leaver))
            .then_refused(&MembershipRejection::HasBalance);
    }
}

#[test]
fn a_trip_is_moved() {
    let updated = GroupTripWindowUpdated { group_id: GROUP, trip_window: july(2, 20) };
    given::<Group, _>(three()).when(&update(july(2, 20))).then([updated.clone()]);
    given::<Group, _>(three()).when(&update(july(1, 10))).then_nothing();
    let mut moved = three();
    moved.push(updated.into());
    given::<Group, _>(moved).when(&update(july(2, 20))).then_nothing();
}

#[test]
fn a_booking_outside_of_the_new_days_refuses_them() {
    let with_stay = || {
        given::<Group, _>(three()).and_within::<Booking, _>(
            GROUP,
            STAY,
            [booked(STAY, nights(3, 6), 1, None)],
        )
    };
    for window in [july(4, 10), july(1, 5), july(11, 20)] {
        with_stay().when(&update(window)).then_refused(&GroupRejection::BookingsOutsideWindow);
    }
    let trip_window = july(3, 6);
    with_stay().when(&update(trip_window)).then([GroupTripWindowUpdated { group_id: GROUP, trip_window }]);
    let given_back: Vec<BookingEvent> =
        vec![booked(STAY, nights(3, 6), 1, None).into(), cancelled(STAY, nights(3, 6)).into()];
    let trip_window = july(11, 20);
    given::<Group, _>(three())
        .and_within::<Booking, _>(GROUP, STAY, given_back)
        .when(&update(trip_window))
        .then([GroupTripWindowUpdated { group_id: GROUP, trip_window }]);
}
