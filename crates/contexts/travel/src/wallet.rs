//! A wallet: what a member has put in for the trip.

mod fund;
mod withdraw;

pub use fund::FundWallet;
pub use withdraw::WithdrawFromWallet;

use kernel::{Decider, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stream of one member's wallet in one group.
#[derive(Debug, Clone, Copy)]
pub struct Wallet;

kernel::events! {
    /// What can happen to a wallet.
    pub enum WalletEvent in "schemas/travel" { WalletFunded, WalletWithdrawn }
}

/// Money was put into a wallet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WalletFunded {
    /// The group.
    pub group_id: Uuid,
    /// Whose wallet.
    pub user_id: Uuid,
    /// How much.
    pub amount: Money,
}

/// Money was taken out of a wallet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WalletWithdrawn {
    /// The group.
    pub group_id: Uuid,
    /// Whose wallet.
    pub user_id: Uuid,
    /// How much.
    pub amount: Money,
}

/// Where a wallet stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum WalletState {
    /// Nothing was ever put in.
    #[default]
    Unused,
    /// So much was put in and not taken out, in minor units. What settling up moved stands with the group: after
    /// it this may be below 0.
    Used(i64),
}

kernel::rejections! {
    /// Why a wallet's command is refused.
    pub enum WalletRejection {
        /// There is no such group.
        UnknownGroup = "unknown-group": "there is no group with this id",
        /// It has settled up.
        GroupClosed = "group-closed": "the group has settled up and is closed",
        /// They are not in it.
        NotAMember = "not-a-member": "the user is no member of the group",
        /// The amount is not in what the group counts in.
        CurrencyMismatch = "currency-mismatch": "the group counts in another currency",
        /// There is less in it.
        InsufficientFunds = "insufficient-funds": "there is less in the wallet",
        /// There is as much in it as a wallet can hold.
        WalletFull = "wallet-full": "the wallet cannot hold so much",
    }
}

crate::group::needs_a_group!(WalletRejection);

impl Decider for Wallet {
    const STREAM: &'static str = "wallet";
    const STATE_VERSION: u32 = 1;
    type Event = WalletEvent;
    type State = WalletState;

    fn evolve(state: WalletState, event: &WalletEvent) -> WalletState {
        WalletState::Used(match event {
            WalletEvent::WalletFunded(funded) => state.balance() + funded.amount.amount,
            WalletEvent::WalletWithdrawn(withdrawn) => state.balance() - withdrawn.amount.amount,
        })
    }
}

impl WalletState {
    /// What was put in and not taken out.
    pub fn balance(&self) -> i64 {
        match self {
            Self::Unused => 0,
            Self::Used(balance) => *balance,
        }
    }
}

#[cfg(test)]
mod tests;
