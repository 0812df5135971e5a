use kernel::testing::{ViewCase, history};
use kernel::{Decider, Timestamp, View};
use uuid::Uuid;

use super::*;
use crate::scene::*;
use crate::{
    Booking, BookingEvent, Budget, BudgetEvent, BudgetSet, Expense, ExpenseEvent, Group, GroupEvent,
    GroupLiquidated, GroupMemberRemoved, Hotel, HotelEvent, Item, ItemEvent, ItineraryItemDropped,
    ItineraryItemPlanned, Payment, Settlement, TravelEvent, Wallet, WalletEvent,
};

/// Two tenants with the same ids; what is told of the second must not show with the first.
fn tale<V: View<Event = TravelEvent>>() -> ViewCase<V> {
    let mut case = history::<V>();
    for tenant in ["globex", "acme"] {
        case = case.tenant(tenant).at(Timestamp::from_micros(5));
        for event in three() {
            case = case.event(Group::STREAM, GROUP, event);
        }
        let fund = WalletEvent::from(funded(BOB, 1000));
        case = case.event_within(Wallet::STREAM, GROUP, BOB, fund);
        case = case.event(Budget::STREAM, GROUP, budget("food", 800));
        for (id, events) in
            [(DINNER, counted(DINNER, ANN, 900)), (TAXI, vec![submitted(TAXI, BOB, 60).into()])]
        {
            for event in events {
                case = case.event_within(Expense::STREAM, GROUP, id, event);
            }
        }
        case = case.event_within(Item::STREAM, GROUP, MUSEUM, ItemEvent::from(planned()));
        case = case.event(Hotel::STREAM, RITZ, HotelEvent::from(opened(2)));
        let stay = BookingEvent::from(booked(STAY, nights(1, 3), 1, Some(CAT)));
        case = case.event_within(Booking::STREAM, GROUP, STAY, stay);
        let other = BookingEvent::from(booked(OTHER_STAY, nights(2, 3), 2, None));
        case = case.event_within(Booking::STREAM, GROUP, OTHER_STAY, other);
        if tenant == "globex" {
            case = case.event_within(
                Booking::STREAM,
                GROUP,
                OTHER_STAY,
                BookingEvent::from(cancelled(OTHER_STAY, nights(2, 3))),
            );
        }
    }
    case
}

fn budget(category: &str, limit: i64) -> BudgetEvent {
    BudgetSet { group_id: GROUP, category: category.into(), limit: euro(limit) }.into()
}

fn planned() -> ItineraryItemPlanned {
    ItineraryItemPlanned {
        group_id: GROUP,
        item_id: MUSEUM,
        title: "Museum".into(),
        starts_at: "2026-07-02T10:00:00Z".parse().unwrap(),
        ends_at: None,
        place: Some("Belém".into()),
    }
}

fn standing(row: &GroupRow) -> Vec<(Uuid, [i64; 4])> {
    row.members
        .iter()
        .map(|it| (it.user_id, [it.wallet, it.paid, it.share, it.balance].map(|money| money.amount)))
        .collect()
}

#[test]
fn a_group_shows_how_its_members_stand_with_each_other() {
    let case = tale::<Groups>();
    let row = case.row(GROUP);
    assert_eq!((row.name.as_str(), row.status, row.trip_window), ("Lisbon", GroupStatus::Open, july(1, 10)));
    let expected =
        [(ANN, [0, 900, 3300, -2400]), (BOB, [1000, 0, 3300, -3300]), (CAT, [0, 9000, 3300, 5700])];
    assert_eq!(standing(&row), expected);
    case.holds_however_delivered();
}

#[test]
fn a_refund_changes_how_they_stand() {
    let less = refunded(STAY, 9000, Some(CAT), &[(ANN, 3000), (BOB, 3000), (CAT, 3000)]);
    let row =
        tale::<Groups>().event_within(Booking::STREAM, GROUP, STAY, BookingEvent::from(less)).row(GROUP);
    let expected = [(ANN, [0, 900, 300, 600]), (BOB, [1000, 0, 300, -300]), (CAT, [0, 0, 300, -300])];
    assert_eq!(standing(&row), expected);
}

#[test]
fn a_group_that_has_settled_up_shows_what_was_moved_and_owes_nothing() {
    let settlements = vec![
        Settlement { user_id: ANN, change: -2400, wallet: 0 },
        Settlement { user_id: BOB, change: -3300, wallet: 0 },
        Settlement { user_id: CAT, change: 5700, wallet: 5700 },
    ];
    let payments =
        vec![Payment { from: BOB, to: CAT, amount: 3300 }, Payment { from: ANN, to: CAT, amount: 2400 }];
    let event = GroupLiquidated { group_id: GROUP, currency: currency("EUR"), settlements, payments };
    let case = tale::<Groups>()
        .event_within(Wallet::STREAM, GROUP, ANN, WalletEvent::from(funded(ANN, 2400)))
        .event_within(Wallet::STREAM, GROUP, BOB, WalletEvent::from(funded(BOB, 2300)))
        .event(Group::STREAM, GROUP, GroupEvent::from(event));
    let row = case.row(GROUP);
    let paid: Vec<_> = row.payments.iter().map(|it| (it.from, it.to, it.amount)).collect();
    assert_eq!(
        (row.status, paid),
        (GroupStatus::Closed, vec![(BOB, CAT, euro(3300)), (ANN, CAT, euro(2400))])
    );
    let wallets: Vec<_> = row.members.iter().map(|it| (it.wallet.amount, it.balance.amount)).collect();
    assert_eq!(wallets, [(0, 0), (0, 0), (5700, 0)]);
    case.holds_however_delivered();
}

#[test]
fn whoever_left_shows_only_where_they_paid_or_were_paid_for() {
    let left = |user_id| GroupEvent::from(GroupMemberRemoved { group_id: GROUP, user_id });
    let case = tale::<Groups>()
        .event(Group::STREAM, GROUP, GroupEvent::from(joined(ZOE)))
        .event(Group::STREAM, GROUP, left(ZOE))
        .event(Group::STREAM, GROUP, left(ANN));
    let members: Vec<_> =
        case.row(GROUP).members.iter().map(|it| (it.user_id, it.left_at.is_some())).collect();
    assert_eq!(members, [(ANN, true), (BOB, false), (CAT, false)]);
    let again = case.event(Group::STREAM, GROUP, GroupEvent::from(joined(ANN))).row(GROUP);
    assert_eq!(again.members[0].left_at, None);
}

#[test]
fn an_expense_waits_until_it_is_decided() {
    let key = |id: Uuid| format!("{GROUP}/{id}");
    let case = tale::<Expenses>();
    let dinner = case.row(key(DINNER));
    assert_eq!((dinner.status, dinner.decided_by, dinner.paid_by), (ExpenseStatus::Approved, Some(BOB), ANN));
    assert_eq!(case.row(key(TAXI)).status, ExpenseStatus::Pending);
    let case = case.event_within(Expense::STREAM, GROUP, TAXI, ExpenseEvent::from(rejected(TAXI, 60, CAT)));
    let taxi = case.row(key(TAXI));
    assert_eq!((taxi.status, taxi.decided_by), (ExpenseStatus::Rejected, Some(CAT)));
    case.holds_however_delivered();
}

#[test]
fn what_is_planned_is_on_the_itinerary_until_it_is_dropped() {
    let key = format!("{GROUP}/{MUSEUM}");
    let case = tale::<Itinerary>();
    let row = case.row(key.clone());
    assert_eq!((row.title.as_str(), row.place.as_deref()), ("Museum", Some("Belém")));
    let dropped = ItineraryItemDropped { group_id: GROUP, item_id: MUSEUM };
    case.event_within(Item::STREAM, GROUP, MUSEUM, ItemEvent::from(dropped))
        .then_no_row(key)
        .holds_however_delivered();
}

#[test]
fn a_budget_shows_what_is_spent_what_waits_and_what_is_left() {
    let key = |category: &str| format!("{GROUP}/{category}");
    let row = |category: &str, limit: Option<i64>, spent, committed| BudgetRow {
        group_id: GROUP,
        category: category.into(),
        limit: limit.map(euro),
        spent: euro(spent),
        committed: euro(committed),
        left: limit.map(|limit| euro(limit - spent - committed)),
    };
    let refund = BookingEvent::from(refunded(OTHER_STAY, 4000, None, &[]));
    tale::<Budgets>()
        .then_row(key("food"), &row("food", Some(800), 900, 60))
        .then_row(key("lodging"), &row("lodging", None, 18_000, 0))
        .event_within(Expense::STREAM, GROUP, TAXI, ExpenseEvent::from(rejected(TAXI, 60, CAT)))
        .event_within(Booking::STREAM, GROUP, OTHER_STAY, refund)
        .event(Budget::STREAM, GROUP, budget("food", 1000))
        .then_row(key("food"), &row("food", Some(1000), 900, 0))
        .then_row(key("lodging"), &row("lodging", None, 14_000, 0))
        .holds_however_delivered();
}

#[test]
fn a_booking_shows_what_became_of_the_room_and_of_the_money() {
    let less = refunded(STAY, 1000, Some(CAT), &[(ANN, 333), (BOB, 333), (CAT, 334)]);
    let case = tale::<Bookings>()
        .event_within(Booking::STREAM, GROUP, STAY, BookingEvent::from(less))
        .event_within(Booking::STREAM, GROUP, STAY, BookingEvent::from(cancelled(STAY, nights(1, 3))));
    let row = case.row(STAY);
    assert_eq!((row.status, row.price, row.refunded), (BookingStatus::Cancelled, euro(9000), euro(1000)));
    assert_eq!(row.parts.iter().map(|part| part.amount.amount).collect::<Vec<_>>(), [2667, 2667, 2666]);
    assert_eq!(case.row(OTHER_STAY).status, BookingStatus::Booked);
    case.holds_however_delivered();
}

#[test]
fn rooms_are_counted_by_the_night() {
    let night = |day: i32| format!("night/{RITZ}/2026-07-{day:02}/double");
    let sold = |case: &ViewCase<Rooms>, day| match case.row(night(day)) {
        RoomsRow::Night(night) => night.sold,
        RoomsRow::Rooms(_) => panic!("a night"),
    };
    let case = tale::<Rooms>();
    assert_eq!((sold(&case, 1), sold(&case, 2)), (1, 2));
    let case = case.then_no_row(night(3));
    assert!(matches!(case.row(format!("rooms/{RITZ}/double")), RoomsRow::Rooms(rooms) if rooms.count == 2));
    let given_back = BookingEvent::from(cancelled(STAY, nights(1, 3)));
    let case = case.event_within(Booking::STREAM, GROUP, STAY, given_back).then_no_row(night(1));
    assert_eq!(sold(&case, 2), 1);
    case.holds_however_delivered();
}

#[test]
fn groups_and_bookings_can_be_told_as_they_were() {
    tale::<Groups>().is_told_by_its_sources();
    tale::<Bookings>().is_told_by_its_sources();
}
