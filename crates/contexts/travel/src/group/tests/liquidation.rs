//! Settling up.

use std::sync::Arc;

use kernel::testing::DeciderCase;
use kernel::{Actor, Command, Facts, StreamFamily, StreamName, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{BookingState, ExpenseState, WalletState};

const LIQUIDATE: LiquidateGroupWithWallets = LiquidateGroupWithWallets { group_id: GROUP };

/// Ann paid a dinner of 9.00 for three; everybody has so much in the wallet.
fn after_dinner(wallets: [i64; 3]) -> DeciderCase<Group> {
    let dinner = counted(DINNER, ANN, 900);
    let mut group = given::<Group, _>(three()).and_within::<Expense, _>(GROUP, DINNER, dinner);
    for (user, amount) in [ANN, BOB, CAT].into_iter().zip(wallets) {
        if amount > 0 {
            group = group.and_within::<Wallet, _>(GROUP, user, [funded(user, amount)]);
        }
    }
    group
}

fn liquidated(settlements: &[(Uuid, i64, i64)], payments: &[(Uuid, Uuid, i64)]) -> GroupLiquidated {
    let settlement = |(user_id, change, wallet): &(Uuid, i64, i64)| Settlement {
        user_id: *user_id,
        change: *change,
        wallet: *wallet,
    };
    let payment = |(from, to, amount): &(Uuid, Uuid, i64)| Payment { from: *from, to: *to, amount: *amount };
    GroupLiquidated {
        group_id: GROUP,
        currency: currency("EUR"),
        settlements: settlements.iter().map(settlement).collect(),
        payments: payments.iter().map(payment).collect(),
    }
}

#[test]
fn every_debt_is_settled_from_the_wallets() {
    after_dinner([0, 500, 300]).when(&LIQUIDATE).then([liquidated(
        &[(ANN, 600, 600), (BOB, -300, 200), (CAT, -300, 0)],
        &[(BOB, ANN, 300), (CAT, ANN, 300)],
    )]);
}

#[test]
fn a_group_without_debts_is_closed_as_it_is() {
    given::<Group, _>(three()).when(&LIQUIDATE).then([liquidated(&[], &[])]);
    given::<Group, _>(three())
        .and_within::<Wallet, _>(GROUP, BOB, [funded(BOB, 5)])
        .when(&LIQUIDATE)
        .then([liquidated(&[(BOB, 0, 5)], &[])]);
}

#[test]
fn what_a_member_paid_for_a_stay_is_a_debt_of_the_others_less_what_was_refunded() {
    let stay: Vec<BookingEvent> = vec![
        booked(STAY, nights(1, 3), 1, Some(ANN)).into(),
        cancelled(STAY, nights(1, 3)).into(),
        refunded(STAY, 8999, Some(ANN), &[(ANN, 2999), (BOB, 3000), (CAT, 3000)]).into(),
    ];
    let settled = liquidated(&[], &[]);
    given::<Group, _>(three())
        .and_within::<Booking, _>(GROUP, STAY, stay.clone())
        .when(&LIQUIDATE)
        .then([settled]);
    given::<Group, _>(three())
        .and_within::<Booking, _>(GROUP, STAY, stay[..2].to_vec())
        .when(&LIQUIDATE)
        .then_refused(&LiquidationRejection::InsufficientFunds(vec![BOB, CAT]));
    given::<Group, _>(three())
        .and_within::<Booking, _>(GROUP, STAY, [booked(STAY, nights(1, 3), 1, None)])
        .when(&LIQUIDATE)
        .then([liquidated(&[], &[])]);
}

#[test]
fn expenses_that_nobody_has_decided_on_refuse_it() {
    after_dinner([900, 900, 900])
        .and_within::<Expense, _>(GROUP, TAXI, [submitted(TAXI, BOB, 60)])
        .when(&LIQUIDATE)
        .then_refused(&LiquidationRejection::ExpensesPending(vec![TAXI]));
    let decided: Vec<ExpenseEvent> = vec![submitted(TAXI, BOB, 60).into(), rejected(TAXI, 60, ANN).into()];
    after_dinner([0, 300, 300]).and_within::<Expense, _>(GROUP, TAXI, decided).when(&LIQUIDATE).then([
        liquidated(&[(ANN, 600, 600), (BOB, -300, 0), (CAT, -300, 0)], &[(BOB, ANN, 300), (CAT, ANN, 300)]),
    ]);
}

#[test]
fn a_wallet_that_cannot_pay_refuses_all_of_it_and_is_named() {
    after_dinner([0, 299, 300])
        .when(&LIQUIDATE)
        .then_refused(&LiquidationRejection::InsufficientFunds(vec![BOB]));
    let both = LiquidationRejection::InsufficientFunds(vec![BOB, CAT]);
    after_dinner([900, 299, 0]).when(&LIQUIDATE).then_refused(&both);
    assert_eq!(both.to_string(), format!("wallets cannot pay what their members owe: {BOB}, {CAT}"));
}

#[test]
fn a_group_settles_up_once() {
    given::<Group, _>(closed()).when(&LIQUIDATE).then_refused(&LiquidationRejection::GroupClosed);
    given_nothing::<Group>().when(&LIQUIDATE).then_refused(&LiquidationRejection::UnknownGroup);
}

#[test]
fn of_very_many_the_first_are_named_and_the_others_counted() {
    let many = LiquidationRejection::ExpensesPending((0..23).map(Uuid::from_u128).collect());
    assert!(many.to_string().ends_with(" and 3 more"), "{many}");
}

/// What happened on a trip, in a currency's minor units: an expense or a stay by somebody, split among some.
#[derive(Debug, Clone)]
struct Paid {
    by: usize,
    amount: i64,
    shares: Vec<u32>,
    stay_refunded: Option<i64>,
}

fn paid(members: usize, largest: i64) -> impl Strategy<Value = Paid> {
    let shares = prop::collection::vec(0..4u32, members);
    (0..members, 1..=largest, shares, prop::option::weighted(0.3, 0..=100i64)).prop_map(
        |(by, amount, shares, percent)| Paid {
            by,
            amount,
            shares,
            stay_refunded: percent.map(|percent| amount * percent / 100),
        },
    )
}

/// Currencies of 0, 2 and 3 decimals, a group of up to 12, what they paid, and how much is in each wallet.
fn trip() -> impl Strategy<Value = (Currency, Vec<i64>, Vec<Paid>)> {
    let code = prop::sample::select(vec![("JPY", 0), ("EUR", 2), ("KWD", 3)]);
    (code, 1..=12usize).prop_flat_map(|((code, decimals), members)| {
        let largest = 500 * 10_i64.pow(decimals);
        let wallets = prop::collection::vec(0..=20 * largest, members);
        let payments = prop::collection::vec(paid(members, largest), 0..12);
        (Just(currency(code)), wallets, payments)
    })
}

fn told(currency: Currency, wallets: &[i64], payments: &[Paid]) -> (GroupState, Facts, Vec<i64>) {
    let users: Vec<Uuid> = (1..=wallets.len() as u128).map(|number| Uuid::from_u128(number * 7919)).collect();
    let members = users.iter().copied().collect();
    let state = GroupState::Open(Travellers { currency, window: july(1, 10), members });
    let mut net = vec![0; users.len()];
    let (mut expenses, mut bookings): (Vec<ExpenseState>, Vec<BookingState>) = (Vec::new(), Vec::new());
    for Paid { by, amount, shares, stay_refunded } in payments {
        let shares: Vec<_> = users.iter().copied().zip(shares.iter().copied()).collect();
        let amount = kernel::Money::new(*amount, currency);
        let parts = match stay_refunded {
            Some(refunded) => {
                let stay = crate::Stay {
                    hotel_id: RITZ,
                    room_type: "double".into(),
                    nights: nights(1, 2),
                    rooms: vec![1],
                    price: amount,
                    refunded: *refunded,
                    category: "lodging".into(),
                    paid_by: Some(users[*by]),
                    shared_by: users.clone(),
                };
                let parts = stay.parts();
                bookings.push(BookingState::Booked(stay));
                parts
            }
            None => {
                let parts = crate::split::by_shares(amount.amount, &shares);
                expenses.push(ExpenseState::Approved(crate::Submission {
                    submitted_by: users[*by],
                    paid_by: users[*by],
                    amount,
                    category: "food".into(),
                    parts: parts.clone(),
                }));
                parts
            }
        };
        for part in parts {
            net[*by] += part.amount;
            net[users.iter().position(|user| *user == part.user_id).unwrap()] -= part.amount;
        }
    }
    let mut facts = Facts::new(Timestamp::from_micros(0), GROUP, Actor::new("tester"));
    facts = facts.with_family(
        StreamFamily::of(Wallet::STREAM, GROUP),
        users
            .iter()
            .zip(wallets)
            .map(|(user, amount)| (*user, state_of(WalletState::Used(*amount))))
            .collect(),
    );
    facts = facts.with_family(StreamFamily::of(Expense::STREAM, GROUP), numbered(expenses));
    facts = facts.with_family(StreamFamily::of(Booking::STREAM, GROUP), numbered(bookings));
    (state, facts, net)
}

type State = Arc<dyn std::any::Any + Send + Sync>;

fn state_of(state: impl std::any::Any + Send + Sync) -> State {
    Arc::new(state)
}

fn numbered<S: std::any::Any + Send + Sync>(states: Vec<S>) -> Arc<[(Uuid, State)]> {
    states.into_iter().zip(1..).map(|(state, number)| (Uuid::from_u128(number), state_of(state))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_group_paid_is_settled_to_the_last_unit((currency, wallets, payments) in trip()) {
        let (state, facts, net) = told(currency, &wallets, &payments);
        let able = wallets.iter().zip(&net).all(|(wallet, net)| wallet + net >= 0);
        match LIQUIDATE.decide(&state, &facts) {
            Err(LiquidationRejection::InsufficientFunds(poor)) => {
                prop_assert!(!able);
                let unable = wallets.iter().zip(&net).filter(|(wallet, net)| *wallet + *net < 0).count();
                prop_assert_eq!(poor.len(), unable, "everybody who cannot pay is named");
            }
            Err(other) => prop_assert!(false, "{other}"),
            Ok(decision) => {
                prop_assert!(able);
                let [GroupEvent::GroupLiquidated(settled)] = &decision.events[..] else {
                    return Err(TestCaseError::fail("one event"));
                };
                check(settled, &wallets, &net);
            }
        }
    }
}

/// Nothing is lost or made, everybody gets just what they are owed, and the payments are the changes.
fn check(settled: &GroupLiquidated, wallets: &[i64], net: &[i64]) {
    assert_eq!(settled.settlements.iter().map(|it| it.change).sum::<i64>(), 0);
    assert_eq!(settled.settlements.iter().map(|it| it.wallet).sum::<i64>(), wallets.iter().sum::<i64>());
    for (number, (wallet, net)) in wallets.iter().zip(net).enumerate() {
        let user = Uuid::from_u128((number as u128 + 1) * 7919);
        let settlement = settled.settlements.iter().find(|it| it.user_id == user);
        let (change, after) = settlement.map_or((0, 0), |it| (it.change, it.wallet));
        assert_eq!((change, after), (*net, wallet + net));
        assert!(after >= 0);
        let came_in: i64 = settled.payments.iter().filter(|it| it.to == user).map(|it| it.amount).sum();
        let went_out: i64 = settled.payments.iter().filter(|it| it.from == user).map(|it| it.amount).sum();
        assert_eq!(came_in - went_out, change);
    }
    assert!(settled.payments.iter().all(|it| it.amount > 0));
    assert!(settled.payments.len() < wallets.len().max(1));
}

#[test]
fn the_property_reads_what_the_command_reads() {
    let reads = LIQUIDATE.reads(GROUP, &GroupState::Unknown);
    let kinds: Vec<_> = reads.families().iter().map(|read| read.kind).collect();
    assert_eq!(kinds, ["wallet", "expense", "booking"]);
    assert_eq!(StreamName::within("wallet", GROUP, ANN).kind(), "wallet");
}
