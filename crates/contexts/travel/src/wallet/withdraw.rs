use kernel::{Command, Decision, Facts, Money, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Wallet, WalletRejection, WalletState, WalletWithdrawn};
use crate::limits::check_amount;
use crate::{Group, GroupState};

/// Takes money out of a member's wallet, never more than there is. Once the group has settled up, what that left in
/// it is there to be taken.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawFromWallet {
    /// The group.
    pub group_id: Uuid,
    /// Whose wallet.
    pub user_id: Uuid,
    /// How much, above 0, in the group's currency.
    pub amount: Money,
}

impl Command for WithdrawFromWallet {
    const NAME: &'static str = "withdraw-from-wallet";
    type Decider = Wallet;
    type Rejection = WalletRejection;

    fn validate(&self, violations: &mut Violations) {
        check_amount(violations, "amount", &self.amount);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn owner(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, _: Uuid, _: &WalletState) -> Reads {
        Reads::of::<Group>(self.group_id)
    }

    fn decide(&self, state: &WalletState, facts: &Facts) -> Verdict<Self> {
        let (currency, settled) = match facts.state::<Group>(self.group_id) {
            GroupState::Unknown => return Err(WalletRejection::UnknownGroup),
            GroupState::Open(travellers) if !travellers.members.contains(&self.user_id) => {
                return Err(WalletRejection::NotAMember);
            }
            GroupState::Open(travellers) => (travellers.currency, 0),
            GroupState::Closed { currency, changes } => {
                (*currency, changes.get(&self.user_id).copied().unwrap_or(0))
            }
        };
        if self.amount.currency != currency {
            return Err(WalletRejection::CurrencyMismatch);
        }
        if state.balance() + settled < self.amount.amount {
            return Err(WalletRejection::InsufficientFunds);
        }
        let (group_id, user_id, amount) = (self.group_id, self.user_id, self.amount);
        Ok(Decision::record(WalletWithdrawn { group_id, user_id, amount }))
    }
}
