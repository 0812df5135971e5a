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
    assert!(codes::<GroupRejection>().contains(&"bookings-outside-window"));
    assert!(codes::<WalletRejection>().contains(&"insufficient-funds"));
    assert!(codes::<ExpenseRejection>().contains(&"self-approval"));
    assert!(codes::<BookingRejection>().contains(&"no-room"));
    let expected = ["unknown-group", "group-closed", "expenses-pending", "insufficient-funds"];
    assert_eq!(codes::<LiquidationRejection>(), expected);
}
