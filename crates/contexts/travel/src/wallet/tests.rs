use kernel::testing::{given, given_nothing};

use super::*;
use crate::Group;
use crate::scene::*;

fn fund(amount: Money) -> FundWallet {
    FundWallet { group_id: GROUP, user_id: BOB, amount }
}

fn withdraw(amount: Money) -> WithdrawFromWallet {
    WithdrawFromWallet { group_id: GROUP, user_id: BOB, amount }
}

fn withdrawn(amount: i64) -> WalletWithdrawn {
    WalletWithdrawn { group_id: GROUP, user_id: BOB, amount: euro(amount) }
}

#[test]
fn a_member_puts_money_in_and_takes_it_out() {
    given_nothing::<Wallet>()
        .and_stream::<Group, _>(GROUP, three())
        .when(&fund(euro(5)))
        .then([funded(BOB, 5)]);
    given::<Wallet, _>([funded(BOB, 5), funded(BOB, 2)])
        .and_stream::<Group, _>(GROUP, three())
        .when(&withdraw(euro(7)))
        .then([withdrawn(7)]);
}

#[test]
fn a_wallet_is_never_below_zero() {
    let events: [WalletEvent; 2] = [funded(BOB, 5).into(), withdrawn(3).into()];
    given::<Wallet, _>(events)
        .and_stream::<Group, _>(GROUP, three())
        .when(&withdraw(euro(3)))
        .then_refused(&WalletRejection::InsufficientFunds);
    given_nothing::<Wallet>()
        .and_stream::<Group, _>(GROUP, three())
        .when(&withdraw(euro(1)))
        .then_refused(&WalletRejection::InsufficientFunds);
}

#[test]
fn amounts_are_above_zero() {
    for amount in [0, -1] {
        given_nothing::<Wallet>().when(&fund(euro(amount))).then_invalid("amount.amount", "not-positive");
        given_nothing::<Wallet>().when(&withdraw(euro(amount))).then_invalid("amount.amount", "not-positive");
    }
    let huge = euro(i64::MAX);
    given_nothing::<Wallet>().when(&fund(huge)).then_invalid("amount.amount", "too-large");
}

#[test]
fn a_wallet_holds_so_much_and_no_more() {
    given::<Wallet, _>([funded(BOB, 1_000_000_000_000)])
        .and_stream::<Group, _>(GROUP, three())
        .when(&fund(euro(1)))
        .then_refused(&WalletRejection::WalletFull);
}

#[test]
fn a_wallet_is_a_members_and_in_the_groups_currency() {
    let stranger = FundWallet { user_id: ZOE, ..fund(euro(5)) };
    let of_group = || given_nothing::<Wallet>().and_stream::<Group, _>(GROUP, three());
    of_group().when(&stranger).then_refused(&WalletRejection::NotAMember);
    let stranger = WithdrawFromWallet { user_id: ZOE, ..withdraw(euro(5)) };
    of_group().when(&stranger).then_refused(&WalletRejection::NotAMember);
    of_group().when(&fund(dollar(5))).then_refused(&WalletRejection::CurrencyMismatch);
    of_group().when(&withdraw(dollar(5))).then_refused(&WalletRejection::CurrencyMismatch);
    given_nothing::<Wallet>().when(&fund(euro(5))).then_refused(&WalletRejection::UnknownGroup);
    given_nothing::<Wallet>().when(&withdraw(euro(5))).then_refused(&WalletRejection::UnknownGroup);
}

#[test]
fn what_settling_up_left_can_be_taken_and_nothing_put_in() {
    // Bob had 10.00 and paid 5.00 of it.
    let after = || given::<Wallet, _>([funded(BOB, 1000)]).and_stream::<Group, _>(GROUP, closed());
    after().when(&withdraw(euro(500))).then([withdrawn(500)]);
    after().when(&withdraw(euro(501))).then_refused(&WalletRejection::InsufficientFunds);
    after().when(&withdraw(dollar(1))).then_refused(&WalletRejection::CurrencyMismatch);
    after().when(&fund(euro(1))).then_refused(&WalletRejection::GroupClosed);
    // Ann had put nothing in, and got 5.00.
    let paid_out = WithdrawFromWallet { user_id: ANN, ..withdraw(euro(500)) };
    given_nothing::<Wallet>()
        .and_stream::<Group, _>(GROUP, closed())
        .when(&paid_out)
        .then([WalletWithdrawn { user_id: ANN, ..withdrawn(500) }]);
    given::<Wallet, _>([WalletWithdrawn { user_id: ANN, ..withdrawn(500) }])
        .and_stream::<Group, _>(GROUP, closed())
        .when(&WithdrawFromWallet { amount: euro(1), ..paid_out })
        .then_refused(&WalletRejection::InsufficientFunds);
}
