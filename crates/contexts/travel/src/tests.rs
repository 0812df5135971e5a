use std::collections::BTreeSet;

use kernel::{Command, Context, EventSet, Registry, View};

use super::*;

#[derive(Default)]
struct Names {
    commands: Vec<&'static str>,
    views: Vec<&'static str>,
}

impl Registry for Names {
    fn command<C: Command>(&mut self) {
        self.commands.push(C::NAME);
    }

    fn view<V: View>(&mut self) {
        self.views.push(V::NAME);
    }
}

#[test]
fn these_commands_are_taken_and_these_views_are_kept() {
    let mut names = Names::default();
    Travel::register(&mut names);
    assert_eq!(
        names.commands,
        [
            "create-group",
            "add-group-member",
            "remove-group-member",
            "update-group-trip-window",
            "liquidate-group-with-wallets",
            "plan-itinerary-item",
            "drop-itinerary-item",
            "set-budget",
            "fund-wallet",
            "withdraw-from-wallet",
            "submit-expense",
            "approve-expense",
            "reject-expense",
            "open-hotel",
            "book-hotel-room",
            "cancel-booking",
            "refund-payment",
        ]
    );
    let views = [
        "travel-groups",
        "travel-expenses",
        "travel-itinerary",
        "travel-budgets",
        "travel-bookings",
        "travel-rooms",
    ];
    assert_eq!(names.views, views);
}

#[test]
fn every_event_has_a_name_of_its_own() {
    let schemas = <TravelEvent as EventSet>::SCHEMAS;
    let names: BTreeSet<_> = schemas.iter().map(|(name, _)| name).collect();
    assert_eq!((schemas.len(), names.len()), (17, 17));
}

#[test]
fn codes_are_what_clients_switch_on() {
    fn codes<R: kernel::Rejection>() -> Vec<&'static str> {
        R::CODES.iter().map(|(code, _)| *code).collect()
    }
    assert_eq!(
        codes::<MembershipRejection>(),
        ["unknown-group", "group-closed", "already-member", "not-a-member", "group-full", "has-balance"]
    );
    assert_eq!(
        codes::<GroupRejection>(),
        ["group-exists", "unknown-group", "group-closed", "bookings-outside-window"]
    );
    assert_eq!(
        codes::<WalletRejection>(),
        [
            "unknown-group",
            "group-closed",
            "not-a-member",
            "currency-mismatch",
            "insufficient-funds",
            "wallet-full"
        ]
    );
    assert_eq!(
        codes::<ExpenseRejection>(),
        [
            "unknown-group",
            "group-closed",
            "not-a-member",
            "currency-mismatch",
            "expense-exists",
            "unknown-expense",
            "self-approval",
            "already-decided",
        ]
    );
    assert_eq!(
        codes::<BookingRejection>(),
        [
            "unknown-group",
            "group-closed",
            "booking-exists",
            "unknown-booking",
            "already-cancelled",
            "unknown-hotel",
            "unknown-room-type",
            "no-room",
            "outside-window",
            "not-a-member",
            "currency-mismatch",
            "refund-exceeds-payment",
        ]
    );
    assert_eq!(
        codes::<ItemRejection>(),
        ["unknown-group", "group-closed", "item-exists", "unknown-item", "outside-window"]
    );
    assert_eq!(
        codes::<BudgetRejection>(),
        ["unknown-group", "group-closed", "currency-mismatch", "too-many-categories"]
    );
    assert_eq!(codes::<HotelRejection>(), ["rooms-open", "too-many-room-types"]);
    let liquidation = [
        LiquidationRejection::UnknownGroup,
        LiquidationRejection::GroupClosed,
        LiquidationRejection::ExpensesPending(Vec::new()),
        LiquidationRejection::InsufficientFunds(Vec::new()),
    ];
    let expected = ["unknown-group", "group-closed", "expenses-pending", "insufficient-funds"];
    assert_eq!(liquidation.map(|it| kernel::Rejection::code(&it)), expected);
    assert_eq!(codes::<LiquidationRejection>(), expected);
}
